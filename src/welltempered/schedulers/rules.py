"""Stopping rules, each of which wraps a scheduler: `Median`, `Percentile`, `Slack` and `Plateau`.

Where their defaults come from is in benchmarks/records/stopping.json, made by `python -m benchmarks.stopping`.
"""

import math
from dataclasses import dataclass

import numpy as np

from welltempered.checks import number, whole
from welltempered.decide import Decision, Keeps, Scheduler
from welltempered.events import Event
from welltempered.history import History
from welltempered.schedulers.stopping import Pieces, Rule, check_rule, checks, prospect
from welltempered.trial import Trial

_SMOOTH = 3
"""Epochs of which `Plateau` takes the mean: the fewest that can outvote one that is out of line."""

_PERCENT = "at least 1 and below 100 (10 means: go on if among the best one in ten)"
"""Below 1 it must be meant as a share: to tell one in two hundred takes more trials than anybody has."""
_FACTOR = "at least 0 and at most 10 (a share of the distance from the best to the median)"
"""Beyond 10 it must be meant in percent: ten times as far behind as the median is nobody who still learns."""


# What all rules do alike. Each takes these as its methods: to share them by inheritance would make a tree of methods.


def _init(rule: Rule, history: History) -> Pieces:
    """Nobody has started."""
    return Pieces(history, checks(history.epochs, rule.grace, rule.every))


def _learn(rule: Rule, state: Pieces, history: History, event: Event) -> None:
    """See `Pieces.learn`."""
    state.learn(rule, history, event)


def _next(rule: Rule, history: History, held: Trial | None) -> Decision:
    """Stop a trial that stands at a check or let it go on; else what the scheduler within decides."""
    return history.fold(rule).next(rule, history, held)


def _keeps(rule: Rule, history: History) -> Keeps:
    """Who is between two checks, and what the scheduler within keeps."""
    return history.fold(rule).keeps(rule, history)


@dataclass(frozen=True)
class Percentile:
    """Stop a trial that is not among the best `percent` of all after the same number of epochs.

    What a trial is compared by is its best loss so far, and it has the benefit of the doubt, see `noise` and `trend`.
    The others are compared by their loss after that epoch, or their last one if they have gone no further (paused,
    stopped or diverged): so about one in ten goes on to the end, however many checks there are. Were those missing that
    have gone, each check would stop nine in ten of whoever has passed the one before.
    A decision costs O(log trials) and a look at the trial's own curve, the end of a lease O(checks · log trials).

    Attributes:
        scheduler: what it wraps: any scheduler, also another rule.
        percent: a trial is stopped if more than this share of the others, rounded up, are better. Default 10: on
            TaskSet it saves 62 % of the epochs and loses 1 % of the eventual best 5 % of trials; 5 loses 8 % of these,
            25 saves 45 %.
        grace: epochs before the first check. Default `None`, a fifth of a full training. A tenth saves 70 % there but
            loses 3 %, good trials that begin badly.
        every: epochs between checks. Default `None`: each check comes after 1.5 times the epochs of the one before, so
            that a training of any length has four of them, most of them early, where stopping saves most. Each costs a
            checkpoint, which is written but not read. A check after every epoch saves one or two per cent more.
        least: others to compare with before anybody is stopped. Default 5.
        noise: how often the jitter of its own curve is taken off a trial's loss, so that chance does not end it. The
            jitter is the standard deviation told by second differences. Default 1; 0 trusts every figure, and 2 saves
            little less on TaskSet, but on noisier curves (Fashion-MNIST) 39 % instead of 45 %.
        trend: how often what the trial has gained over the second half of its epochs is taken off too, since what
            begins badly but falls may well go on falling. Default 1; without it (0) half of the best are lost on
            the validation loss of Fashion-MNIST.

    Raises:
        InvalidInput: unless percent is at least 1 and below 100, grace, every and least are at least 1, noise and trend
            at least 0, and the scheduler is one.

    Source: the percentile rule of many tuners, a generalized median rule (see `Median`); that trials keep their place
    after they have gone, and the benefit of trend and jitter, are this project's.
    """

    scheduler: Scheduler
    percent: float = 10.0
    grace: int | None = None
    every: int | None = None
    least: int = 5
    noise: float = 1.0
    trend: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "percent", number("percent", self.percent, _PERCENT, 1, 100))
        _check(self)

    init, learn, next, keeps = _init, _learn, _next, _keeps

    def why(self, state: Pieces, trial: Trial) -> str | None:
        """Whether too many others were better at this epoch."""
        count = state.board.others(trial.epoch)
        bar = _other(state, trial, math.ceil(self.percent / 100 * count), self.least)
        group = f"more than {self.percent:g} % of {count} others reach"
        return _evidence(self, state, trial, bar, group)


