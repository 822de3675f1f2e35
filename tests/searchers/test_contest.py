import pytest

from simulated import SPACES, history_of
from welltempered.events import FAILED, FINISHED, STOPPED, WORKER_LOST, Cut, Ended, Reported, Resumed, Started
from welltempered.schedulers.full import Full
from welltempered.searchers.contest import ranking, settled
from welltempered.searchers.random import Random

PARAMS = {"lr": 0.001, "dropout": 0.1}


def history(*curves, epochs=9):
    """Return a history of trials that are paused after these losses."""
    found = history_of(SPACES["continuous"], Full(Random()), epochs=epochs)
    for trial, losses in enumerate(curves):
        found.apply(Started(trial, PARAMS, max(1, len(losses))))
        for epoch, loss in enumerate(losses, 1):
            found.apply(Reported(trial, epoch, {"loss": loss}))
    return found


def order(found):
    return [trial.id for trial in ranking(list(found.trials))]


def test_equally_long_trials_are_ordered_by_their_last_loss():
    assert order(history([1.0, 3.0], [5.0, 1.0], [2.0, 2.0])) == [1, 2, 0]


def test_a_promoted_trial_is_not_better_for_its_lower_loss_of_a_later_epoch():
    assert order(history([2.0, 0.1, 0.01], [1.0])) == [1, 0]
    assert order(history([1.0, 5.0, 9.0], [2.0])) == [0, 1]


def test_the_last_shared_epoch_decides_between_two_even_if_a_third_has_trained_less():
    assert order(history([1.0, 3.0], [2.0, 1.0], [9.0])) == [1, 0, 2]


def test_what_has_failed_diverged_or_never_reported_comes_last_in_the_order_of_starting():
    found = history([0.1, None], [3.0, 3.0], [])
    found.apply(Started(3, PARAMS, 9))
    found.apply(Reported(3, 1, {"loss": 0.1}))
    found.apply(Ended(3, FAILED, "RuntimeError"))
    assert order(found) == [1, 0, 2, 3]


def test_ties_are_broken_by_the_order_of_starting():
    assert order(history([1.0], [1.0], [0.0], [1.0])) == [2, 0, 1, 3]


def test_a_trial_that_has_finished_by_itself_counts_as_fully_trained():
    found = history([3.0, 3.0, 1.0])
    found.apply(Started(1, PARAMS, 9))
    found.apply(Reported(1, 1, {"loss": 2.0}))
    found.apply(Ended(1, FINISHED))
    assert order(found) == [0, 1]


@pytest.mark.parametrize(
    ("events", "closes"),
    [
        ([Reported(0, 1, {"loss": 1.0})], False),
        ([Reported(0, 1, {"loss": 1.0}), Reported(0, 2, {"loss": 1.0})], True),
        ([Reported(0, 1, {"loss": None})], True),
        ([Cut(0, 0, WORKER_LOST)], False),
        ([Cut(0, 0, WORKER_LOST), Resumed(0, 2)], False),
        ([Ended(0, FINISHED)], True),
        ([Ended(0, FAILED, "ValueError")], True),
    ],
)
def test_a_result_counts_once_its_lease_is_over_for_good(events, closes):
    found = history()
    found.apply(Started(0, PARAMS, 2))
    for event in events:
        found.apply(event)
    assert settled(found, events[-1]) == (0 if closes else None)


def test_a_trial_at_a_check_of_a_stopping_rule_is_not_through_until_it_is_stopped():
    found = history()
    found.apply(Started(0, PARAMS, 2, goal=9))
    for event in (Reported(0, 1, {"loss": 1.0}), Reported(0, 2, {"loss": 1.0})):
        found.apply(event)
    assert settled(found, event) is None
    stop = Ended(0, STOPPED, "no better than others")
    found.apply(stop)
    assert settled(found, stop) == 0
