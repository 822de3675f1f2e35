"""Coarse to fine: a searcher whose suggestions come from a smaller and smaller part of the space."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from welltempered import method as methods
from welltempered.checks import number, shown, whole
from welltempered.decide import Searcher, check_searcher
from welltempered.errors import InvalidInput
from welltempered.events import Ended, Event, Reported, Resumed, Started, Undone
from welltempered.history import History
from welltempered.schedulers.stopping import within
from welltempered.searchers.grid import Grid
from welltempered.searchers.zoomed import HALF, Zoomed, zoomed
from welltempered.space import Params


class _State:
    """The zooms so far, and the study as the inner searcher sees it."""

    def __init__(self, due: int) -> None:
        self.made: list[Zoomed] = []
        self.due = due  # settled trials at which the next zoom is made
        self.settled: set[int] = set()
        self.inner: History | None = None  # of the part that is searched; `None` for the whole space
        self.ids: dict[int, int] = {}  # numbers of the trials inside: outside -> inside

    def enter(self, history: History) -> None:
        """Search the part of the last zoom that counts from now on."""
        counting = [zoomed for zoomed in self.made if not zoomed.undone]
        self.inner, self.ids = None, {}
        if counting:
            box = counting[-1].space
            seed = _seed(history.header.seed, len(self.made), len(counting))
            self.inner = History(msgspec.structs.replace(history.header, space=box.to_json(), seed=seed), box)
            for event in history.events:
                self.take(event)

    def take(self, event: Event) -> None:
        """Tell the inner searcher of a trial inside of its part, unless it goes on from the state of another."""
        if self.inner is None or isinstance(event, Undone):
            return
        if isinstance(event, Started) and event.parent is None and self.inner.space.contains(event.params):
            self.ids[event.trial] = len(self.ids)
        if event.trial in self.ids:
            changes: dict[str, Any] = {"trial": self.ids[event.trial]}
            if isinstance(event, Started | Resumed | Ended):
                changes["held"] = None
            self.inner.apply(msgspec.structs.replace(event, **changes))

    def ask(self, searcher: Searcher, history: History, *, wide: bool) -> Params | None:
        """What the searcher suggests in the whole space or in the part; where it has nothing left, in the other."""
        asked = [history] if self.inner is None else [history, self.inner] if wide else [self.inner, history]
        found = (searcher.suggest(each) for each in asked)
        return next((params for params in found if params is not None), None)


def _seed(*numbers: int) -> int:
    """A seed of its own for each box."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


