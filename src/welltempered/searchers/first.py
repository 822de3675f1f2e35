"""Settings that one knows already come first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from welltempered.decide import Searcher, check_searcher
from welltempered.events import Event
from welltempered.history import History
from welltempered.searchers.untried import Cursor
from welltempered.space import Params, Space
from welltempered.space.given import Given, givens
from welltempered.space.refused import check_names


@dataclass(frozen=True)
class First:
    """Begins with known settings, such as those in use today, and goes on with a searcher, which learns from them.

    Values that a setting leaves out are the defaults of the space; so without settings the defaults come first.
    A suggestion costs what the searcher takes.

    Attributes:
        searcher: where all later params come from.
        settings: params in the order in which they are tried, whole ones or parts. Default: one, the defaults.

    Raises:
        InvalidInput: if an argument is of another kind; before the first trial, if a setting does not lie in the space.
    """

    searcher: Searcher
    settings: Sequence[Mapping[str, Any]] = (Given({}),)

    def __post_init__(self) -> None:
        check_searcher(self.searcher, type(self).__name__)
        object.__setattr__(self, "settings", givens("settings", self.settings))

    def init(self, history: History) -> Cursor:
        """Stand at the first setting."""
        return Cursor(self._inside(history.space))

    def learn(self, state: Cursor, history: History, event: Event) -> None:
        """Move on when the setting has become a trial."""
        state.learn(history, event)

    def suggest(self, history: History) -> Params | None:
        """The next setting; after the last what the searcher suggests."""
        if not history.trials:
            for setting in self.settings:
                check_names(setting, history.space)
                history.space.check({**completed(history.space, setting), **setting})
        head = history.fold(self).head
        return self.searcher.suggest(history) if head is None else dict(head)

    def _inside(self, space: Space) -> Iterator[Params]:
        """Those that lie in the space: a part of the study's, if a zoom has this searcher within."""
        whole = (completed(space, setting) for setting in self.settings)
        return (params for params in whole if space.contains(params))


def completed(space: Space, setting: Mapping[str, Any]) -> Params:
    """A setting with the defaults of all active parameters that it leaves out."""
    params: Params = {}
    for name in space.order:
        if space[name].active(params):
            params[name] = setting[name] if name in setting else space[name].start
    return {name: params[name] for name in space.names if name in params}
