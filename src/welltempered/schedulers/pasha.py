"""Progressive successive halving: trials train longer only while that changes their order.

Bohdal et al., "PASHA: efficient HPO and NAS with progressive resource allocation", ICLR 2023, algorithm 1.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from welltempered.checks import number, whole
from welltempered.decide import Decision, Searcher, check_searcher
from welltempered.events import Event, Reported
from welltempered.history import History
from welltempered.schedulers.halving import Halving
from welltempered.schedulers.rungs import check_eta
from welltempered.trial import Trial

_PAIRED = 32
"""Trials whose curves are looked at for crossings, the best ones: pairs grow with the square."""
_EPOCHS = 64
"""Epochs of them that are looked at, evenly spaced."""


class _State:
    """Which rung is the last one as yet, and who has come to it."""

    def __init__(self, levels: tuple[int, ...]) -> None:
        self.levels = levels
        self.top = min(1, len(self.levels) - 1)  # two rungs can be compared
        self.arrived: list[tuple[float, float, int]] = []  # loss in the last rung, in the one below, trial

    @property
    def last(self) -> bool:
        """Whether the last rung is that of full trainings, so that nothing is left to grow."""
        return self.top + 1 == len(self.levels)


@dataclass(frozen=True)
class PASHA:
    """`Halving` whose last rung is low at first and rises while the order of the trials still changes between rungs.

    Whenever a trial comes to the last rung, the trials there are ordered by their losses there and by those in the rung
    below. If the orders differ by more than noise explains, there is a rung more. Noise is ε: how far trials are apart
    whose curves have crossed back and forth; the orders agree if, place by place, the losses in the rung below differ
    by at most ε. Before any curves have crossed twice ε is zero.

    It saves the epochs of long trainings where short ones tell the same, and spends them on more trials. So a study may
    end without a full training: train the best setting again. It is meant for trainings of many epochs that order
    themselves early; where the last epochs decide, it loses a little to `Halving`.
    Where trials cannot be resumed, those that wait in the last rung when it rises stay there.

    A decision costs as much as one of `Halving`; an arrival in the last rung O(trials there · log), and about a
    millisecond for the curves, which are compared in pairs, of at most 32 trials and at 64 epochs.

    Attributes:
        searcher: where params come from.
        eta: η, the share 1/η of a rung is promoted. Default 3, as in the paper.
        first: least epochs of the first rung. Default 1.
        percentile: of the distances of trials that cross, which is ε. Default 90, as in the paper.

    Raises:
        InvalidInput: if eta < 2, first < 1 or percentile is not in 0..100; when the study starts, if first is above its
            epochs.
    """

    searcher: Searcher
    eta: int = 3
    first: int = 1
    percentile: float = 90.0

    def __post_init__(self) -> None:
        check_searcher(self.searcher, type(self).__name__)
        object.__setattr__(self, "eta", check_eta(self.eta))
        object.__setattr__(self, "first", whole("first", self.first, "a whole number of at least 1", 1))
        percentile = number("percentile", self.percentile, "at least 0 and at most 100", 0, 100)
        object.__setattr__(self, "percentile", percentile)

    @property
    def _halving(self) -> Halving:
        return Halving(self.searcher, self.eta, self.first)

    def init(self, history: History) -> _State:
        """Two rungs, if there are as many."""
        return _State(self._halving.init(history).levels[0])

    def learn(self, state: _State, history: History, event: Event) -> None:
        """Whoever comes to the last rung may be the reason for another one."""
        if state.last or not isinstance(event, Reported) or event.trial in history.running:
            return
        trial = history.trials[event.trial]
        if trial.failed or trial.epoch != state.levels[state.top]:
            return
        below = trial.losses[state.levels[state.top - 1] - 1]
        state.arrived.append((trial.loss, below, trial.id))
        if not self._agree(state, history):
            state.top += 1
            state.arrived = []

    def next(self, history: History, held: Trial | None) -> Decision:
        """What `Halving` would do if a full training were as long as the last rung."""
        state = history.fold(self)
        return self._halving.within(state.levels[state.top], history, held)

    def keeps(self, history: History) -> Collection[int]:
        """All that `Halving` keeps: the last rung may rise."""
        return self._halving.keeps(history)

    def _agree(self, state: _State, history: History) -> bool:
        """Whether the last two rungs order the trials alike, but for noise."""
        ordered = sorted(state.arrived)
        below = np.array([loss for _, loss, _ in ordered])
        apart = float(np.abs(below - np.sort(below)).max())
        if apart == 0:
            return True
        curves = [history.trials[id].losses for _, _, id in ordered[:_PAIRED]]
        return apart <= self._noise(np.array([losses[: state.levels[state.top]] for losses in curves]))

    def _noise(self, curves: np.ndarray) -> float:
        """ε: how far trials are apart whose curves cross at least twice (section 4.2 of the paper)."""
        epochs = np.unique(np.linspace(0, curves.shape[1] - 1, _EPOCHS).round().astype(int))
        one, other = np.triu_indices(len(curves), 1)
        apart = curves[one][:, epochs] - curves[other][:, epochs]
        crossings = (np.sign(apart[:, 1:]) * np.sign(apart[:, :-1]) < 0).sum(axis=1)
        noisy = np.abs(apart[crossings >= 2, -1])
        return float(np.percentile(noisy, self.percentile)) if len(noisy) else 0.0
