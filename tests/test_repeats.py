import math

import pytest

from simulated import SPACES, history_of
from welltempered.events import Cut, Ended, Origin, Reported, Resumed, Started
from welltempered.repeats import average
from welltempered.schedulers.full import Full
from welltempered.searchers.random import Random


def history_with(*trials):
    """Return a history of trials, each (lr, losses); `None` for a loss diverges."""
    history = history_of(SPACES["continuous"], Full(Random()))
    for id, (lr, losses) in enumerate(trials):
        history.apply(Started(id, {"lr": lr, "dropout": 0.1}, 9))
        for epoch, loss in enumerate(losses, 1):
            history.apply(Reported(id, epoch, {"loss": loss}))
    return history


def test_a_setting_is_as_good_as_its_average():
    history = history_with((0.1, [0.1]), (0.1, [0.9]), (0.2, [0.3]), (0.2, [0.4]))
    assert history.best.id == 2
    assert history.replicates(3) == [2, 3]


def test_a_single_lucky_training_does_not_beat_an_average_within_the_noise():
    replicated = [(0.1, [0.3]), (0.1, [0.4]), (0.1, [0.35]), (0.1, [0.35])]
    assert history_with(*replicated, (0.2, [0.34])).best.id == 0
    assert history_with(*replicated, (0.2, [0.1])).best.id == 4


def test_without_replicates_the_lowest_loss_is_best():
    assert history_with((0.1, [0.3]), (0.2, [0.2]), (0.3, [0.25])).best.id == 1


def test_a_setting_that_has_diverged_once_counts_as_diverged():
    assert history_with((0.1, [0.1]), (0.1, [0.5, None]), (0.2, [0.3])).best.id == 2


def test_a_replicate_in_training_is_not_compared_with_one_that_is_trained():
    assert history_with((0.1, [0.9, 0.1]), (0.1, [0.9]), (0.2, [0.5, 0.3])).best.id == 0


def test_a_crash_says_nothing_of_the_params():
    history = history_with((0.1, [0.1]), (0.2, [0.3]), (0.1, [0.8]))
    history.apply(Ended(2, "crashed", "its worker died"))
    assert history.best.id == 0
    assert history.replicates(0) == [0, 2]


@pytest.mark.parametrize("asked_before", [True, False])
def test_who_goes_on_from_the_state_of_another_is_nobodys_replicate_whenever_one_asks(asked_before):
    history = history_with((0.1, [0.3, 0.2]), (0.2, [0.5]))
    same, other = ({"lr": lr, "dropout": 0.1} for lr in (0.1, 0.3))
    history.apply(Ended(0, "finished"))
    history.apply(Started(2, same, 9, parent=Origin(0, 2)))
    history.apply(Started(3, other, 9, parent=Origin(0, 2)))
    if asked_before:
        assert history.best.id == 0
    for id in (2, 3):
        history.apply(Cut(id, 0, "a lost state"))
        history.apply(Resumed(id, 9))
    history.apply(Started(4, same, 9))
    history.apply(Started(5, other, 9))
    assert [history.replicates(id) for id in (2, 3, 5)] == [(2,), (3,), (5,)]
    assert history.replicates(0) == history.replicates(4) == [0, 4]
    assert history.tried(other)


def test_an_average_knows_its_spread():
    trials = history_with((0.1, [0.2]), (0.1, [0.4])).trials
    found = average(trials)
    assert (found.mean, found.count) == (pytest.approx(0.3), 2)
    assert found.spread == pytest.approx(math.sqrt(0.02))
    assert average([]) is None