@dataclass(frozen=True)
class Median:
    """Stop a trial that is worse than the median of all after the same number of epochs.

    Careful: it stops half of the trials at most, and so saves less than half of the epochs: 32 % on TaskSet, where
    `Percentile` saves 62 %.

    Attributes:
        scheduler: what it wraps: any scheduler, also another rule.
        grace: epochs before the first check; `None` (default) is a fifth of a full training.
        every: epochs between checks; `None` (default): after 1.5 times the epochs of the one before.
        least: others to compare with before anybody is stopped. Default 5.
        noise: how often the jitter of its own curve is taken off a trial's loss. Default 1.
        trend: how often what it has gained over the second half of its epochs is taken off, too. Default 1.

    Raises:
        InvalidInput: as `Percentile`, where the reasons for the defaults stand.

    Source: Golovin et al., "Google Vizier: a service for black-box optimization", KDD 2017, section 3.2.2: the trial's
    best value against the median of the others. There the others are completed trials with their running averages;
    these are here all trials, with their losses at that epoch.
    """

    scheduler: Scheduler
    grace: int | None = None
    every: int | None = None
    least: int = 5
    noise: float = 1.0
    trend: float = 1.0

    def __post_init__(self) -> None:
        _check(self)

    init, learn, next, keeps = _init, _learn, _next, _keeps

    def why(self, state: Pieces, trial: Trial) -> str | None:
        """Whether more than half of the others were better at this epoch."""
        count = state.board.others(trial.epoch)
        bar = _other(state, trial, (count - 1) // 2, self.least)
        return _evidence(self, state, trial, bar, f"median of {count} others")


@dataclass(frozen=True)
class Slack:
    """Stop a trial that is too far behind the best after the same number of epochs: the bandit rule.

    How far is too far is measured on the scale that the trials themselves give: the distance from the best to the
    median. So it means the same for an accuracy, for a loss that may be negative, and after any shift or change of
    unit, none of which is true of a ratio to the best value. The others and the trial are compared as in `Percentile`,
    and a decision costs the same.

    Attributes:
        scheduler: what it wraps: any scheduler, also another rule.
        factor: the slack, as a share of the distance from the best to the median: 1 is `Median`, 0 lets nobody go
            on but the best. Default 0.95, which on TaskSet saves 59 % of the epochs and loses 1 % of the eventual best
            5 %; 0.75 loses 8 %. Where most trials learn well it saves less than `Percentile` (28 % on Fashion-MNIST).
        grace: epochs before the first check; `None` (default) is a fifth of a full training.
        every: epochs between checks; `None` (default): after 1.5 times the epochs of the one before.
        least: others to compare with before anybody is stopped. Default 5.
        noise: how often the jitter of its own curve is taken off a trial's loss. Default 1.
        trend: how often what it has gained over the second half of its epochs is taken off, too. Default 1.

    Raises:
        InvalidInput: unless factor is between 0 and 10; else as `Percentile`, where the reasons for the defaults stand.

    Source: the bandit policy of Azure Machine Learning (`slack_factor`), but for its scale.
    """

    scheduler: Scheduler
    factor: float = 0.95
    grace: int | None = None
    every: int | None = None
    least: int = 5
    noise: float = 1.0
    trend: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", number("factor", self.factor, _FACTOR, 0, 10))
        _check(self)

    init, learn, next, keeps = _init, _learn, _next, _keeps

    def why(self, state: Pieces, trial: Trial) -> str | None:
        """Whether the trial is too far behind the best of the others at this epoch."""
        count = state.board.others(trial.epoch)
        best = _other(state, trial, 0, self.least)
        middle = _other(state, trial, (count - 1) // 2, self.least)
        bar = best + self.factor * (middle - best) if middle < math.inf else math.inf
        shown = f"{_number(state, best)} and {_number(state, middle)}"
        group = f"best and median of {count} others {shown}, slack {self.factor:g} ends at"
        return _evidence(self, state, trial, bar, group)


@dataclass(frozen=True)
class Plateau:
    """Stop a trial whose own curve no longer improves, whatever the others do.

    The curve is smoothed (means of three epochs), and a trial is stopped when the best of its last epochs is no better
    than the best before. A decision costs a look at the trial's own curve.

    It says when a training has converged, not whether it is good, and saves less than the other rules: 23 % of the
    epochs on TaskSet. It stops good trials too (3 % of the eventual best 5 %), which is no loss where training on
    would gain nothing, and one where the curve waits for its learning rate to fall.

    Attributes:
        scheduler: what it wraps: any scheduler, also another rule.
        patience: epochs without improvement that are borne. Default 5.
        share: at least this share of all its epochs, so that patience grows with them. Default 0.5: a training of 40
            epochs has not improved for 20. With patience alone (0), trials are stopped at their first rest, among them
            18 % of the best.
        min_delta: how much lower the loss must be to count as better, in units of the objective. Default 0.
        grace: epochs before the first check; `None` (default) is a fifth of a full training.
        every: epochs between checks; `None` (default): after 1.5 times the epochs of the one before.
        noise: how much worse than before the last epochs must be, in units of the jitter of these means, for what looks
            like an end may be chance. Default 1.

    Raises:
        InvalidInput: unless patience, grace and every are at least 1, share is between 0 and 1, min_delta and noise are
            at least 0, and the scheduler is one.

    Source: Prechelt, "Early stopping - but when?", 1998, criterion UP (no improvement over successive strips); patience
    that grows with the training is the one of the deep learning tutorials of LISA lab (2010).
    """

    scheduler: Scheduler
    patience: int = 5
    share: float = 0.5
    min_delta: float = 0.0
    grace: int | None = None
    every: int | None = None
    noise: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "patience", whole("patience", self.patience, "a whole number of at least 1", 1))
        object.__setattr__(self, "share", number("share", self.share, "at least 0 and at most 1", 0, 1))
        object.__setattr__(self, "min_delta", number("min_delta", self.min_delta, "at least 0", 0))
        _check(self)

    init, learn, next, keeps = _init, _learn, _next, _keeps

    def why(self, state: Pieces, trial: Trial) -> str | None:
        """Whether the last means of the trial's losses are no better than those before."""
        last = max(self.patience, math.ceil(self.share * trial.epoch))
        if trial.epoch < last + _SMOOTH:
            return None
        means = np.convolve(trial.losses, np.full(_SMOOTH, 1 / _SMOOTH), "valid")
        before, after = float(means[:-last].min()), float(means[-last:].min())
        error = self.noise * state.jitters.of(trial.losses) / math.sqrt(_SMOOTH)
        if not after >= before - self.min_delta + error:
            return None
        return (
            f"plateau: {trial.metric} at best {_number(state, after)} in the last {last} of {trial.epoch} epochs, "
            f"{_number(state, before)} before (means of {_SMOOTH} epochs)"
        )


_Comparing = Percentile | Median | Slack


def _check(rule: _Comparing | Plateau) -> None:
    """Refuse what no rule can work with, and keep plain numbers, since they are written to the log."""
    grace, every = check_rule(rule, rule.grace, rule.every)
    object.__setattr__(rule, "grace", grace)
    object.__setattr__(rule, "every", every)
    object.__setattr__(rule, "noise", number("noise", rule.noise, "at least 0", 0))
    if not isinstance(rule, Plateau):
        object.__setattr__(rule, "trend", number("trend", rule.trend, "at least 0", 0))
        object.__setattr__(rule, "least", whole("least", rule.least, "a whole number of at least 1", 1))


def _other(state: Pieces, trial: Trial, place: int, least: int) -> float:
    """The loss of the other in this place, 0 is the best; `inf`, so that nobody is stopped, if they are too few."""
    count = state.board.others(trial.epoch)
    return state.board.other(trial.epoch, trial.id, place) if count >= max(least, place + 1) else math.inf


def _evidence(rule: _Comparing, state: Pieces, trial: Trial, bar: float, group: str) -> str | None:
    """The sentence that stops a trial which, with the benefit of the doubt, is worse than the bar; else `None`."""
    hoped = prospect(trial.losses, rule.trend) - rule.noise * state.jitters.of(trial.losses)
    if not hoped > bar:
        return None
    best = _number(state, min(trial.losses))
    doubt = f" ({_number(state, hoped)} with the benefit of the doubt)" if rule.noise or rule.trend else ""
    name = type(rule).__name__.lower()
    return f"{name}: {trial.metric} at best {best} in {trial.epoch} epochs{doubt}, {group} {_number(state, bar)}"


def _number(state: Pieces, loss: float) -> str:
    """A loss as the user knows it."""
    value = state.inner.objective.value(loss)
    return "none" if value is None else f"{value:.4g}"
