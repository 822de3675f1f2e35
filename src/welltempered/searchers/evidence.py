"""What the trials of a study say of a parameter: where the best of them lie, and how likely that is by chance.

All chances are exact and need no draws: if a parameter has no effect, the best k of n trials are any k of them.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from welltempered.history import History

LEVEL = 0.05
"""Chance below which something is taken for an effect where a mistake could not be made good: Fisher's 1 in 20
("Statistical Methods for Research Workers", 1925)."""
ENOUGH = 10
"""Trials that must have reached an epoch, so that they are compared there."""
FEWEST = 4
"""Best trials that make a range; with three it would reach 3.5 times their span beyond them, on each side."""
MOST = 10
"""Best trials that are looked at, however many there are: the span of more grows with the worst of them, and ranges
would stop to shrink. TPE's limit of 25 (Bergstra, Yamins & Cox, "Making a science of model search", ICML 2013) is for
densities, which feel a straggler less."""


@dataclass(frozen=True)
class Compared:
    """The trials that count, all compared after the same epoch.

    Attributes:
        epoch: that epoch; 0 if too few trials have reached any.
        ranked: those with a finite loss there, best first.
        failed: those that have failed or diverged, at whatever epoch: bad ones.
        all: all that have reported or failed, by number.
        best: the best of the ranked ones; `None` if there are none.
    """

    epoch: int
    ranked: NDArray[np.int64]
    failed: NDArray[np.int64]
    all: NDArray[np.int64]

    @property
    def best(self) -> int | None:
        """The best trial, if there is one."""
        return int(self.ranked[0]) if len(self.ranked) else None


@dataclass(frozen=True)
class Seen:
    """Where the trials lie in one parameter: positions in [0, 1], without those in which it is inactive.

    Attributes:
        top: of the best ones, best first.
        all: of all that count.
    """

    top: NDArray[np.float64]
    all: NDArray[np.float64]


def compare(history: History) -> Compared:
    """Compare trials at the highest epoch that enough of them have reached; O(n log n) for n trials."""
    failed = {trial for trials in history.failures.values() for trial in trials}
    reached = np.array([0 if id in failed else history.epoch(id) for id in range(len(history.trials))], dtype=np.int64)
    epoch = int(np.sort(reached)[-ENOUGH]) if len(reached) >= ENOUGH else 0
    ranked = [id for _, id in history.ranked(epoch) if id not in failed] if epoch else []
    bad = np.array(sorted(failed), dtype=np.int64)
    return Compared(epoch, np.array(ranked, dtype=np.int64), bad, np.union1d(np.flatnonzero(reached), bad))


def look(history: History, compared: Compared, column: int, quantile: float) -> Seen:
    """Where the best and all trials lie in the parameter of a column.

    Args:
        history: the study's.
        compared: its trials.
        column: of `history.matrix()`.
        quantile: the share of the compared trials, failed ones too, that counts as best: at least `FEWEST`, at most
            `MOST`.
    """
    positions = history.matrix()[:, column]
    ranked = positions[compared.ranked]
    ranked = ranked[~np.isnan(ranked)]
    everything = positions[compared.all]
    count = len(ranked) + int(np.count_nonzero(~np.isnan(positions[compared.failed])))
    return Seen(ranked[: top_of(count, quantile)], everything[~np.isnan(everything)])


def top_of(count: int, quantile: float) -> int:
    """How many of so many trials count as best."""
    return min(MOST, max(FEWEST, math.ceil(quantile * count)))


def chance_of_span(inside: int, top: int, trials: int) -> float:
    """The chance that the span from the lowest to the highest of `top` trials holds at most `inside` of `trials`.

    Of the subsets of size k of n ranks, those of span m or less are C(m, k) in the first window of m ranks, and
    C(m-1, k-1) more with each step of the window.

    >>> round(chance_of_span(2, 2, 4), 9), round(chance_of_span(4, 2, 4), 9)
    (0.5, 1.0)
    """
    if inside < top:
        return 0.0
    first = math.exp(_log_choose(inside, top) - _log_choose(trials, top))
    step = math.exp(_log_choose(inside - 1, top - 1) - _log_choose(trials, top))
    return min(1.0, first + (trials - inside) * step)


def chance_of_few(hits: int, marked: int, top: int, trials: int) -> float:
    """The chance that at most `hits` of `top` trials are among the `marked` of `trials`: hypergeometric.

    >>> round(chance_of_few(0, 2, 2, 4), 9), round(chance_of_few(2, 2, 2, 4), 9)
    (0.166666667, 1.0)
    """
    terms = range(max(0, top + marked - trials), min(hits, marked) + 1)
    whole = _log_choose(trials, top)
    logs = (_log_choose(marked, j) + _log_choose(trials - marked, top - j) for j in terms)
    return min(1.0, math.fsum(math.exp(log - whole) for log in logs))


def chance_of_many(hits: int, marked: int, top: int, trials: int) -> float:
    """The chance that at least `hits` of `top` trials are among the `marked` of `trials`.

    >>> round(chance_of_many(2, 2, 2, 4), 9), round(chance_of_many(0, 2, 2, 4), 9)
    (0.166666667, 1.0)
    """
    return chance_of_few(top - hits, trials - marked, top, trials)


def margin(top: int, risk: float) -> float:
    """By how much of the span of the best trials their range reaches beyond it, on each side.

    Of k points that are uniform on a range, the part of the range below the lowest one is to their span as one spacing
    to k-1 of them, and exceeds c of it with chance (1 + c)^-(k-1) (all spacings are alike: Pyke, "Spacings",
    J. Royal Statistical Society B 27, 1965). This is the c of which the chance is `risk`.

    >>> [round(margin(top, 0.05), 2) for top in (4, 8, 20)]
    [1.71, 0.53, 0.17]
    """
    return float(risk ** (-1 / (top - 1)) - 1)


def odds(chance: float) -> str:
    """A chance in words.

    >>> odds(0.004), odds(0.5), odds(1e-9)
    ('1 in 250', '50 %', 'below 1 in 10,000')
    """
    if chance >= 0.1:
        return f"{100 * chance:.0f} %"
    return "below 1 in 10,000" if chance < 1e-4 else f"1 in {1 / chance:,.0f}"


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
