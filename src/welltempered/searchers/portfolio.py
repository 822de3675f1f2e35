"""Several searchers that take turns, and more turns for those whose trials are good."""

from collections.abc import Sequence
from dataclasses import dataclass

from welltempered.checks import number, shown
from welltempered.decide import Searcher, check_searcher
from welltempered.errors import InvalidInput
from welltempered.events import Event
from welltempered.history import History
from welltempered.searchers.turns import FLOOR, Turns
from welltempered.space import Params


@dataclass(frozen=True)
class Portfolio:
    """Several searchers that take turns: at first all alike, then the more often the more of their trials are good.

    For those who do not know which searcher suits their problem. All of them learn from all trials, whoever has
    suggested them. Good is a trial that is among the best fifth of all after the highest epoch it has reached; shares
    follow the square of the rate of good ones, over about the last forty trials. It is an adaptive allocation among
    searchers as in Hoffman, Brochu & de Freitas, "Portfolio allocation for Bayesian optimization", UAI 2011 (GP-Hedge),
    but of ranks, since losses have no scale (Fialho, Schoenauer & Sebag, "Toward comparison-based adaptive operator
    selection", GECCO 2010), and without chance: shares are dealt out in a fixed order. Whose turn a trial was follows
    from the log: `history.fold(portfolio).of`. If the one whose turn it is has nothing left, the next one is asked.

    A decision costs what the searcher takes whose turn it is, and O(searchers).

    Attributes:
        searchers: two or more.
        floor: share of the trials that is dealt out evenly, whatever the results. Default 0.2: of two searchers the
            worse one keeps a tenth.

    Raises:
        InvalidInput: if there are fewer than two searchers, one of them is none, or `floor` is out of range.
    """

    searchers: Sequence[Searcher]
    floor: float = FLOOR

    def __post_init__(self) -> None:
        many = self.searchers
        if not isinstance(many, Sequence) or isinstance(many, str) or len(many) < 2:
            raise InvalidInput(
                f"searchers must be two or more, as in Portfolio([Sobol(), Random()]), got {shown(many)}"
            )
        for searcher in many:
            check_searcher(searcher, type(self).__name__)
        object.__setattr__(self, "searchers", tuple(many))
        object.__setattr__(self, "floor", number("floor", self.floor, "at least 0 and at most 1", 0, 1))

    def init(self, history: History) -> Turns:
        """All alike."""
        return Turns([1.0] * len(self.searchers), self.floor)

    def learn(self, state: Turns, history: History, event: Event) -> None:
        """Note whose trial it was and what has become of it."""
        state.learn(history, event)

    def suggest(self, history: History) -> Params | None:
        """What the searcher suggests whose turn it is; `None` if none has anything left."""
        found = (self.searchers[which].suggest(history) for which in history.fold(self).order())
        return next((params for params in found if params is not None), None)
