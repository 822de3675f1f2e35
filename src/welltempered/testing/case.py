"""What all checks share: the sentence of a broken promise, and the eye on what a pure function must not touch."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Self

import msgspec
import numpy as np

from welltempered import method as methods
from welltempered.decide import Scheduler
from welltempered.errors import InvalidInput, WelltemperedError
from welltempered.history import History


class ConformanceError(WelltemperedError, AssertionError):
    """A searcher, scheduler, log or executor breaks a promise; the message names it, the place and the way out."""


@dataclass(frozen=True)
class Case:
    """Who is checked, and where.

    Attributes:
        subject: who, as one would write it.
        where: space, seed, decision, ...: what it takes to find the place again.
    """

    subject: str
    where: str = ""

    def at(self, where: str) -> Self:
        """The same, at a place inside of this one."""
        return replace(self, where=f"{self.where}, {where}" if self.where else where)

    def broken(self, promise: str, got: object, way_out: str) -> ConformanceError:
        """The error that says which promise was broken."""
        where = f" ({self.where})" if self.where else ""
        return ConformanceError(f"{self.subject} must {promise}, got {got}{where}; {way_out}")

    @contextmanager
    def pure(self, name: str, history: History) -> Iterator[None]:
        """While this lasts, `name` is called: it may raise nothing, change nothing and draw from nothing global."""
        before, global_before = _state(history), _global_state()
        try:
            yield
        except ConformanceError:
            raise
        except Exception as error:
            raise self.broken(
                f"return from {name} whatever the history",
                f"{type(error).__name__}: {error}",
                "trials may be running, paused, interrupted, failed or diverged, all of them, or there may be none",
            ) from error
        if _global_state() != global_before:
            raise self.broken(
                "leave the global random generators alone",
                f"another state of them after {name}",
                "draw from history.rng, which is a function of the study's seed",
            )
        if _state(history) != before:
            raise self.broken(
                "leave the history as it is", f"another one after {name}", "copy what you change; only events change it"
            )

    def rebuilt(self, scheduler: Scheduler) -> Scheduler:
        """The scheduler built again from the JSON that the log's header holds."""
        way_out = (
            "make it a frozen dataclass on the top level of a module, its fields numbers, texts, methods, or tuples"
        )
        promise = "be built again from the JSON of its fields"
        try:
            hash(scheduler)
            data = msgspec.json.decode(msgspec.json.encode(methods.to_json(scheduler)))
            again = methods.from_json(data)
        except (InvalidInput, TypeError) as error:
            raise self.broken(promise, error, way_out) from error
        if again != scheduler:
            raise self.broken(promise, f"{again!r}, which is not equal", way_out)
        return again


def folded(history: History, events: int) -> History:
    """A history that knows nothing but the first events of another one."""
    fresh = History(history.header, history.space)
    for event in history.events[:events]:
        fresh.apply(event)
    return fresh


def _state(history: History) -> tuple[int, bytes]:
    """What can be seen of a history, trials as text: params can be changed in place."""
    return len(history.events), msgspec.json.encode(list(history.trials))


def _global_state() -> tuple[Any, ...]:
    state: Any = np.random.get_state()  # noqa: NPY002 - to see that nobody uses it
    return random.getstate(), state[1].tobytes(), state[2:]
