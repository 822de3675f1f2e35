"""Grid search: every combination, for small spaces."""

from dataclasses import dataclass

from welltempered.checks import whole
from welltempered.errors import InvalidInput
from welltempered.events import Event
from welltempered.history import History
from welltempered.searchers.untried import Cursor
from welltempered.space import Params


@dataclass(frozen=True)
class Grid:
    """All combinations of evenly spaced values, each parameter on its own scale, ends included.

    Attributes:
        points: values per numeric parameter; those with fewer values, and choices, are taken whole. Default 5:
            the article's grids of two parameters then have 25 points.
        limit: refuse a grid of more points than that, since it would never end. Default 10,000.
    """

    points: int = 5
    limit: int = 10_000

    def __post_init__(self) -> None:
        for name, least in (("points", 2), ("limit", 1)):
            value = whole(name, getattr(self, name), f"a whole number of at least {least}", least)
            object.__setattr__(self, name, value)

    def init(self, history: History) -> Cursor:
        """Stand at the first point in lexicographic order.

        Raises:
            InvalidInput: if the grid has more than `limit` points, the message says how many; if none of them
                satisfies the constraints.
        """
        count = history.space.count(self.points)
        if count > self.limit:
            raise InvalidInput(
                f"grid must have at most {self.limit:,} points, got {count:,} ({self.points} per numeric parameter); "
                "use fewer points, a smaller space, Grid(limit=...), or Sobol(), which covers any space evenly"
            )
        cursor = Cursor(history.space.points(self.points))
        if cursor.head is None:
            raise InvalidInput(
                f"constraints must leave something to try, got a grid of {count:,} points that break them"
            )
        return cursor

    def learn(self, state: Cursor, history: History, event: Event) -> None:
        """Move on when the point has become a trial."""
        state.learn(history, event)

    def suggest(self, history: History) -> Params | None:
        """The next point in lexicographic order; `None` after the last."""
        head = history.fold(self).head
        return None if head is None else dict(head)  # the caller's to change
