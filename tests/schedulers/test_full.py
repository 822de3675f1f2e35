import pytest

from simulated import SPACES, calm, kinds, leases, simulate, study_of
from welltempered.events import Resumed
from welltempered.schedulers.full import Full
from welltempered.searchers.grid import Grid
from welltempered.searchers.random import Random


@pytest.mark.parametrize("slots", [1, 4])
def test_every_trial_is_trained_to_the_end_on_one_lease(slots):
    study = simulate(study_of(SPACES["continuous"], Full(Random())), slots=slots, budget="20 trials", curve=calm)
    assert leases(study.history) == {(trial, 9) for trial in range(20)}
    assert [trial.epoch for trial in study.trials] == [9] * 20
    assert not kinds(study.history, Resumed)


def test_a_study_ends_when_the_searcher_has_nothing_left():
    study = simulate(study_of(SPACES["continuous"], Full(Grid())), slots=4)
    assert len(study.trials) == 25


def test_no_paused_trial_is_ever_needed():
    study = simulate(study_of(SPACES["continuous"], Full(Random())), budget="20 trials")
    assert not Full(Random()).keeps(study.history)
