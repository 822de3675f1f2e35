"""A lease as executors and training code see it: what is to be trained, what is said of it, and by which channel."""

import math
from dataclasses import dataclass
from typing import Protocol

import msgspec

from welltempered.events import Cut, Ended, Reported
from welltempered.trial import Trial


class Lost(msgspec.Struct, frozen=True):
    """Said by an executor where a lease has cost its worker; the study decides whether the trial is cut or ended.

    Attributes:
        trial: its number.
        reason: of `welltempered.events`: `WORKER_LOST`, `OUT_OF_MEMORY` or `TIME_LIMIT`, of which a trial survives few;
            or `UNWRITTEN` or `INTERRUPTED`, which say nothing against it.
        error: what is known of it.
    """

    trial: int
    reason: str
    error: str


Said = Reported | Cut | Ended | Lost
"""What executors say of a trial."""


@dataclass(frozen=True)
class Lease:
    """What an executor is told to do: train this trial until the end of its lease, or as far as the budget goes.

    Attributes:
        trial: the trial as it is now; `trial.until` is the end of the lease.
        stop: epoch at which the budget of epochs ends, at most `trial.until`.
        deadline: moment on the executor's clock after which the lease ends at the next epoch; default never.
    """

    trial: Trial
    stop: int
    deadline: float = math.inf

    def closed_by(self, event: Said) -> bool:
        """Whether this event of the trial ends the lease."""
        if not isinstance(event, Reported):
            return True
        return event.epoch == self.trial.until or event.metrics.get(self.trial.metric) is None

    def used_up(self, epoch: int, now: float) -> bool:
        """Whether the budget ends with this epoch, at this moment."""
        return epoch >= self.stop or now >= self.deadline


class Channel(Protocol):
    """How training code is connected with its study, in this process or another."""

    def receive(self) -> Lease | None:
        """The next lease of this slot; waits for it; `None` at the end."""
        ...

    def begin(self, lease: Lease) -> None:
        """Its training begins or goes on now: what came after the loop of the trial before is over."""
        ...

    def send(self, event: Said) -> None:
        """Tell the study."""
        ...

    def asked_to_cut(self) -> str | None:
        """Why the present lease is to end at this epoch boundary, if it is."""
        ...
