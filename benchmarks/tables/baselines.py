"""A baseline that papers forget and the package does not have."""

import math
from collections.abc import Collection
from dataclasses import dataclass

import welltempered as wt


@dataclass(frozen=True)
class OneEpoch:
    """Train as many trials as there is room for by one epoch, then the best few of them to the end.

    Egele et al., "Is one epoch all you need for multi-fidelity hyperparameter optimization?", ESANN 2023: the top 3.

    Attributes:
        searcher: where params come from.
        budget: of the study, which it must know beforehand, in full trainings.
        top: how many are trained to the end.
    """

    searcher: wt.Searcher
    budget: int = 20
    top: int = 3

    def next(self, history: wt.History, held: wt.Trial | None) -> wt.Decision:
        """Start a trial while there is room; when all have had their epoch, resume the best, one after the other."""
        room = self.budget * history.epochs - self.top * (history.epochs - 1)
        if len(history.trials) < room:
            params = self.searcher.suggest(history)
            if params is not None:
                return wt.Start(params, 1)
        if any(history.epoch(trial) == 0 for trial in history.running):
            return wt.Wait()
        for loss, trial in history.ranked(1)[: self.top]:
            if loss < math.inf and trial not in history.running and history.epoch(trial) == 1 < history.epochs:
                return wt.Resume(trial, history.epochs)
        return wt.Wait()

    def keeps(self, history: wt.History) -> Collection[int]:
        """The best after one epoch."""
        return {trial for _, trial in history.ranked(1)[: self.top]}
