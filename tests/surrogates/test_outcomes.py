import math

import pytest

from simulated import SPACES, history_of
from welltempered.events import FINISHED, Cut, Ended, Reported, Resumed, Started
from welltempered.schedulers.full import Full
from welltempered.searchers.random import Random
from welltempered.surrogates.outcomes import outcomes


def history(*curves):
    """Return a history of trials with these losses."""
    made = history_of(SPACES["continuous"], Full(Random()))
    for id, losses in enumerate(curves):
        made.apply(Started(id, made.space.sample(made.rng), len(losses)))
        for epoch, loss in enumerate(losses, 1):
            made.apply(Reported(id, epoch, {"loss": loss}))
    return made


def test_trials_of_one_length_are_worth_their_last_losses():
    assert list(outcomes(history([3.0, 1.0], [2.0, 4.0]), [0, 1])) == [1.0, 4.0]


def test_they_are_compared_after_the_highest_epoch_that_eight_have_reached():
    curves = [[9.0, float(id), 0.5][: 2 + (id < 7)] for id in range(9)]
    assert list(outcomes(history(*curves), range(9))) == [float(id) for id in range(9)]


def test_one_left_behind_is_extrapolated_by_the_median_change_of_the_others():
    full = [[10.0 + id, 5.0 + id] for id in range(8)]
    assert outcomes(history(*full, [30.0]), range(9))[8] == 25.0


def test_one_whose_code_has_ended_keeps_its_loss():
    made = history(*[[10.0, 5.0]] * 8)
    made.apply(Started(8, made.space.sample(made.rng), 2))
    made.apply(Reported(8, 1, {"loss": 7.0}))
    made.apply(Ended(8, FINISHED))
    assert outcomes(made, range(9))[8] == 7.0


def test_a_diverged_trial_is_infinitely_bad():
    assert list(outcomes(history([1.0], [1.0, None]), [0, 1])) == [1.0, math.inf]
    assert list(outcomes(history([None]), [0])) == [math.inf]


def test_one_that_begins_anew_is_taken_for_a_middling_one():
    made = history([1.0], [3.0], [9.0])
    made.apply(Resumed(2, 5))
    made.apply(Cut(2, 0, "worker lost"))
    made.apply(Resumed(2, 5))
    assert list(outcomes(made, [0, 1, 2])) == pytest.approx([1.0, 3.0, 2.0])
