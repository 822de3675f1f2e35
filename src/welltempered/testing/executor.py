"""What every executor promises."""

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from welltempered import header as headers
from welltempered.checkpoints import Checkpoints
from welltempered.errors import CorruptLog
from welltempered.events import BUDGET, FAILED, FINISHED, INTERRUPTED, Cut, Ended, Origin, Reported, Resumed, Started
from welltempered.execute.base import Executor
from welltempered.experiment import Experiment, Train
from welltempered.history import History
from welltempered.lease import Lease, Lost
from welltempered.run import Run, Setting, number
from welltempered.schedulers.full import Full
from welltempered.searchers.random import Random
from welltempered.space import Choice, Float, Params, Space
from welltempered.testing.case import Case

_EPOCHS = 9
_WELL, _FAILS, _LEAVES, _DIVERGES, _FINISHES, _MEETS = "well", "fails", "leaves", "diverges", "finishes", "meets"
_SPACE = Space(how=Choice(_WELL, _FAILS, _LEAVES, _DIVERGES, _FINISHES, _MEETS), seconds=Float(0, 1))
_SECOND = 2
"""Epoch in which a trial does what `how` says."""
_QUIET = 0.1
"""Seconds of silence after which no more is said of a lease that is over."""
_MEETING = 20.0
"""Seconds that trainings wait for each other."""
_SOON = 8.0
"""Seconds in which an executor leaves; ours give a worker five to do so by itself."""


def expected(params: Params, epoch: int) -> dict[str, float]:
    """What the trainings of `check_executor` report, NaN included, for executors that look reports up."""
    if params["how"] == _DIVERGES and epoch == _SECOND:
        return {"loss": math.nan}
    return {"loss": (1 + params["seconds"]) / epoch}


def check_executor(make: Callable[[Train, Setting], Executor], *, trains: bool = True, patience: float = 60.0) -> None:
    """Check what every executor promises, with trainings that go well, fail, diverge or finish early.

    - A lease is reported epoch by epoch, in order, and closed by exactly one event; then the slot is free.
    - It ends with a `Cut` at its `stop`, at the first epoch after its `deadline`, and at the next epoch after `cut`;
      the trial goes on from there later.
    - A trial whose objective is not finite has diverged, and its lease is closed by that report.
    - All slots train, side by side; `poll` waits no longer than it is told, `clock` goes forward.
    - If it trains: a lease that is over has left a checkpoint, from which the trial goes on in any slot; the trial that
      a slot holds goes on without; one that begins with the state of another has that restored. Training code that
      raises, or leaves the interpreter, ends its trial with the traceback, and the slot takes the next; code that
      returns early has finished. `close` leaves soon.

    Args:
        make: the executor for training code and a setting, for example
            `lambda train, setting: Processes(train, setting, slots=2, logs=folder)`. Called three times.
        trains: `False` if it looks reports up, as `Simulator(expected)` does.
        patience: seconds of silence after which a lease counts as lost. Default 60.

    Raises:
        ConformanceError: with the first promise that is broken.
    """
    with _bench(make, trains=trains, patience=patience) as bench:
        for check in (_check_idle, _check_lease, _check_stop, _check_deadline, _check_diverged, _check_slots):
            check(bench)
        if trains:
            for check in (_check_held, _check_checkpoint, _check_parent, _check_failure, _check_finish):
                check(bench)
    with _bench(make, trains=trains, patience=patience) as bench:
        _check_cut(bench)
    if trains:
        with _bench(make, trains=trains, patience=patience) as bench:
            _check_close(bench)


def _train(folder: Path, run: Run) -> None:
    """Train for no time at all, and say from which epoch on this very call has trained."""
    restored: list[int] = []
    run.keep(epoch=(lambda: run.epoch, restored.append))
    began, how = run.epoch, run.params["how"]
    if restored != ([began] if began else []):
        raise RuntimeError(f"a trial that goes on from epoch {began} had {restored} restored")
    for epoch in run:
        time.sleep(run.params["seconds"])
        if epoch == _SECOND and how == _FAILS:
            raise ZeroDivisionError("too far")
        if epoch == _SECOND and how == _LEAVES:
            raise SystemExit("enough")
        if epoch == _SECOND and how == _MEETS:
            _meet(folder, run.trial)
        run.report(**expected(dict(run.params), epoch), began=began)
        if epoch == _SECOND and how == _FINISHES:
            return


