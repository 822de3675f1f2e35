"""An expert's guess beside a searcher, after PriorBand.

Mallik, Bergman, Hvarfner, Stoll, Janowski, Lindauer, Nardi & Hutter, "PriorBand: practical hyperparameter optimization
in the age of deep learning", NeurIPS 2023.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from welltempered.checks import number
from welltempered.decide import Searcher, check_searcher
from welltempered.events import Event
from welltempered.history import History
from welltempered.searchers.around import around, first_untried, known, own_rng, place
from welltempered.searchers.turns import FLOOR, Turns
from welltempered.space import Params, Space
from welltempered.space.given import Given
from welltempered.space.refused import check_contained, check_names

_SEARCHER, _, _BEST = range(3)
_GUESSED = 0.2
"""Standard deviation of draws around the guess, where 1 is the whole scale of a parameter. PriorBand has 0.25."""
_NEAR = 0.1
"""The same around the best trial."""


@dataclass(frozen=True)
class Prior:
    """A searcher helped by an expert's guess of a good setting, which may be a wrong one.

    The first trial is the guess. Then three sources take turns: the searcher, draws around the guess, and draws around
    the best trial so far, each parameter on its own scale. All three are PriorBand's; how often each is asked is not
    scheduled but follows from what its trials come to, as in `Portfolio`. So a wrong guess is soon asked no more than
    one trial in twenty, and around the best trial a good region is searched even if the guess has missed it.

    What the guess leaves out is its default, if the parameter has one, as presets have; else it is drawn evenly. A
    value out of range counts as the end of the range.
    A decision costs what the searcher takes, or O(parameters).

    Attributes:
        searcher: where the other params come from; it learns from all trials.
        guess: values by name, of any parameters, as `{"learning_rate": 1e-3}`. Default: none but the defaults.
        confidence: share of the trials that come from around the guess and around the best one, before there are
            results. Default 0.5, as in PriorBand's lowest rung.

    Raises:
        InvalidInput: if an argument is of another kind or out of range; at the first suggestion, if the guess names a
            parameter or an option that the space does not have.
    """

    searcher: Searcher
    guess: Mapping[str, Any] = Given({})
    confidence: float = 0.5

    def __post_init__(self) -> None:
        check_searcher(self.searcher, type(self).__name__)
        object.__setattr__(self, "guess", self.guess if isinstance(self.guess, Given) else Given(self.guess))
        confidence = number("confidence", self.confidence, "above 0 and below 1", 0, 1)
        object.__setattr__(self, "confidence", confidence)

    def init(self, history: History) -> Turns:
        """As confident as the expert is."""
        half = self.confidence / 2
        return Turns([1 - self.confidence, half, half], FLOOR, last=_SEARCHER)

    def learn(self, state: Turns, history: History, event: Event) -> None:
        """Note whose trial it was and what has become of it."""
        state.learn(history, event)

    def suggest(self, history: History) -> Params | None:
        """The guess, then what the source suggests whose turn it is; `None` when the searcher has nothing left."""
        if not history.trials:
            self._check(history.space)
        turns = history.fold(self)
        turn = turns.order()[0]
        best = _best(history, turns.reached) if turn == _BEST else None
        drawn = None if turn == _SEARCHER else self._drawn(history, best)
        return self.searcher.suggest(history) if drawn is None else drawn

    def _drawn(self, history: History, best: int | None) -> Params | None:
        """A draw around the best trial or, without one, the guess; `None` if all around was tried."""
        space, rng = history.space, own_rng(history, type(self).__name__)
        if best is not None:
            center, width = space.encode(history.trials[best].params), _NEAR
        else:
            center, width = place(space, self._whole(space)), _GUESSED if history.trials else 0.0
        return first_untried(history, partial(around, space, center, width, rng))

    def _whole(self, space: Space) -> dict[str, Any]:
        """The guess, and the defaults that somebody has thought about."""
        others = {
            name: parameter.default for name, parameter in space.items() if not known(name, parameter, self.guess)
        }
        return {name: default for name, default in others.items() if default is not None} | dict(self.guess)

    def _check(self, space: Space) -> None:
        meant = {parameter.means for parameter in space.values()}
        where = "in the guess: "
        check_names([name for name in self.guess if name not in meant], space, where)
        for (name, parameter), position in zip(space.items(), place(space, self.guess), strict=True):
            if math.isnan(position) and known(name, parameter, self.guess):
                value = self.guess[name] if name in self.guess else self.guess[str(parameter.means)]
                check_contained(name, parameter, value, where)


def _best(history: History, epoch: int) -> int | None:
    """The best trial after the highest epoch that any has reached, if it has not diverged."""
    best = next(iter(history.ranked(epoch)), None) if epoch else None
    return None if best is None or best[0] == math.inf else best[1]
