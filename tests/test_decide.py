import pytest

from simulated import SPACES, history_of
from welltempered.decide import Resume, Start, Stop, Wait, decide, decided, record
from welltempered.errors import CorruptLog
from welltempered.events import Cut, Ended, Reported, Resumed, Started
from welltempered.schedulers.full import Full
from welltempered.searchers.random import Random

SPACE = SPACES["finite"]
POINTS = list(SPACE.points(None))


class Undecided:
    """A scheduler that only waits, and must not be asked about interrupted trials."""

    def next(self, history, held):
        assert not history.interrupted
        return Wait()


def interrupted():
    """Return a history in which trials 0 and 1 were cut short and trial 2 is paused."""
    history = history_of(SPACE, Full(Random()))
    for id, until in enumerate((3, 9, 1)):
        history.apply(Started(id, POINTS[id], until))
        history.apply(Reported(id, 1, {"loss": 0.5}))
    history.apply(Cut(1, 1, "budget"))
    history.apply(Cut(0, 0, "worker died"))
    return history


def test_interrupted_trials_get_the_rest_of_their_lease_first_and_in_order():
    history = interrupted()
    assert decide(Undecided(), history, None) == Resume(0, 3)
    history.apply(Resumed(0, 3))
    assert decide(Undecided(), history, None) == Resume(1, 9)
    history.apply(Resumed(1, 9))
    assert decide(Undecided(), history, None) == Wait()


def test_a_start_becomes_the_next_trial():
    history = interrupted()
    event = record(Start(POINTS[5], 3, 2), history, history.trials[2], 7.5)
    assert event == Started(3, POINTS[5], 3, bracket=2, held=2, at=7.5)


def test_a_stop_is_recorded_with_its_evidence_and_what_the_slot_held():
    history = interrupted()
    event = record(Stop(2, "median: worse"), history, history.trials[1], 7.5)
    assert event == Ended(2, "stopped", "median: worse", at=7.5, held=1)
    assert decided(event)
    history.apply(event)
    assert history.trials[2].state == "stopped"
    assert history.best.id == 0


@pytest.mark.parametrize("id", [-1, 0, 1, 3])
def test_only_a_paused_trial_is_stopped(id):
    with pytest.raises(CorruptLog, match=r"only a trial that is paused can be stopped|the trial has no lease"):
        interrupted().apply(Ended(id, "stopped", "median: worse"))


def test_ends_that_nobody_decided_are_no_decisions():
    assert not decided(Ended(0, "failed", "no luck"))
    assert not decided(Cut(0, 1, "budget"))


def test_a_resume_is_recorded_with_what_the_slot_held():
    history = interrupted()
    assert record(Resume(2, 9), history, None, 7.5) == Resumed(2, 9, at=7.5)
    assert record(Resume(2, 9), history, history.trials[2], 7.5) == Resumed(2, 9, held=2, at=7.5)