def _meet(folder: Path, trial: int) -> None:
    """Wait until all have come, which they only can if they train side by side."""
    (folder / f"{trial}.here").touch()
    all_of_them, deadline = int((folder / "slots").read_text()), time.monotonic() + _MEETING
    while len(list(folder.glob("*.here"))) < all_of_them:
        if time.monotonic() > deadline:
            raise TimeoutError(f"nobody else has trained within {_MEETING:.0f} seconds")
        time.sleep(0.01)


Told = Reported | Cut | Ended
"""What executors say of a lease that came to no grief."""


@dataclass
class _Bench:
    """A history whose trials are leased to an executor by hand."""

    executor: Executor
    history: History
    checkpoints: Checkpoints
    trains: bool
    patience: float
    leases: dict[int, Lease] = field(default_factory=dict)  # those that are open, by trial

    def case(self, what: str) -> Case:
        """The executor, and what it is doing."""
        return Case(type(self.executor).__name__, what)

    def start(self, until: int, how: str = _WELL, *, slot: int = 0, seconds: float = 0.0, **limits: Any) -> Lease:
        """Lease a new trial to a slot."""
        return self._assign(Started(len(self.history.trials), {"how": how, "seconds": seconds}, until), slot, **limits)

    def descend(self, lease: Lease, epoch: int, until: int, *, slot: int = 0) -> Lease:
        """Lease a new trial to a slot, which begins with the state that the trial of a lease had after an epoch."""
        trial = lease.trial
        parent = Origin(trial.id, epoch)
        return self._assign(Started(len(self.history.trials), trial.params, until, parent=parent), slot)

    def resume(self, lease: Lease, until: int, *, slot: int = 0) -> Lease:
        """Lease the trial of a lease that is over to a slot."""
        return self._assign(Resumed(lease.trial.id, until), slot)

    def _assign(
        self, event: Started | Resumed, slot: int, *, stop: int | None = None, deadline: float = math.inf
    ) -> Lease:
        self.history.apply(event)
        lease = Lease(self.history.trials[event.trial], stop or event.until, deadline)
        self.leases[event.trial] = lease
        self.executor.assign(slot, lease)
        return lease

    def poll(self, case: Case) -> list[Told]:
        """Take what is said, if it fits to all that was said before."""
        said = list(self.executor.poll(0.1))
        events: list[Told] = []
        for event in said:
            if isinstance(event, Lost):
                raise case.broken("train without losing a worker", event, "see its error")
            try:
                self.history.apply(event)
            except CorruptLog as error:
                raise case.broken(
                    "say of a lease its reports in order and one closing event",
                    error,
                    "close it once, with its last report or one that has diverged, a Cut or an Ended",
                ) from None
            self._look_at(case, event)
            if self.leases[event.trial].closed_by(event):
                del self.leases[event.trial]
            events.append(event)
        return events

    def _look_at(self, case: Case, event: Told) -> None:
        trial = self.history.trials[event.trial]
        if isinstance(event, Reported):
            right = number("loss", expected(trial.params, event.epoch)["loss"])
            if event.metrics["loss"] != right:
                raise case.broken(
                    "report what training reports", event, f"epoch {event.epoch} has reached loss {right}"
                )
        left = event.epoch if isinstance(event, Reported | Cut) else 0
        over = trial.id not in self.history.running and trial.ended is None
        if self.trains and over and left and (trial.id, left) not in self.checkpoints.present():
            raise case.broken(
                "leave a checkpoint at the end of a lease, before saying so",
                f"{event} without one",
                "let Run do it, which work of welltempered.execute.work makes",
            )

    def run(self, case: Case, *leases: Lease) -> list[tuple[Any, ...]]:
        """What is said until these leases are over and a moment longer, in plain values without times."""
        events: list[Told] = []
        heard = time.monotonic()
        while any(lease.trial.id in self.leases for lease in leases):
            new = self.poll(case)
            heard = time.monotonic() if new else heard
            events += new
            if time.monotonic() - heard > self.patience:
                raise case.broken(
                    "close every lease",
                    f"nothing for {self.patience:.0f} seconds",
                    "every lease is closed by one event",
                )
        return [_bare(event) for event in events]

    def quiet(self, case: Case) -> None:
        """Wait for what should not come."""
        end = time.monotonic() + _QUIET
        while time.monotonic() < end:
            self.poll(case)
            if not self.trains:
                return

    def expect(self, case: Case, promise: str, said: Sequence[object], right: Sequence[object]) -> None:
        """See that this was said, and nothing more."""
        if list(said) != list(right):
            raise case.broken(promise, list(said), f"{list(right)} would be right")
        self.quiet(case)

    def began(self, lease: Lease) -> list[Any]:
        """From which epoch on the calls have trained that reported a trial's epochs."""
        return [report.metrics["began"] for report in self.history.trials[lease.trial.id].reports]


