from simulated import SPACES, history_of
from welltempered.decide import Resume, Start, Wait, decide, record
from welltempered.events import Cut, Reported, Resumed, Started
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


def test_a_resume_is_recorded_with_what_the_slot_held():
    history = interrupted()
    assert record(Resume(2, 9), history, None, 7.5) == Resumed(2, 9, at=7.5)
    assert record(Resume(2, 9), history, history.trials[2], 7.5) == Resumed(2, 9, held=2, at=7.5)
