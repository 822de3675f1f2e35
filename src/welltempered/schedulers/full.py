"""No early stopping: every trial trains to the end."""

from collections.abc import Collection
from dataclasses import dataclass

from welltempered.decide import Decision, Searcher, Start, Wait, check_searcher
from welltempered.history import History
from welltempered.trial import Trial


@dataclass(frozen=True)
class Full:
    """Every trial is one lease of a full training.

    Attributes:
        searcher: where params come from.

    Raises:
        InvalidInput: if the searcher is none.
    """

    searcher: Searcher

    def __post_init__(self) -> None:
        check_searcher(self.searcher, type(self).__name__)

    def next(self, history: History, held: Trial | None) -> Decision:
        """Start a trial; the end once the searcher has nothing left."""
        params = self.searcher.suggest(history)
        return Wait() if params is None else Start(params, history.epochs)

    def keeps(self, history: History) -> Collection[int]:
        """No trial is ever paused."""
        return ()
