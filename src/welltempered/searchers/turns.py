"""Whose turn it is among several sources of params: each has a share, which follows what its trials come to."""

from bisect import bisect_left
from collections.abc import Sequence

from welltempered.events import Ended, Event, Reported, Started
from welltempered.history import History

TOP = 0.2
"""The share of trials that counts as good."""
MEMORY = 40
"""Trials after which an outcome counts for half: what finds the region need not be what finds the best in it."""
FLOOR = 0.2
"""Share of the trials that is dealt out as at first, whatever the results."""
_PRIOR = 2.0
"""Trials, a share of `TOP` of them good, that each source is credited with beforehand."""
_POWER = 2.0
"""Shares are proportional to this power of the rate of good trials."""
_HUGE = 1e100
"""Weight at which all weights are made small again, before floats end."""


class Turns:
    """A fold of the history: how often each source was asked, how good its trials are, and who is next.

    A trial is good if it is among the best fifth after the highest epoch it has reached: its place among those that
    have trained so long, as a share of *all* trials that have come to anything. So a trial is never compared with
    those that trained longer, and who is promoted does not fall behind for being among the promoted. Failed trials are
    bad ones. Outcomes fade with a half-life of `MEMORY` trials.

    Turns are taken by smooth weighted round robin: each turn, every source gains its share, and who has gained most
    pays one for being asked. There is no chance in it, and a share of a quarter is every fourth trial.

    Args:
        shares: of the sources, before there are results; they are made to add up to 1.
        floor: share of the trials that is dealt out as at first, whatever the results.
        last: the source that counts as just asked, so that the others come first. Default: none.

    Attributes:
        of: whose turn each trial was; `None` for one that goes on from the state of another, which nobody suggested.
        count: how many turns each source has had.
        reached: the highest epoch at which a lease has ended; 0 if none has.
    """

    def __init__(self, shares: Sequence[float], floor: float, last: int | None = None) -> None:
        total = sum(shares)
        self.start = [share / total for share in shares]
        self.floor = floor
        self.of: list[int | None] = []
        self.reached = 0
        self.count = [0] * len(shares)
        self._gained = [-1.0 if source == last else 0.0 for source in range(len(shares))]
        self._outcomes: dict[int, tuple[float, bool]] = {}  # trial -> its weight, and whether it is good
        self._good = [0.0] * len(shares)
        self._all = [0.0] * len(shares)
        self._unit = 1.0  # weight of the next outcome: instead of old ones that fade, new ones grow

    @property
    def shares(self) -> list[float]:
        """What part of the trials each source gets now."""
        rates = [self._rate(source) ** _POWER * start for source, start in enumerate(self.start)]
        total = sum(rates)
        return [
            self.floor * start + (1 - self.floor) * rate / total for rate, start in zip(rates, self.start, strict=True)
        ]

    def order(self) -> list[int]:
        """The sources, first the one whose turn it is."""
        gained = [self._gained[source] + share for source, share in enumerate(self.shares)]
        return sorted(range(len(gained)), key=lambda source: (-gained[source], source))

    def learn(self, history: History, event: Event) -> None:
        """Take one event of the history, which is as it was right after it."""
        if isinstance(event, Started) and event.parent is not None:
            self.of.append(None)
        elif isinstance(event, Started):
            due = self.order()[0]
            self._gained = [gained + share for gained, share in zip(self._gained, self.shares, strict=True)]
            self._gained[due] -= 1
            self.of.append(due)
            self.count[due] += 1
        elif isinstance(event, Ended | Reported) and event.trial not in history.running:
            self._judge(history, event.trial)

    def _rate(self, source: int) -> float:
        prior = _PRIOR * self._unit
        return (self._good[source] + TOP * prior) / (self._all[source] + prior)

    def _judge(self, history: History, trial: int) -> None:
        self.reached = max(self.reached, history.epoch(trial))
        if (source := self.of[trial]) is None:
            return
        if trial not in self._outcomes:
            self._outcomes[trial] = (self._unit, False)
            self._all[source] += self._unit
            self._fade()
        weight, was = self._outcomes[trial]
        good = self._is_good(history, trial)
        self._good[source] += weight * (good - was)
        self._outcomes[trial] = (weight, good)

    def _fade(self) -> None:
        """Let all outcomes so far count a little less."""
        self._unit *= 2 ** (1 / MEMORY)
        if self._unit > _HUGE:  # begin anew with small numbers; what is so old counts for nothing
            self._good = [good / self._unit for good in self._good]
            self._all = [all_ / self._unit for all_ in self._all]
            self._outcomes = {trial: (weight / self._unit, good) for trial, (weight, good) in self._outcomes.items()}
            self._unit = 1.0

    def _is_good(self, history: History, id: int) -> bool:
        trial = history.trials[id]
        if trial.failed or not trial.losses:
            return False
        place = bisect_left(history.ranked(trial.epoch), (trial.loss, id))
        return place < max(1.0, TOP * len(self._outcomes))