@dataclass(frozen=True)
class Zoom:
    """Explores the whole space first, then zooms to where the best trials are, again and again.

    The evidence and the rules are those of `zoom`, but within the space of the study, where an end cannot be moved
    outwards. Each zoom looks at all trials, so the part that is searched may move and grow again. It is no event:
    like all else it follows from the history, see `zooms`. `Study.undo_zoom` takes one back.

    The inner searcher sees the part as its space, with the trials inside of it. When it has nothing left there, it is
    asked about the whole space. A zoom costs O(n log n) for n trials and is made at n = `start`, `start * growth`, ...;
    between zooms a suggestion costs what the inner searcher takes.

    Attributes:
        searcher: where params come from, in the whole space and in its parts.
        start: trials that must have ended a lease before the first zoom. Default 20.
        growth: the next zoom is made when there are so many times the trials. Default 2: half of them are new.
        quantile: the share of trials that counts as best, see `zoom`. Default 0.1; at the `risk` below, fewer do.
        risk: the chance at which the best may lie together by accident, and at which a narrower range may leave out, at
            each end, what is as good. Default 0.5: ranges are as often too wide as too narrow. `zoom` takes 0.05, since
            a study cannot leave its space, while a zoom is looked at again and may move and grow.
        wide: every so manyth trial comes from the whole space, so that a wrong zoom is noticed. Default 5.

    Raises:
        InvalidInput: if an argument is of another kind or out of range.
    """

    searcher: Searcher
    start: int = 20
    growth: float = 2.0
    quantile: float = 0.1
    risk: float = 0.5
    wide: int = 5

    def __post_init__(self) -> None:
        check_searcher(self.searcher, type(self).__name__)
        if isinstance(self.searcher, Zoom):
            raise InvalidInput(f"searcher must be one that does not zoom itself, got {shown(self.searcher)}")
        for name, least in (("start", 10), ("wide", 2)):
            value = whole(name, getattr(self, name), f"a whole number of at least {least}", least)
            object.__setattr__(self, name, value)
        object.__setattr__(self, "growth", number("growth", self.growth, "a factor of at least 1.1", 1.1))
        for name in ("quantile", "risk"):
            object.__setattr__(self, name, number(name, getattr(self, name), HALF, 0, 0.5))

    def init(self, history: History) -> _State:
        """The whole space."""
        return _State(self.start)

    def learn(self, state: _State, history: History, event: Event) -> None:
        """Tell the inner searcher what happens inside, and zoom when there is enough new evidence."""
        if isinstance(event, Undone):
            self._undo(state, history, event.zoom)
            return
        state.take(event)
        over = isinstance(event, Ended) or (isinstance(event, Reported) and event.trial not in history.running)
        if not over or event.trial in state.settled:
            return
        state.settled.add(event.trial)
        if len(state.settled) >= state.due or self._at_end(state, history):
            self._zoom(state, history)

    def suggest(self, history: History) -> Params | None:
        """What the inner searcher suggests: in the part that is searched or, now and then, in the whole space."""
        return history.fold(self).ask(self.searcher, history, wide=len(history.trials) % self.wide == 0)

    def _zoom(self, state: _State, history: History) -> None:
        found = zoomed(history, self.quantile, self.risk, beyond=False)
        state.due = math.ceil(self.growth * len(state.settled))
        if found.space != (history if state.inner is None else state.inner).space:
            state.made.append(replace(found, number=len(state.made) + 1, trial=len(history.trials)))
            state.enter(history)

    def _at_end(self, state: _State, history: History) -> bool:
        """Whether all evidence is in and the searcher has nothing left: a grid ends though the space does not."""
        if not isinstance(self.searcher, Grid) or history.running or len(state.settled) < self.start:
            return False
        return history.space.size == math.inf and state.ask(self.searcher, history, wide=True) is None

    def _undo(self, state: _State, history: History, number: int) -> None:
        """Go back to before a zoom, and wait for as much new evidence as after any zoom.

        One that was not made changes nothing; `Study.undo_zoom` refuses it before it is written.
        """
        if number <= len(state.made) and not state.made[number - 1].undone:
            state.made[number - 1 :] = [replace(each, undone=True) for each in state.made[number - 1 :]]
            state.due = math.ceil(self.growth * max(self.start, len(state.settled)))
            state.enter(history)


def zooms(history: History) -> tuple[Zoomed, ...]:
    """The zooms that a study has made, undone ones too; empty if its method does not zoom.

    They follow from the log: each time they are derived again.

    Raises:
        InvalidInput: if the method cannot be imported.
    """
    if not isinstance(history, History):
        raise InvalidInput(f"history must be that of a study, study.history, got {shown(history)}")
    if not any(part.get("type") == "welltempered:Zoom" for part in _parts(history.header.method)):
        return ()
    scheduler, known = within(methods.from_json(history.header.method), history)
    searcher = getattr(scheduler, "searcher", None)
    while not isinstance(searcher, Zoom | None):  # one that wraps a zoom shows it its own history
        searcher = getattr(searcher, "searcher", None)
    return tuple(known.fold(searcher).made) if isinstance(searcher, Zoom) else ()


def undoing(history: History, number: object) -> Undone:
    """The event that takes a zoom back.

    Raises:
        InvalidInput: if there is no such zoom, or it was undone already.
    """
    made = zooms(history)
    ones = f"one of the {len(made)} made, 1..{len(made)}"
    number = whole("zoom", number, ones if made else "the number of a zoom, but this study has made none", 1, len(made))
    if made[number - 1].undone:
        raise InvalidInput(f"zoom must be one that counts, but zoom {number} was undone already, got zoom={number}")
    return Undone(number, history.clock)


def _parts(method: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield method
    for value in method.values():
        if isinstance(value, dict):
            yield from _parts(value)
