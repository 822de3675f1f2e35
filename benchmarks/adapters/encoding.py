"""One encoding of a space for all peers.

A peer searches `inner` values: floats (with the peer's own log scale where `log` says so), ints and choices. A scale on
which 1 - x is logarithmic, which few have, becomes a plain float, log(1 - x). Choices become the texts "0", "1" and
so on, since an option may be anything and some peers see an order in numbers. What has one value only is not given to
the peer. Conditional parameters arrive flat: who asks drops those that do not count.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

FLOAT, INT, CHOICE = "float", "int", "choice"
SCALES = ("linear", "log", "one_minus_log")


@dataclass(frozen=True)
class Parameter:
    """What a peer searches for one parameter, and the way back.

    Args:
        name: as asked for.
        kind: float, int or choice.
        low: the least inner value.
        high: the greatest inner value.
        log: whether the peer shall search its logarithm.
        options: a choice's options.
        mirrored: whether the inner value is log(1 - x).
        bounds: the least and greatest value as asked for.
    """

    name: str
    kind: str
    low: float = 0
    high: float = 0
    log: bool = False
    options: tuple[Any, ...] = ()
    mirrored: bool = False
    bounds: tuple[float, float] = (0, 0)

    @property
    def texts(self) -> list[str]:
        """A choice's inner values."""
        return [str(i) for i in range(len(self.options))]

    @property
    def fixed(self) -> bool:
        """Whether there is nothing to search."""
        return len(self.options) == 1 if self.kind == CHOICE else self.low == self.high

    def outer(self, inner: Any) -> Any:
        """The value that was meant by a peer's; floats are kept within the bounds, which rounding may leave."""
        if self.kind == CHOICE:
            return self.options[int(inner)]
        low, high = self.bounds
        value = 1 - math.exp(inner) if self.mirrored else inner
        return min(max(round(value) if self.kind == INT else float(value), low), high)


def parameter(row: Mapping[str, Any]) -> Parameter:
    """What a peer searches for a row of the space.

    Raises:
        ValueError: if the kind or the scale is unknown.

    >>> parameter({"name": "beta", "kind": "float", "low": 0.9, "high": 0.99, "scale": "one_minus_log"}).outer(-3.0)
    0.950212931632136
    """
    kind, name = row["kind"], row["name"]
    if kind == CHOICE:
        return Parameter(name, kind, options=tuple(row["values"]))
    if kind not in {FLOAT, INT}:
        raise ValueError(f"kind must be float, int or choice, got kind={kind!r} for {name}")
    scale = row.get("scale", "linear")
    if scale not in SCALES or (kind == INT and scale == "one_minus_log"):
        raise ValueError(f"scale of a {kind} must be one of {SCALES}, got scale={scale!r} for {name}")
    low, high = row["low"], row["high"]
    if scale == "one_minus_log":
        return Parameter(name, kind, math.log(1 - high), math.log(1 - low), mirrored=True, bounds=(low, high))
    return Parameter(name, kind, low, high, log=scale == "log", bounds=(low, high))


@dataclass(frozen=True)
class Space:
    """All parameters, in the order asked for."""

    parameters: tuple[Parameter, ...]

    @classmethod
    def read(cls, rows: Iterable[Mapping[str, Any]]) -> "Space":
        """The space of a `begin`."""
        return cls(tuple(map(parameter, rows)))

    @property
    def searched(self) -> tuple[Parameter, ...]:
        """What the peer is given."""
        return tuple(each for each in self.parameters if not each.fixed)

    def outer(self, inner: Mapping[str, Any]) -> dict[str, Any]:
        """The params meant by a peer's values; what is fixed has its only value."""
        return {
            each.name: each.outer(("0" if each.kind == CHOICE else each.low) if each.fixed else inner[each.name])
            for each in self.parameters
        }
