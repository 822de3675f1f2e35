"""A trial as of a moment."""

import math
from numbers import Integral

import msgspec

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.events import FINISHED, OUT_OF_TIME, STOPPED, Cut, Reported, Started
from welltempered.space import Params

SOUND = (None, FINISHED, OUT_OF_TIME, STOPPED)
"""What `Trial.ended` is of a trial that has not failed."""


class Trial(msgspec.Struct, frozen=True):
    """One setting of the params and what became of it, as of a moment; never changes.

    Attributes:
        id: its number, in the order in which trials started.
        params: the value of every active parameter.
        since: epoch at which its present or last lease began.
        until: epoch at which that lease ends.
        goal: epoch until which it is to train unless a stopping rule ends it before; without such a rule `until`.
        restart: epoch whose state was saved if its last lease was cut short: it goes on from there, and what it
            has reported since is taken back then. `None` if nothing was cut.
        bracket: number of the bracket it belongs to.
        reports: what it reported, one entry per epoch it has trained.
        losses: the objective of each report; lower is better, `inf` where it was not finite.
        running: whether it has a lease now.
        saves: epochs after which a checkpoint was written; which of them are still there is `checkpoints.needed`.
        cuts: the events that cut its leases short: when and why.
        ended: why it is over for good ("finished", "stopped", "diverged", "failed", "crashed", "out of memory", "time
            limit", "out of time"), else `None`.
        error: the error that ended it, if one did; of a stopped trial the evidence.
        device: where its present or last lease trains: "cpu", or the name of a GPU.
        metric: name of the objective's metric.
        horizon: epochs of a full training.
    """

    id: int
    params: Params
    since: int
    until: int
    goal: int
    restart: int | None
    bracket: int
    reports: tuple[Reported, ...]
    losses: tuple[float, ...]
    saves: tuple[int, ...]
    running: bool
    cuts: tuple[Cut, ...]
    ended: str | None
    error: str | None
    device: str
    metric: str
    horizon: int

    @property
    def epoch(self) -> int:
        """Epochs trained, and epoch from which it would go on unless `restart` names an earlier one."""
        return len(self.losses)

    @property
    def loss(self) -> float:
        """Loss after its last epoch, `inf` before the first."""
        return self.losses[-1] if self.losses else math.inf

    @property
    def value(self) -> float | None:
        """The objective's metric after its last epoch; `None` before the first or if it was not finite."""
        return self.reports[-1].metrics[self.metric] if self.reports else None

    @property
    def curve(self) -> tuple[float | None, ...]:
        """The objective's metric after each epoch."""
        return tuple(report.metrics[self.metric] for report in self.reports)

    @property
    def seconds(self) -> float:
        """Time spent in its epochs."""
        return sum(report.seconds for report in self.reports)

    @property
    def failed(self) -> bool:
        """Whether it has ended badly: failed, diverged, crashed, out of memory or at the limit of an epoch."""
        return self.ended not in SOUND

    @property
    def interrupted(self) -> bool:
        """Whether its last lease was cut short, so that the rest of it is still owed."""
        return self.restart is not None

    @property
    def state(self) -> str:
        """One word: "running", "interrupted", "complete" (fully trained), "paused" (its lease is over), or `ended`."""
        if self.running:
            return "running"
        if self.ended is not None:
            return self.ended
        if self.interrupted:
            return "interrupted"
        return "complete" if self.epoch == self.horizon else "paused"

    def __str__(self) -> str:
        params = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return f"trial {self.id}: {self.metric} {self.value} after epoch {self.epoch} ({params})"


class Row:
    """The mutable inside of a trial; `History` alone writes it and hands out snapshots."""

    # fmt: off
    __slots__ = ("bracket", "cuts", "device", "ended", "error", "goal", "losses", "params", "reports", "restart",
                 "saves", "since", "snapshot", "until")
    # fmt: on

    def __init__(self, event: Started) -> None:
        self.params = event.params
        self.since = 0
        self.until = event.until
        self.goal = event.goal or event.until
        self.restart: int | None = None
        self.bracket = event.bracket
        self.device = event.device
        self.reports: list[Reported] = []
        self.losses: list[float] = []
        self.saves: dict[int, int] = {}  # epoch -> bytes
        self.cuts: tuple[Cut, ...] = ()
        self.ended: str | None = None
        self.error: str | None = None
        self.snapshot: Trial | None = None

    def trial(self, id: int, metric: str, horizon: int, *, running: bool) -> Trial:
        """The trial as of now, never to change."""
        return Trial(
            id=id,
            params=dict(self.params),  # so that who changes what was handed out does not change the log
            since=self.since,
            until=self.until,
            goal=self.goal,
            restart=self.restart,
            bracket=self.bracket,
            reports=tuple(self.reports),
            losses=tuple(self.losses),
            saves=tuple(self.saves),
            running=running,
            cuts=self.cuts,
            ended=self.ended,
            error=self.error,
            device=self.device,
            metric=metric,
            horizon=horizon,
        )


def number_of(trial: object, count: int) -> int:
    """The number of a trial that somebody names, of so many that have started.

    Raises:
        InvalidInput: if it names none.
    """
    id = trial.id if isinstance(trial, Trial) else trial
    if not isinstance(id, Integral) or isinstance(id, bool):
        raise InvalidInput(f"trial must be a Trial or its number, got {shown(trial)}")
    if not 0 <= int(id) < count:
        raise InvalidInput(f"trial must be one of the {count} that have started, got {id}")
    return int(id)
