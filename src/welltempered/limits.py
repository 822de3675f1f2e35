"""What a trial, a worker and a study may use, beside the budget."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from welltempered.budget import SECONDS
from welltempered.checks import shown, whole
from welltempered.errors import InvalidInput
from welltempered.events import WORKER_LOST

_BYTES = {"b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_MOST_WORKERS = 1024


@dataclass(frozen=True, init=False)
class Limits:
    """What may be used; a worker that goes beyond is ended, and only its own trial feels it.

    Sizes are bytes or texts such as `"4 GB"` (10⁹) and `"4 GiB"` (2³⁰), times are seconds or texts such as `"10 min"`;
    `None`, the default of most, is no limit. Limits decide nothing that is searched, so each run of a study may have
    others.

    Attributes:
        memory: resident memory of a worker and all its children; looked at twice per second.
        epoch: time an epoch may take. A worker that is silent for longer hangs, and is ended.
        trial: time a trial may train, in all its leases. It is "out of time" then, and what it has reported counts.
        disk: size of all checkpoints. Where what may still be needed exceeds it, the second newest of each trial go
            first, then those of the paused trials least likely to be promoted; these would begin anew if promoted after
            all.
        saving: share of the training time that may go into checkpoints within a lease: one is written after each epoch
            unless it takes more than this share of the time since the last one. Default 0.1, so that a sudden death
            costs one epoch, or the time of ten checkpoints if that is longer; `inf` saves after every epoch, 0 never.
        retries: how often a trial may go on after its worker was lost. Default 2: a third time is no accident. One that
            has run out of memory or hangs is given one retry at most, in a fresh worker, since the same wall is likely
            there again.
        grace: time from SIGTERM until the study leaves even though epochs have not ended. Default 25 s: Slurm and
            Kubernetes kill after 30.

    Raises:
        InvalidInput: if one of them is not above zero, or not understood.

    >>> Limits(memory="4 GB", epoch="10 min").memory
    4000000000.0
    """

    memory: float
    epoch: float
    trial: float
    disk: float
    saving: float
    retries: int
    grace: float

    def __init__(  # noqa: PLR0913 - one keyword per limit
        self,
        *,
        memory: float | str | None = None,
        epoch: float | str | None = None,
        trial: float | str | None = None,
        disk: float | str | None = None,
        saving: float = 0.1,
        retries: int = 2,
        grace: float | str = 25.0,
    ) -> None:
        retries = whole("retries", retries, "a whole number of at least 0", 0)
        if isinstance(saving, bool) or not isinstance(saving, int | float) or not saving >= 0:
            raise InvalidInput(f"saving must be a share of at least 0, such as 0.1, got saving={shown(saving)}")
        sizes = {"memory": memory, "disk": disk}
        times = {"epoch": epoch, "trial": trial, "grace": grace}
        values = {name: _amount(name, value, _BYTES, "4 GB") for name, value in sizes.items()}
        values |= {name: _amount(name, value, SECONDS, "10 min") for name, value in times.items()}
        for name, value in (values | {"saving": float(saving), "retries": retries}).items():
            object.__setattr__(self, name, value)

    def retries_after(self, reason: str) -> int:
        """How many losses for this reason a trial survives."""
        return self.retries if reason == WORKER_LOST else min(1, self.retries)


def checked(workers: int, limits: Limits | None) -> tuple[int, Limits]:
    """The workers and limits of a run, if the one can keep to the other.

    Raises:
        InvalidInput: if one of them breaks a rule.
    """
    workers = whole("workers", workers, f"a whole number in 0..{_MOST_WORKERS}", 0, _MOST_WORKERS)
    limits = Limits() if limits is None else limits
    if not isinstance(limits, Limits):
        raise InvalidInput(f"limits must be Limits, such as Limits(memory='4 GB'), got {shown(limits)}")
    if workers == 0 and min(limits.memory, limits.epoch, limits.trial) < math.inf:
        raise InvalidInput("limits of memory and time need workers that can be ended, got workers=0; use workers=1")
    return workers, limits


def _amount(name: str, value: object, units: Mapping[str, float], example: str) -> float:
    if value is None:
        return math.inf
    if isinstance(value, str):
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", value)
        unit = found.group(2).lower() if found else ""
        factor = units.get(unit, units.get(unit.removesuffix("s")))
        if found and factor is not None:
            value = float(found.group(1)) * factor
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise InvalidInput(f"{name} must be above zero and have a unit, such as {example!r}, got {name}={shown(value)}")
    return float(value)


def size(count: float) -> str:
    """A number of bytes for people.

    >>> size(1234), size(56_000_000), size(2.5e9)
    ('1.2 kB', '56 MB', '2.5 GB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
