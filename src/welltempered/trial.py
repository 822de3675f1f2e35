"""A trial as of a moment."""

import math
from collections.abc import Callable, Iterator, Sequence
from numbers import Integral
from typing import overload

import msgspec

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.events import FINISHED, OUT_OF_TIME, STOPPED, Cut, Origin, Reported, Started
from welltempered.space import Params

SOUND = (None, FINISHED, OUT_OF_TIME, STOPPED)
"""What `Trial.ended` is of a trial that has not failed."""


class Stage(msgspec.Struct, frozen=True):
    """A part of a training with params of its own.

    Attributes:
        trial: the trial that trained it.
        after: epochs that were trained before it.
        params: its params.
    """

    trial: int
    after: int
    params: Params


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
        reports: what it reported, one entry per epoch it has trained; the first `inherited` are those of its ancestors.
        losses: the objective of each report; lower is better, `inf` where it was not finite.
        running: whether it has a lease now.
        saves: epochs after which it has written a checkpoint; which of them are still there is `checkpoints.needed`.
        cuts: the events that cut its leases short: when and why.
        ended: why it is over for good ("finished", "stopped", "diverged", "failed", "crashed", "out of memory", "time
            limit", "out of time"), else `None`.
        error: the error that ended it, if one did; of a stopped trial the evidence.
        device: where its present or last lease trains: "cpu", or the name of a GPU.
        metric: name of the objective's metric.
        horizon: epochs of a full training.
        lineage: whose training it carries on, oldest first; the last stage is its own.
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
    lineage: tuple[Stage, ...]

    @property
    def epoch(self) -> int:
        """Epochs trained, and epoch from which it would go on unless `restart` names an earlier one."""
        return len(self.losses)

    @property
    def inherited(self) -> int:
        """Epochs of those that its ancestors have trained; 0 if it has none."""
        return self.lineage[-1].after

    @property
    def parent(self) -> Origin | None:
        """The state with which it began; `None` if it began at the beginning."""
        return Origin(self.lineage[-2].trial, self.inherited) if self.inherited else None

    @property
    def source(self) -> Origin:
        """Whose checkpoint of which epoch holds its state: its own, or its parent's before its first epoch is over."""
        parent = self.parent
        return parent if parent is not None and parent.epoch == self.epoch else Origin(self.id, self.epoch)

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
        """Time spent in its own epochs."""
        return sum(report.seconds for report in self.reports[self.inherited :])

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
    __slots__ = ("bracket", "cuts", "device", "ended", "error", "goal", "heir", "lineage", "losses", "params",
                 "reports", "restart", "saves", "since", "snapshot", "until")
    # fmt: on

    def __init__(self, event: Started, parent: "Row | None") -> None:
        self.params = event.params
        self.since = after = 0 if event.parent is None else event.parent.epoch
        # By value: what becomes of the parent later changes nothing here.
        self.reports: list[Reported] = [] if parent is None else parent.reports[:after]
        self.losses: list[float] = [] if parent is None else parent.losses[:after]
        before = () if parent is None else (stage for stage in parent.lineage if stage.after < after)
        self.lineage: tuple[Stage, ...] = (*before, Stage(event.trial, after, event.params))
        self.heir = parent is not None  # it stays one when it begins anew without its parent
        self.until = event.until
        self.goal = event.goal or event.until
        self.restart: int | None = None
        self.bracket = event.bracket
        self.device = event.device
        self.saves: dict[int, int] = {}  # epoch -> bytes
        self.cuts: tuple[Cut, ...] = ()
        self.ended: str | None = None
        self.error: str | None = None
        self.snapshot: Trial | None = None

    @property
    def inherited(self) -> int:
        """Epochs that its ancestors have trained."""
        return self.lineage[-1].after

    def disinherit(self) -> None:
        """Begin anew, without a parent."""
        self.lineage = (Stage(self.lineage[-1].trial, 0, self.params),)

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
            lineage=tuple(Stage(stage.trial, stage.after, dict(stage.params)) for stage in self.lineage),
        )


class Trials(Sequence[Trial]):
    """The trials of a history; each is built when it is looked at and kept until its next event."""

    def __init__(self, count: Callable[[], int], build: Callable[[int], Trial]) -> None:
        self._count = count
        self._build = build

    def __len__(self) -> int:
        return self._count()

    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Trial]: ...
    def __getitem__(self, index: int | slice) -> Trial | Sequence[Trial]:
        ids = range(len(self))[index]
        return self._build(ids) if isinstance(ids, int) else [self._build(id) for id in ids]

    def __iter__(self) -> Iterator[Trial]:
        return map(self._build, range(len(self)))


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