def _bare(event: Told) -> tuple[Any, ...]:
    if isinstance(event, Reported):
        return event.trial, event.epoch
    return (event.trial, event.epoch, event.reason) if isinstance(event, Cut) else (event.trial, _reason(event))


def _reason(event: Told) -> str | None:
    return event.reason if isinstance(event, Ended) else None


def _epochs(lease: Lease, *epochs: int) -> list[tuple[Any, ...]]:
    return [(lease.trial.id, epoch) for epoch in epochs]


@contextmanager
def _bench(make: Callable[[Train, Setting], Executor], *, trains: bool, patience: float) -> Iterator[_Bench]:
    with tempfile.TemporaryDirectory(prefix="welltempered-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        train = partial(_train, folder)
        experiment = Experiment(train, _SPACE, minimize="loss", epochs=_EPOCHS, method=Full(Random()))
        checkpoints = Checkpoints(folder / "checkpoints")
        setting = Setting(_SPACE.resolve, experiment.objective, _EPOCHS, 0, resumable=True, checkpoints=checkpoints)
        executor = make(train, setting)
        (folder / "slots").write_text(str(executor.slots))
        history = History(headers.make(experiment), _SPACE)
        bench = _Bench(executor, history, checkpoints, trains, patience)
        try:
            yield bench
        finally:
            executor.close()


def _check_idle(bench: _Bench) -> None:
    case, executor = bench.case("idle"), bench.executor
    devices = [executor.device(slot) for slot in range(executor.slots)]
    if not devices or not all(isinstance(device, str) for device in devices):
        raise case.broken("have slots, each with a device", devices, "slots is at least 1, a device such as 'cpu'")
    began = time.monotonic()
    bench.expect(case, "say nothing before it has a lease", executor.poll(0.1), [])
    if (took := time.monotonic() - began) > 0.1 + _QUIET + 2:
        raise case.broken(
            "return from poll within its timeout", f"{took:.1f} seconds", "wait for timeout seconds at most"
        )


def _check_lease(bench: _Bench) -> None:
    case, promise = bench.case("leases until epochs 3, 5 and 9"), "report each epoch of a lease once and in order"
    before = bench.executor.clock()
    lease = bench.start(3, seconds=0.05)
    bench.expect(case, promise, bench.run(case, lease), _epochs(lease, 1, 2, 3))
    if bench.executor.clock() <= before:
        raise case.broken("have a clock that goes forward", before, "time.monotonic is one")
    bench.expect(case, promise, bench.run(case, bench.resume(lease, 5)), _epochs(lease, 4, 5))
    other = bench.start(2)
    bench.expect(case, promise, bench.run(case, other), _epochs(other, 1, 2))
    bench.expect(case, promise, bench.run(case, bench.resume(lease, _EPOCHS)), _epochs(lease, 6, 7, 8, 9))


def _check_stop(bench: _Bench) -> None:
    case, lease = bench.case("a lease until epoch 5 with stop=2"), bench.start(5, stop=2)
    right = [*_epochs(lease, 1, 2), (lease.trial.id, 2, BUDGET)]
    bench.expect(case, f"cut a lease at its stop, for {BUDGET!r}", bench.run(case, lease), right)
    again = bench.run(case, bench.resume(lease, 5))
    bench.expect(case.at("resumed"), "go on where a trial was cut", again, _epochs(lease, 3, 4, 5))


def _check_deadline(bench: _Bench) -> None:
    case = bench.case("a lease until epoch 5 whose deadline has passed")
    lease = bench.start(5, deadline=bench.executor.clock())
    right = [*_epochs(lease, 1), (lease.trial.id, 1, BUDGET)]
    bench.expect(
        case, f"cut a lease at the first epoch after its deadline, for {BUDGET!r}", bench.run(case, lease), right
    )


def _check_diverged(bench: _Bench) -> None:
    case, lease = bench.case("a trial without a finite loss after epoch 2"), bench.start(5, _DIVERGES)
    promise = "close the lease of a diverged trial with its report"
    bench.expect(case, promise, bench.run(case, lease), _epochs(lease, 1, 2))
    other = bench.start(2)
    bench.expect(case, "take the next trial after one that diverged", bench.run(case, other), _epochs(other, 1, 2))


def _check_slots(bench: _Bench) -> None:
    slots = bench.executor.slots
    case = bench.case(f"slots={slots}, trials that wait for each other")
    leases = [bench.start(3, _MEETS, slot=slot) for slot in range(slots)]
    right = [event for lease in leases for event in _epochs(lease, 1, 2, 3)]
    said = sorted(bench.run(case, *leases), key=str)
    bench.expect(case, "train in all slots side by side", said, sorted(right, key=str))


def _check_held(bench: _Bench) -> None:
    case, lease = bench.case("a held trial without its checkpoint"), bench.start(3)
    bench.run(case, lease)
    bench.checkpoints.delete(bench.checkpoints.present())
    bench.run(case, bench.resume(lease, 6))
    bench.expect(case, "go on with the trial a slot holds without loading it", bench.began(lease), [0] * 6)


def _check_checkpoint(bench: _Bench) -> None:
    case, lease = bench.case("a trial that was paused"), bench.start(3)
    bench.run(case, lease)
    bench.run(case, bench.start(2))
    bench.run(case, bench.resume(lease, 5))
    promise = "go on from its checkpoint once another trial was in the slot"
    bench.expect(case, promise, bench.began(lease), [0, 0, 0, 3, 3])
    slot = bench.executor.slots - 1
    bench.run(case, bench.resume(lease, 7, slot=slot))
    right = [0, 0, 0, 3, 3, 5, 5] if slot else [0, 0, 0, 3, 3, 3, 3]
    bench.expect(case.at(f"in slot {slot}"), "go on from its checkpoint in any slot", bench.began(lease), right)


def _check_parent(bench: _Bench) -> None:
    case, parent = bench.case("a trial that begins with the state of another one"), bench.start(2)
    bench.run(case, parent)
    bench.run(case, bench.resume(parent, 4))
    slot = bench.executor.slots - 1
    child = bench.descend(parent, 2, 3, slot=slot)
    promise = "train what follows the epoch of the parent, in any slot and whatever the parent has trained since"
    bench.expect(case, promise, bench.run(case, child), _epochs(child, 3))
    bench.run(case, bench.resume(child, 5, slot=slot))
    bench.expect(case, "restore the state of the parent", bench.began(child)[2:], [2, 2, 2])


def _check_failure(bench: _Bench) -> None:
    for how, sign in ((_FAILS, "ZeroDivisionError: too far"), (_LEAVES, "SystemExit: enough")):
        case, lease = bench.case(f"training code that raises {sign}"), bench.start(3, how)
        right = [*_epochs(lease, 1), (lease.trial.id, FAILED)]
        bench.expect(case, f"end a trial whose training code raises, as {FAILED!r}", bench.run(case, lease), right)
        error = bench.history.trials[lease.trial.id].error or ""
        if not (error.startswith("Traceback") and sign in error and _train.__name__ in error):
            raise case.broken("give the traceback of training code", repr(error), "put it into Ended.error")
        other = bench.start(2)
        bench.expect(case, "take the next trial after one that failed", bench.run(case, other), _epochs(other, 1, 2))


def _check_finish(bench: _Bench) -> None:
    case, lease = bench.case("training code that returns after epoch 2"), bench.start(5, _FINISHES)
    right = [*_epochs(lease, 1, 2), (lease.trial.id, FINISHED)]
    bench.expect(case, f"end a trial whose training code returns, as {FINISHED!r}", bench.run(case, lease), right)


def _check_cut(bench: _Bench) -> None:
    slots = range(bench.executor.slots)
    case = bench.case(f"slots={len(slots)}, cut after the first epoch")
    leases = [bench.start(_EPOCHS, slot=slot, seconds=0.1) for slot in slots]
    while not bench.poll(case):
        pass
    bench.executor.cut(INTERRUPTED)
    cuts = sorted(event for event in bench.run(case, *leases) if len(event) == len(("trial", "epoch", "reason")))
    last = bench.history.epoch
    right = [(lease.trial.id, last(lease.trial.id), INTERRUPTED) for lease in leases]
    bench.expect(case, "end all leases at their next epoch when they are cut", cuts, right)


def _check_close(bench: _Bench) -> None:
    case = bench.case("closed while it trains")
    bench.start(_EPOCHS, seconds=0.5)
    began = time.monotonic()
    bench.executor.close()
    if (took := time.monotonic() - began) > _SOON:
        raise case.broken("leave soon", f"{took:.1f} seconds", "abandon whatever still trains")
