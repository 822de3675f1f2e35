"""The check of executors finds those that break a promise, and says which."""

import time
from dataclasses import replace

import msgspec
import pytest

import welltempered as wt
from welltempered.lease import Lost
from welltempered.testing import ConformanceError, check_executor, expected


class Around:
    """An executor around another one; each broken one changes a method."""

    def __init__(self, inner):
        self.inner = inner
        self.slots, self.clock = inner.slots, inner.clock

    def device(self, slot):
        return self.inner.device(slot)

    def assign(self, slot, lease):
        self.inner.assign(slot, lease)

    def poll(self, timeout):
        return [said for event in self.inner.poll(timeout) for said in self.instead(event)]

    def instead(self, event):
        return [event]

    def cut(self, reason):
        self.inner.cut(reason)

    def close(self):
        self.inner.close()


class Homeless(Around):
    def device(self, slot):
        return None


class Talkative(Around):
    def poll(self, timeout):
        return super().poll(timeout) or [wt.Cut(0, 0, "nothing to do")]


class Skipping(Around):
    def instead(self, event):
        return [] if getattr(event, "epoch", 0) == 2 else [event]


class Twice(Around):
    def instead(self, event):
        return [event, wt.Cut(event.trial, 0, "done")] if event.epoch == 3 else [event]


class Silent(Around):
    def instead(self, event):
        return [] if event.epoch == 3 else [event]


class Inventive(Around):
    def instead(self, event):
        return [msgspec.structs.replace(event, metrics={"loss": 0.5}) if isinstance(event, wt.Reported) else event]


class Unstoppable(Around):
    def assign(self, slot, lease):
        super().assign(slot, replace(lease, stop=lease.trial.until))


class Timeless(Around):
    def assign(self, slot, lease):
        super().assign(slot, wt.Lease(lease.trial, lease.stop))


class Deaf(Around):
    def cut(self, reason):
        pass


class Frozen(Around):
    def __init__(self, inner):
        super().__init__(inner)
        self.clock = lambda: 0.0


class Losing(Around):
    def instead(self, event):
        return [Lost(event.trial, "worker lost", "it was nobody")] if event.epoch == 3 else [event]


class Persistent(Around):
    """Does not know that a trial without a finite loss is over."""

    def instead(self, event):
        diverged = isinstance(event, wt.Reported) and event.metrics["loss"] is None
        return [event, wt.Ended(event.trial, "failed", "nan")] if diverged else [event]


class Tidy(Around):
    def instead(self, event):
        return [msgspec.structs.replace(event, error="it failed") if isinstance(event, wt.Ended) else event]


class Slow(Around):
    def close(self):
        time.sleep(0.2)
        super().close()


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (Homeless, r"Homeless must have slots, each with a device, got \[None, None\]"),
        (Talkative, r"must say nothing before it has a lease, got \[Cut\("),
        (Skipping, "must say of a lease its reports in order and one closing event, got .* its next epoch is 2"),
        (Twice, "must say of a lease its reports in order and one closing event, got .* the trial has no lease"),
        (Silent, r"must close every lease, got nothing for 0 seconds \(leases until epochs 3, 5 and 9\)"),
        (Inventive, r"must report what training reports, got Reported.* epoch 1 has reached loss 1.05"),
        (Frozen, "must have a clock that goes forward, got 0.0"),
        (Losing, r"must train without losing a worker, got Lost\(.*it was nobody"),
        (
            Unstoppable,
            r"must cut a lease at its stop, for 'budget', got \[\(2, 1\), \(2, 2\), \(2, 3\), .* would be right",
        ),
        (Timeless, "must cut a lease at the first epoch after its deadline, for 'budget'"),
        (Persistent, "must say of a lease .* the trial has no lease.* without a finite loss after epoch 2"),
        (Deaf, "must end all leases at their next epoch when they are cut, got"),
    ],
)
def test_an_executor_that_breaks_a_promise_is_told_which(kind, sentence):
    with pytest.raises(ConformanceError, match=sentence):
        check_executor(lambda train, setting: kind(wt.Simulator(expected, slots=2)), trains=False, patience=0.01)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda train, setting: wt.Inline(train, replace(setting, resumable=False)),
            "Inline must leave a checkpoint at the end of a lease, before saying so, got Reported.* without one",
        ),
        (
            lambda train, setting: Tidy(wt.Inline(train, setting)),
            "Tidy must give the traceback of training code, got 'it failed'.*ZeroDivisionError: too far",
        ),
        (
            lambda train, setting: wt.Inline(lambda run: [run.report(loss=1.0) for _ in run], setting),
            "Inline must report what training reports",
        ),
    ],
    ids=["forgets", "hides errors", "trains something else"],
)
def test_an_executor_that_trains_and_breaks_a_promise_is_told_which(make, sentence):
    with pytest.raises(ConformanceError, match=sentence):
        check_executor(make)


def test_an_executor_that_does_not_leave_is_told_so(monkeypatch):
    monkeypatch.setattr("welltempered.testing.executor._SOON", 0.1)
    with pytest.raises(ConformanceError, match=r"Slow must leave soon, got \d\.\d seconds"):
        check_executor(lambda train, setting: Slow(wt.Inline(train, setting)))


def test_slots_that_train_one_after_the_other_do_not_pass(monkeypatch):
    class Pretending(Around):
        """Has one slot, and says two."""

        def __init__(self, inner):
            super().__init__(inner)
            self.slots = 2

    monkeypatch.setattr("welltempered.testing.executor._MEETING", 0.2)
    with pytest.raises(ConformanceError, match="Pretending must train in all slots side by side"):
        check_executor(lambda train, setting: Pretending(wt.Inline(train, setting)))
