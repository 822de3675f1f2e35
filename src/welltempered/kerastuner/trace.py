"""What a builder asks for, found out by building: names, and the values of others on which they depend.

A builder is a program: `for i in range(hp.Int("layers", 1, 3)): hp.Int(f"units_{i}", ...)`. It is run with its
defaults, then a few times with all else changed at once. If it asks for the same each time, as most do, that was all;
if not, one value is changed at a time, and what is only asked for where another has some values is in use there alone.
"""

import itertools
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from welltempered.kerastuner.errors import FatalError
from welltempered.kerastuner.hyperparameters import HyperParameters
from welltempered.kerastuner.parameters import HyperParameter, Int, Parent

__all__ = ["Traced", "trace"]

BUILDS, SECONDS = 64, 60.0
"""How often a builder is run at most, and for how long."""
_VALUES = 32
"""Values of a whole number that are looked at one by one, if what is asked for depends on it."""
_MANY = 1_000
"""Values of a parameter on which others can be found to depend."""


@dataclass
class Traced:
    """What was found.

    Attributes:
        conditions: of what is not always asked for, by name: all must hold.
        builds: how often the builder was run.
        complete: whether all was looked at that was to be; if not, a bound was reached before.
    """

    conditions: dict[str, list[Parent]] = field(default_factory=dict)
    builds: int = 0
    complete: bool = True


@dataclass(frozen=True)
class _Look:
    """One run of the builder: values by name in the order in which they were asked for."""

    asked: dict[str, Any]
    failed: bool  # it raised: what it would have asked for after that is not known


def trace(build: Callable[[HyperParameters], object], hp: HyperParameters) -> Traced:
    """Find out what a builder asks for; what is new joins `hp`.

    Args:
        build: the builder. What it raises with all defaults is passed on; with other values it may fail.
        hp: what is known already.
    """
    explorer = _Explorer(build, hp)
    first = explorer.look({})
    if any(look.failed or look.asked.keys() != first.asked.keys() for look in explorer.cover(first)):
        explorer.isolate(first)
    return Traced(_conditions(explorer.looks, hp), len(explorer.looks), explorer.complete)


class _Explorer:
    def __init__(self, build: Callable[[HyperParameters], object], hp: HyperParameters) -> None:
        self.looks: list[_Look] = []
        self.complete = True
        self._build = build
        self._hp = hp
        self._until = time.monotonic() + SECONDS

    def look(self, changes: dict[str, Any]) -> _Look:
        """Run the builder with some values changed from their defaults."""
        own = self._hp.copy()
        own.values, own.asked = dict(changes), {}
        failed = False
        try:
            self._build(own)
        except FatalError:
            raise
        except Exception:
            if not changes:
                raise
            failed = True
        self._hp.merge(own.space, overwrite=False)
        look = _Look({name: own.values[name] for name in own.asked if name in own.values}, failed)
        self.looks.append(look)
        return look

    def cover(self, first: _Look) -> Iterator[_Look]:
        """Runs in which, together, each name has had each of its values, or both ends of its range."""
        options = {name: self._options(name, value) for name, value in first.asked.items()}
        for number in range(max(map(len, options.values()), default=0)):
            if self._over():
                return
            yield self.look({name: values[number % len(values)] for name, values in options.items() if values})

    def isolate(self, first: _Look) -> None:
        """Change one value at a time, and where that makes new names appear, change those in turn."""
        seen = set(first.asked)
        waiting: deque[tuple[dict[str, Any], _Look, list[str]]] = deque([({}, first, list(first.asked))])
        while waiting:
            context, base, names = waiting.popleft()
            for changes in itertools.chain.from_iterable(self._changes(context, base, name) for name in names):
                if self._over():
                    return
                look = self.look(changes)
                new = [other for other in look.asked if other not in seen]
                seen.update(new)
                if new:
                    waiting.append((changes, look, new))

    def _changes(self, context: dict[str, Any], base: _Look, name: str) -> Iterator[dict[str, Any]]:
        """The context with each other value of a name; of a whole number all, if the ends show that it matters."""
        options = self._options(name, base.asked[name])
        before = len(self.looks)
        yield from ({**context, name: value} for value in options)
        hp = _named(self._hp, name)
        matters = any(look.asked.keys() != base.asked.keys() for look in self.looks[before:])
        if matters and isinstance(hp, Int) and hp.parameter is not None:
            tried = {base.asked[name], *options}
            yield from ({**context, name: value} for value in hp.parameter.grid(_VALUES) if value not in tried)

    def _options(self, name: str, value: Any) -> list[Any]:
        """Other values of a name that may change what is asked for: of a range its ends, of a real number none."""
        hp = _named(self._hp, name)
        if hp is None or hp.parameter is None or math.isinf(hp.parameter.size):
            return []
        values = hp.parameter.grid(2) if isinstance(hp, Int) else hp.parameter.values()
        return [other for other in map(hp.of, values) if other != value]

    def _over(self) -> bool:
        if len(self.looks) < BUILDS and time.monotonic() < self._until:
            return False
        self.complete = False
        return True


def _named(hp: HyperParameters, name: str) -> HyperParameter | None:
    return next((known for known in hp.space if known.name == name), None)


def _conditions(looks: Sequence[_Look], hp: HyperParameters) -> dict[str, list[Parent]]:
    """On what each name depends that was asked for in some runs only, and has no condition of its own."""
    found = {}
    sound = [look for look in looks if not look.failed]
    for known in hp.space:
        with_it = [look for look in looks if known.name in look.asked]
        without = [look for look in sound if known.name not in look.asked]
        if with_it and without and not known.conditions and (tests := _explained(known.name, with_it, without, hp)):
            found[known.name] = tests
    return found


def _explained(name: str, with_it: Sequence[_Look], without: Sequence[_Look], hp: HyperParameters) -> list[Parent]:
    """Values of one other name, or of two, that tell the runs with a name from those without; none if nothing does."""
    before = list(itertools.takewhile(lambda other: other != name, with_it[0].asked))
    candidates = [other for other in reversed(before) if all(_earlier(look, other, name) for look in with_it)]
    candidates = [other for other in candidates if _finite(_named(hp, other))]
    for count in (1, 2):
        for parents in itertools.combinations(candidates, count):
            there = {parent: {look.asked[parent] for look in with_it} for parent in parents}
            if not any(all(look.asked.get(each, ...) in there[each] for each in parents) for look in without):
                return [
                    Parent(each, _values(_named(hp, each), there[each], without, alone=count == 1)) for each in parents
                ]
    return []


def _earlier(look: _Look, other: str, name: str) -> bool:
    asked = list(look.asked)
    return other in look.asked and asked.index(other) < asked.index(name)


def _finite(hp: HyperParameter | None) -> bool:
    return hp is not None and hp.parameter is not None and hp.parameter.size <= _MANY


def _values(hp: HyperParameter | None, there: set[Any], without: Sequence[_Look], *, alone: bool) -> list[Any]:
    """The values with which a name is in use: those seen, and those not looked at that nothing speaks against."""
    assert hp is not None
    assert hp.parameter is not None
    values = [hp.of(value) for value in hp.parameter.values()]
    missing = {look.asked[hp.name] for look in without if hp.name in look.asked}
    if not alone:
        return [value for value in values if value in there]
    if isinstance(hp, Int) and missing and max(missing) < min(there):
        return [value for value in values if value > max(missing)]
    if isinstance(hp, Int) and missing and min(missing) > max(there):
        return [value for value in values if value < min(missing)]
    return [value for value in values if value not in missing]
