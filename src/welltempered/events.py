"""The records of a study, which are also its file format: a header and six kinds of event.

A *lease* lets a trial train until a given epoch. `Started` and `Resumed` open one; exactly one event closes it:
the `Reported` whose epoch is the lease's `until` or whose objective is not finite, or a `Cut`, or an `Ended`.

Every event carries `at`: seconds on the study's own clock, which runs only while the study does, over all its
runs. Names and fields are the format of version 1. Fields with a default may be added later without a new version.
"""

from typing import Any

import msgspec

from welltempered.objective import Objective

FORMAT = 1
"""Version of the format below; a study made by a newer one is refused instead of being misread."""

BUDGET, INTERRUPTED, DRIVER_LOST = "budget", "interrupted", "driver lost"
DAMAGED, UNWRITTEN = "checkpoint damaged", "checkpoint unwritten"
"""Why a lease is cut though nothing speaks against its trial."""
WORKER_LOST, OUT_OF_MEMORY, TIME_LIMIT = "worker lost", "out of memory", "time limit"
"""Why a lease is cut that has cost its worker; a trial is given few of these. The last two may also end a trial."""
FINISHED, OUT_OF_TIME, STOPPED = "finished", "out of time", "stopped"
"""Why a trial is over for good though it has not failed: what it has reported counts."""
FAILED, CRASHED, DIVERGED = "failed", "crashed", "diverged"
"""Why else a trial is over; the last one is never written, a report without a finite objective says it."""


class _Record(msgspec.Struct, frozen=True, tag_field="event", tag=str.lower, omit_defaults=True):
    """Common to all records: immutable, written as JSON objects with an `event` field."""


class Header(_Record, frozen=True, kw_only=True):
    """Record 0 of a log: all that every decision of the study depends on beside the events.

    Attributes:
        format: version of the file format, see `FORMAT`.
        package: version of welltempered that made the study.
        created: date and time of creation, ISO 8601, UTC.
        space: the space as JSON, see `Space.to_json`.
        objective: what is improved.
        epochs: epochs of a full training; no lease goes beyond.
        seed: where all randomness of the study comes from.
        resumable: whether a trial can go on after it has left the memory of its worker.
        method: the scheduler and its searcher as JSON, see `welltempered.method`.
        why: why `method="auto"` chose it; blank if it was given.
    """

    format: int
    package: str
    created: str
    space: dict[str, Any]
    objective: Objective
    epochs: int
    seed: int
    resumable: bool
    method: dict[str, Any]
    why: str = ""


class Origin(msgspec.Struct, frozen=True):
    """The state that a new trial begins with: what another one had saved after an epoch.

    Attributes:
        trial: number of the parent.
        epoch: epochs it had trained, which the new trial need not.
    """

    trial: int
    epoch: int


class Started(_Record, frozen=True):
    """A new trial was given its params and its first lease.

    Attributes:
        trial: its number; trials are numbered 0, 1, 2, ... as they start.
        params: the value of every active parameter.
        until: epoch at which the lease ends.
        bracket: number of the bracket it belongs to (Hyperband's; 0 elsewhere).
        held: trial which the slot still had in memory when the decision was made; the decision depends on it.
        at: seconds on the study's clock.
        device: where it trains, "cpu" or the name of a GPU; no decision depends on it.
        goal: epoch until which the scheduler within a stopping rule lets it train, where the rule looks at it before;
            0 if that is `until`.
        parent: the state of another trial from which it goes on, as if it had trained those epochs itself; `None` if it
            begins at the beginning.
    """

    trial: int
    params: dict[str, Any]
    until: int
    bracket: int = 0
    held: int | None = None
    at: float = 0.0
    device: str = "cpu"
    goal: int = 0
    parent: Origin | None = None


class Resumed(_Record, frozen=True):
    """A paused trial was given another lease; fields as in `Started`."""

    trial: int
    until: int
    held: int | None = None
    at: float = 0.0
    device: str = "cpu"
    goal: int = 0


class Reported(_Record, frozen=True, gc=False):
    """A trial has finished an epoch. If its objective is not finite it has diverged, and is over for good.

    Attributes:
        trial: its number.
        epoch: epochs it has trained now, 1 after the first.
        metrics: what the training code reported; `None` where it was not finite.
        seconds: how long the epoch took.
        at: seconds on the study's clock.
        saved: bytes of the checkpoint that was written before the report was sent; 0 if none was.
    """

    trial: int
    epoch: int
    metrics: dict[str, float | None]
    seconds: float = 0.0
    at: float = 0.0
    saved: int = 0


class Cut(_Record, frozen=True):
    """A lease was cut short and nobody is to blame; the trial goes on later.

    Also a paused trial may be cut, where training is not resumable: one that a stopping rule was about to look at, and
    that has left the memory of its worker before it could go on.

    Attributes:
        trial: its number.
        epoch: the epoch whose state was saved, by itself or its parent; later epochs are lost, and trained again once
            it is resumed. 0 where the parent's state is lost, too: then it begins anew, and has no parent any more.
        reason: "budget", "interrupted" (Ctrl-C, SIGTERM), "driver lost", "checkpoint damaged", "checkpoint unwritten"
            (no room), or what it has cost a worker: "worker lost", "out of memory", "time limit" (an epoch took too
            long).
        at: seconds on the study's clock.
        error: what is known beside the reason.
    """

    trial: int
    epoch: int
    reason: str
    at: float = 0.0
    error: str | None = None


class Ended(_Record, frozen=True):
    """A trial is over before it was fully trained and never goes on.

    It closes the trial's lease, but for "stopped": that is a decision on a paused trial, taken by the method for the
    reason that `error` gives.

    Attributes:
        trial: its number.
        reason: "finished" (the training code returned of its own accord), "out of time" (`Limits.trial`), "failed" (it
            raised an exception), "crashed", "out of memory" or "time limit" (this has cost it worker after worker), or
            "stopped" (the method expects nothing of it any more).
        error: the traceback, or what is known instead, such as the evidence on which it was stopped; `None` if it
            finished.
        at: seconds on the study's clock.
        saved: bytes of the checkpoint of its last epoch that was written because it finished; 0 if none was.
        held: if it was stopped, the trial which the slot still had in memory then; as in `Started`.
    """

    trial: int
    reason: str
    error: str | None = None
    at: float = 0.0
    saved: int = 0
    held: int | None = None


class Undone(_Record, frozen=True):
    """A zoom of the searcher was taken back by hand; it belongs to no trial and to no lease.

    Attributes:
        zoom: its number, 1 for the first.
        at: seconds on the study's clock.
    """

    zoom: int
    at: float = 0.0


Event = Started | Resumed | Reported | Cut | Ended | Undone
Record = Header | Event
