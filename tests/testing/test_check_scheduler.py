"""The check of schedulers finds those that break a promise, and says which."""

import random
from dataclasses import dataclass

import pytest

import welltempered as wt
from welltempered.testing import ConformanceError, check_scheduler


@dataclass(frozen=True)
class Base:
    """A scheduler that keeps its promises: short leases, then all the rest for the better half."""

    searcher: wt.Random

    def next(self, history, held):
        for _, id in history.ranked(3)[: len(history.ranked(3)) // 2]:
            if history.trials[id].state == "paused":
                return self.go_on(history, id)
        return self.start(history)

    def start(self, history, until=3):
        params = self.searcher.suggest(history)
        return wt.Wait() if params is None else wt.Start(params, until)

    def go_on(self, history, id):
        return wt.Resume(id, history.epochs)

    def keeps(self, history):
        return [trial.id for trial in history.trials if trial.state == "paused"]


@dataclass(frozen=True)
class Honest(Base):
    def next(self, history, held):
        if not history.resumable:
            raise wt.InvalidInput("Honest must be able to pause trials, got resumable=False")
        return super().next(history, held)


@dataclass(frozen=True)
class Dice(Base):
    def start(self, history):
        return super().start(history, random.randint(1, 3))


@dataclass(frozen=True)
class Greedy(Base):
    def start(self, history):
        return super().start(history, history.epochs + 1)


@dataclass(frozen=True)
class Generous(Base):
    def go_on(self, history, id):
        return wt.Resume(id, 3)


@dataclass(frozen=True)
class Insatiable(Honest):
    def start(self, history):
        return wt.Start(self.searcher.suggest(history), 3)


@dataclass(frozen=True)
class Stubborn(Honest):
    def start(self, history):
        return wt.Start(self.searcher.suggest(history) or history.trials[0].params, 3)


@dataclass(frozen=True)
class Necromancer(Base):
    def next(self, history, held):
        over = [trial.id for trial in history.trials if trial.ended is not None]
        return self.go_on(history, over[0]) if over else self.start(history, 9)


@dataclass(frozen=True)
class Stopping(Honest):
    """Stops the worse half for the given reason, or the first that it finds in another state."""

    why: str = "it is of the worse half"
    state: str = "paused"

    def next(self, history, held):
        count = len(history.ranked(3))
        worse = [id for _, id in history.ranked(3)[count // 2 + 1 :]]
        for trial in history.trials:
            if trial.state == self.state and (trial.id in worse or self.state != "paused"):
                return wt.Stop(trial.id, self.why)
        return super().next(history, held)


@dataclass(frozen=True)
class Forgetful(Base):
    def keeps(self, history):
        return ()


@dataclass(frozen=True)
class Hoarder(Base):
    def keeps(self, history):
        return range(len(history.trials))


@dataclass(frozen=True)
class Fickle(Base):
    def keeps(self, history):
        return {id for id in super().keeps(history) if id != id + random.getrandbits(1)}


@dataclass(frozen=True)
class Mourning(Base):
    """Waits until every trial is complete before it starts more than three."""

    def next(self, history, held):
        if sum(trial.state != "complete" for trial in history.trials) >= 3:
            return wt.Wait()
        return self.start(history, history.epochs)


@dataclass(frozen=True)
class Brittle(Base):
    def next(self, history, held):
        _ = [1 / (trial.ended != "failed") for trial in history.trials]
        return super().next(history, held)


@dataclass(frozen=True)
class Counting(Base):
    """Changes its state when it is asked, where only events may change it."""

    def init(self, history):
        return []

    def learn(self, state, history, event):
        pass

    def next(self, history, held):
        asked = history.fold(self)
        asked.append(len(history.trials))
        return self.start(history, 3 if not history.trials or len(history.trials) - 1 in asked else 2)


class Plain:
    def __init__(self, searcher):
        self.searcher = searcher

    next, keeps = Base.next, Base.keeps


@pytest.mark.parametrize("make", [Honest, Stopping])
def test_an_honest_scheduler_passes_whether_it_resumes_or_refuses_to_or_stops(make):
    check_scheduler(make)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda searcher: searcher, r"must have next\(history, held\) and keeps\(history\), got not both"),
        (Plain, "must be built again from the JSON of its fields, got method must be a frozen dataclass"),
        (
            Dice,
            (
                r"Dice\(.*\) must leave the global random generators alone, got another state of them after next "
                r"\(space 'continuous', slots=1, calm, event 1\); draw from history.rng"
            ),
        ),
        (Greedy, r"must grant a new trial a lease until 1..9, got Start\(.*until=10.*event 1\)"),
        (Generous, r"must grant trial \d+ a lease until 4..9, got Resume\(trial=\d+, until=3, goal=0\)"),
        (
            Insatiable,
            "must start trials with what the searcher suggests, and wait when that is None, got .*params=None",
        ),
        (Stubborn, "must end when the searcher has nothing left, got no end after 118 epochs .*finite with conditions"),
        (Necromancer, "must resume paused trials only, and none that is diverged, got Resume"),
        (
            lambda searcher: Stopping(searcher, why=" "),
            r"must say why a trial is stopped, got Stop\(trial=\d+, why=' '\)",
        ),
        (
            lambda searcher: Stopping(searcher, state="diverged"),
            "must stop paused trials only, and none that is diverged, got Stop",
        ),
        (Forgetful, r"must keep the trials that it may still resume, got trial \d+ resumed that keeps did not name"),
        (Hoarder, r"must keep only what can be resumed, got trial \d+, which is (complete|diverged)"),
        (Fickle, "must leave the global random generators alone, got another state of them after keeps"),
        (Mourning, "must go on when trials fail, got the end after .* do not wait for trials that are over"),
        (Brittle, "must return from next whatever the history, got ZeroDivisionError.*unlucky"),
        (Counting, "must decide the same when all it knows are the events, got .* from a fresh process"),
        (Base, "must resume none but the held trial where trials cannot be resumed, .* resumable=False"),
    ],
)
def test_a_scheduler_that_breaks_a_promise_is_told_which(make, sentence):
    with pytest.raises(ConformanceError, match=sentence):
        check_scheduler(make)
