"""What checks are made with: spaces of every kind, learning curves, and studies that come to grief."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

import msgspec

from welltempered.events import FAILED, WORKER_LOST, Ended
from welltempered.execute.simulate import Simulator
from welltempered.lease import Lease, Lost, Said
from welltempered.space import Choice, Float, Int, Params, Space

SPACES = {
    "continuous": Space(lr=Float(1e-5, 1e-1, scale="log"), dropout=Float(0, 0.5)),
    "nested conditions": Space(
        nesterov=Choice([True, False]).when("momentum > 0.9"),
        optimizer=Choice("sgd", "adam", "lion"),
        lr=Float(1e-4, 1, scale="log"),
        momentum=Float(0.5, 0.999, scale="one_minus_log").when(optimizer="sgd"),
        warmup=Int(1, 5).when("nesterov == True or optimizer == 'lion'"),
    ),
    "constrained": Space(first=Int(1, 99), second=Int(1, 99), rate=Float(0, 1)).where("second <= first"),
    "zero or log": Space(decay=Float(1e-6, 1e-2, scale="zero_or_log"), lr=Float(1e-4, 1, scale="log")),
    "one minus log": Space(momentum=Float(0.5, 0.9999, scale="one_minus_log")),
    "stepped": Space(
        units=Int(32, 512, step=32), rate=Float(0, 1, step=0.01), batch=Int(16, 4096, scale="log", step=2)
    ),
    "finite": Space(units=Int(1, 10), depth=Int(1, 3), activation=Choice("relu", "tanh", "gelu")),
    "finite with conditions": Space(
        depth=Int(1, 4),
        skip=Choice([True, False]).when("depth > 1"),
        every=Int(1, 3).when(skip=True),
    ),
    "finite with constraint": Space(first=Int(1, 12), second=Int(1, 12)).where("second <= first"),
    "named choices": Space(schedule=Choice({"short": range(3), "long": range(300)}), size=Choice([[8], [8, 16]])),
}
"""One space of each kind there is."""

SMALL = 1000
"""A finite space of fewer points is searched to its end."""


def chance(*what: Any) -> float:
    """A number in [0, 1) that depends on nothing but `what`: the same on every machine."""
    return crc32(msgspec.json.encode(what, order="sorted")) / 2**32


def calm(params: Params, epoch: int) -> dict[str, float | None]:
    """Learning curves that cross each other."""
    return {"loss": round(chance(params, "last") + chance(params, "first") / epoch, 9), "epoch": epoch}


def curve(params: Params, epoch: int) -> dict[str, float | None]:
    """The same, but for one in ten, which ends in NaN."""
    if epoch > 2 and chance(params, "diverges") < 0.1:
        return {"loss": float("nan"), "epoch": epoch}
    return calm(params, epoch)


def uneven(params: Params) -> float:
    """Seconds per epoch, 0.5 to 1.5, so that leases end in another order than they begin."""
    return round(0.5 + chance(params, "seconds"), 3)


@dataclass(frozen=True)
class Mishap:
    """What befalls a lease at the end of `epoch`: the trial fails, or its worker dies and the lease is lost."""

    epoch: int
    fails: bool
    reports: bool = False  # whether the epoch itself is still reported


Fate = Callable[[Lease], Mishap | None]


class Mishaps:
    """An executor that hands leases on to a simulator, and spoils those for which `fate` returns a `Mishap`.

    Args:
        simulator: where trials train.
        fate: what befalls a lease.
        alike: whether all fail for one reason. A study is given up if that is all that has happened yet.
    """

    def __init__(self, simulator: Simulator, fate: Fate, *, alike: bool = True) -> None:
        self.slots, self.clock = simulator.slots, simulator.clock
        self.cut, self.close, self.device = simulator.cut, simulator.close, simulator.device
        self._simulator = simulator
        self._fate = fate
        self._alike = alike
        self._ahead: dict[int, Mishap] = {}  # trial -> what will befall it

    def assign(self, slot: int, lease: Lease) -> None:
        """See `Executor.assign`."""
        mishap = self._fate(lease)
        if mishap is not None and lease.trial.epoch < mishap.epoch <= lease.stop:
            self._ahead[lease.trial.id] = mishap
            lease = replace(lease, stop=mishap.epoch)
        self._simulator.assign(slot, lease)

    def poll(self, timeout: float) -> Sequence[Said]:
        """See `Executor.poll`."""
        report, *cut = self._simulator.poll(timeout)
        mishap = self._ahead.get(report.trial)
        if mishap is None or getattr(report, "epoch", None) != mishap.epoch:
            return (report, *cut)
        del self._ahead[report.trial]
        of = "" if self._alike else f" of trial {report.trial}"
        end: Said = (
            Ended(report.trial, FAILED, f"RuntimeError{of}: out of luck")
            if mishap.fails
            else Lost(report.trial, WORKER_LOST, f"worker died{of}")
        )
        return (report, end) if cut and mishap.reports else (end,)


def bad_luck(seed: int | str, *, share: float = 0.3) -> Fate:
    """A fate that spoils this share of the leases at random, half of them for good, but spares the first trial."""
    rng = random.Random(seed)

    def fate(lease: Lease) -> Mishap | None:
        if lease.trial.id == 0 or rng.random() >= share:
            return None
        epoch = rng.randint(lease.trial.epoch + 1, lease.stop)
        return Mishap(epoch, fails=rng.random() < 0.5, reports=rng.random() < 0.5)

    return fate
