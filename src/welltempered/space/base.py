"""What Float, Int and Choice have in common."""

import copy
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

from welltempered.errors import InvalidInput
from welltempered.space.expression import Expression
from welltempered.space.scales import Scale

__all__ = ["Parameter"]


@dataclass(frozen=True)
class Parameter(ABC):
    """A set of values in bijection to [0, 1], perhaps only active under a condition."""

    default: Any = field(default=None, kw_only=True)
    condition: Expression | None = field(default=None, kw_only=True)

    @property
    def size(self) -> float:
        """Number of values: an int, or ``math.inf``."""
        return self.bijection.size

    @property
    def start(self) -> Any:
        """The default, or the middle of the scale where none was given."""
        return self.decode(0.5) if self.default is None else self.default

    def encode(self, value: Any) -> float:
        """Position of a value in [0, 1]; of a finite parameter the middle of its bin.

        Raises:
            InvalidInput: if the value is not one of this parameter.
        """
        if not self.contains(value):
            raise InvalidInput(f"{self!r} does not contain {value!r}")
        return self.bijection.encode(value)

    def decode(self, u: float) -> Any:
        """Value at position u, as plain Python; positions beyond [0, 1] count as its ends.

        Raises:
            InvalidInput: if u is NaN.
        """
        if math.isnan(u):
            raise InvalidInput("u must be a number in [0, 1], got nan")
        return self.bijection.decode(min(1.0, max(0.0, float(u))))

    @abstractmethod
    def contains(self, value: Any) -> bool:
        """Whether the value is one of this parameter; ``True`` is never a number."""

    def grid(self, points: int) -> tuple[Any, ...]:
        """At most ``points`` values, evenly spaced on the scale, both ends included.

        >>> from welltempered.space import Choice, Float
        >>> Float(1e-5, 1e-1, scale="log").grid(5)
        (1e-05, 0.0001, 0.001, 0.01, 0.1)
        >>> Choice("sgd", "adam").grid(1)
        ('sgd', 'adam')
        """
        if points < 1:
            raise InvalidInput(f"points must be at least 1, got points={points}")
        if self.size <= points:
            return tuple(self.bijection.values())
        return tuple(dict.fromkeys(self.bijection.decode(u) for u in self._spread(points)))

    def when(self, *tests: str, **equals: Any) -> Self:
        """A copy that is active only where all tests hold, in addition to earlier ones.

        Args:
            tests: expressions over other parameters, such as ``"depth > 2"``.
            equals: other parameters and the value they must have; a tuple offers several.

        >>> from welltempered.space import Float
        >>> Float(0, 0.99).when("depth > 2", opt=("sgd", "rmsprop"))
        Float(0.0, 0.99).when("depth > 2 and opt in ('sgd', 'rmsprop')")
        """
        texts = list(tests)
        for name, value in equals.items():
            texts.append(f"{name} {'in' if isinstance(value, tuple) else '=='} {value!r}")
        if not texts:
            raise InvalidInput('when() needs a test, such as when(opt="sgd") or when("depth > 2")')
        earlier = [] if self.condition is None else [self.condition]
        changed = copy.copy(self)
        condition = Expression.all([*earlier, *map(Expression, texts)])
        object.__setattr__(changed, "condition", condition)
        return changed

    def resolve(self, value: Any) -> Any:
        """What training code sees for a value: the object a choice names, else the value."""
        return value

    def to_json(self) -> dict[str, Any]:
        """A JSON object with ``kind`` and the arguments that differ from their defaults."""
        data = {"kind": type(self).__name__.lower(), **self._arguments, **self._options}
        return data if self.condition is None else {**data, "condition": self.condition.text}

    @cached_property
    def bijection(self) -> Scale:
        """The map to [0, 1] itself; faster than encode and decode, but checks nothing."""
        return self._bijection()

    @abstractmethod
    def _bijection(self) -> Scale: ...

    @property
    @abstractmethod
    def _arguments(self) -> dict[str, Any]:
        """The positional arguments by name."""

    @property
    def _options(self) -> dict[str, Any]:
        return {} if self.default is None else {"default": self.default}

    def _spread(self, points: int) -> list[float]:
        return [0.5] if points == 1 else [i / (points - 1) for i in range(points)]

    def _check_default(self) -> None:
        if self.default is not None and not self.contains(self.default):
            raise InvalidInput(f"default must be one of the values, got default={self.default!r}")

    def __getstate__(self) -> dict[str, Any]:
        # The scale holds closures, which cannot be pickled; it is rebuilt on first use.
        return {key: value for key, value in self.__dict__.items() if key != "bijection"}

    def __repr__(self) -> str:
        options = "".join(f", {key}={value!r}" for key, value in self._options.items())
        text = f"{type(self).__name__}({self._repr_arguments()}{options})"
        return text if self.condition is None else f"{text}.when({self.condition.text!r})"

    def _repr_arguments(self) -> str:
        return ", ".join(map(repr, self._arguments.values()))
