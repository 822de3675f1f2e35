"""What parameters have in common, and the numeric ones, Float and Int."""

import copy
import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Integral, Real
from typing import Any, ClassVar, Self, final

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.expression import Expression
from welltempered.space.plain import fits, json_key
from welltempered.space.scales import SLACK, Scale, numeric

__all__ = ["Float", "Int", "Parameter"]

_OPTIONS = {"scale", "step", "zero", "default"}  # arguments that a repr names
_STEPS = 100_000  # beyond that a float may as well be continuous
_ZERO = 0.25  # a quarter of the trials without is enough to learn whether it is needed at all


@dataclass(frozen=True, eq=False, repr=False)
class Parameter(ABC):
    """A set of values in bijection to [0, 1], perhaps only active under a condition.

    Equal if its JSON is, apart from ``means``: what a parameter is called changes nothing of what is searched.
    """

    default: Any = field(default=None, kw_only=True)
    means: str | None = field(default=None, kw_only=True)
    condition: Expression | None = field(default=None, init=False)

    _start: ClassVar[float] = 0.5

    @property
    def size(self) -> float:
        """Number of values: an int, or ``math.inf``."""
        return self.bijection.size

    @property
    def start(self) -> Any:
        """The default; where none was given the middle of the scale, of a choice the first option."""
        return self.decode(self._start) if self.default is None else copy.deepcopy(self.default)

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

    def values(self, points: int | None = None) -> Iterable[Any]:
        """The values of ``grid(points)``; without points all of them, lazily, which refuses a continuous parameter."""
        if points is not None:
            return self.grid(points)
        if self.bijection.at is None:
            raise InvalidInput(f"{self!r} is continuous: give the points, or a step")
        return map(self.bijection.at, range(int(self.size)))

    def grid(self, points: int) -> tuple[Any, ...]:
        """At most ``points`` values, evenly spaced on the scale, both ends included.

        >>> from welltempered.space import Float
        >>> Float(1e-5, 1e-1, scale="log").grid(5)
        (1e-05, 0.0001, 0.001, 0.01, 0.1)
        """
        if points < 1:
            raise InvalidInput(f"points must be at least 1, got points={points}")
        if self.size <= points:
            return tuple(self.values())
        return tuple(dict.fromkeys(map(self.bijection.decode, self.bijection.spread(points))))

    def when(self, *tests: str, **equals: Any) -> Self:
        """A copy that is active only where all tests hold, in addition to earlier ones.

        Args:
            tests: expressions over other parameters, such as ``"depth > 2"``.
            equals: other parameters and the value they must have; a tuple offers several.

        >>> from welltempered.space import Float
        >>> Float(0, 0.99).when("depth > 2", opt=("sgd", "rmsprop"))
        Float(0.0, 0.99).when("depth > 2 and opt in ('sgd', 'rmsprop')")
        """
        named = [f"{name} {'in' if isinstance(v, tuple) else '=='} {v!r}" for name, v in equals.items()]
        if not tests and not named:
            raise InvalidInput('when() needs a test, such as when(opt="sgd") or when("depth > 2")')
        earlier = [] if self.condition is None else [self.condition]
        changed = copy.copy(self)
        vars(changed).update(condition=Expression.all([*earlier, *map(Expression, [*tests, *named])]))
        return changed

    def active(self, params: Mapping[str, Any]) -> bool:
        """Whether the condition holds, if there is one; it does not if params lack a name it mentions."""
        return self.condition is None or self.condition.holds(params, missing=False)

    def resolve(self, value: Any) -> Any:
        """What training code sees for a value: the object a choice names, else the value."""
        return value

    def to_json(self) -> dict[str, Any]:
        """A JSON object with ``kind`` and the arguments that differ from their defaults."""
        condition = {} if self.condition is None else {"condition": self.condition.text}
        means = {} if self.means is None else {"means": self.means}
        return {"kind": type(self).__name__.lower(), **self._arguments(), **means, **condition}

    @property
    @abstractmethod
    def bijection(self) -> Scale:
        """The map to [0, 1] itself; faster than encode and decode, but checks nothing."""

    @abstractmethod
    def _arguments(self) -> dict[str, Any]:
        """The arguments that differ from their defaults, as JSON."""

    def _positional(self) -> list[str]:
        """What the repr shows of the positional arguments."""
        return [repr(value) for name, value in self._arguments().items() if name not in _OPTIONS]

    @abstractmethod
    def _values(self) -> str:
        """What a value must be, in short."""

    def _key(self) -> Any:
        """What makes two parameters equal."""
        return json_key({**self.to_json(), "means": None})

    def _check_default(self) -> None:
        if self.means is not None and not (isinstance(self.means, str) and self.means.isidentifier()):
            raise InvalidInput(f"means must be a word such as 'learning_rate', got means={shown(self.means)}")
        if self.default is not None and not self.contains(self.default):
            raise InvalidInput(f"default must be {self._values()}, got default={self.default!r}")

    def __getstate__(self) -> dict[str, Any]:
        # The scale holds closures, which cannot be pickled; it is rebuilt on first use.
        return {name: value for name, value in vars(self).items() if name != "bijection"}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parameter) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        options = [f"{name}={value!r}" for name, value in self._arguments().items() if name in _OPTIONS]
        text = f"{type(self).__name__}({', '.join([*self._positional(), *options])})"
        return text if self.condition is None else f"{text}.when({self.condition.text!r})"


@dataclass(frozen=True, eq=False, repr=False)
class _Number(Parameter):
    """What Float and Int share: everything but the type of their values."""

    low: Any
    high: Any
    scale: str = field(default="linear", kw_only=True)
    step: Any = field(default=None, kw_only=True)
    zero: float | None = field(default=None, kw_only=True)

    _type: ClassVar[type[float | int]]
    _scales: ClassVar[tuple[str, ...]] = ("linear", "log", "zero_or_log")

    def __post_init__(self) -> None:
        given = {"low": self.low, "high": self.high, "step": self.step, "default": self.default}
        numbers = {name: self._number(name, v) for name, v in given.items() if v is not None or name in {"low", "high"}}
        zero = _ZERO if self.scale == "zero_or_log" and self.zero is None else self.zero
        vars(self).update(numbers, zero=zero)
        for holds, sentence in self._rules():
            if not holds:
                raise InvalidInput(sentence)
        self._check_default()

    def _number(self, name: str, value: Any) -> float:
        kind, rule = (Integral, "an integer") if self._type is int else (Real, "a finite number")
        if isinstance(value, bool) or not isinstance(value, kind) or not fits(value):
            raise InvalidInput(f"{name} must be {rule}, got {name}={shown(value)}")
        return self._type(value)  # type: ignore[call-overload]  # `kind` has been checked

    def _rules(self) -> Iterator[tuple[bool, str]]:
        """What must hold, in an order in which a rule may rely on those before it, and what to say if it does not."""
        low, high, scale, step, zero = self.low, self.high, self.scale, self.step, self.zero
        way_out = f"; a constant is Choice({low!r})" if low == high else ""
        yield low < high, f"low must be below high, got {low=}, {high=}{way_out}"
        widest = 10**12 if self._type is int else math.inf
        yield high - low < widest, f"the range is too wide, got {low=}, {high=}"
        yield scale in self._scales, f"scale must be one of {', '.join(self._scales)}, got {scale=}"
        way_out = f"got {low=}; with scale='zero_or_log' low is the smallest value above zero"
        yield low > 0 or scale in {"linear", "one_minus_log"}, f"low must be above 0 on a log scale, {way_out}"
        yield scale != "one_minus_log" or high < 1, f"high must be below 1 with scale='one_minus_log', got {high=}"
        apart = scale != "one_minus_log" or 1 - low > 1 - high  # as the scale sees them: a float may be too coarse
        yield apart, f"low and high must differ as 1 - x with scale='one_minus_log', got {low=}, {high=}"
        yield zero is None or scale == "zero_or_log", f"zero needs scale='zero_or_log', got {scale=}"
        yield (
            zero is None or (isinstance(zero, Real) and 0 < zero < 1),
            f"zero must be a probability between 0 and 1, got {zero=}",
        )
        if step is None:
            return
        yield scale != "one_minus_log", "step does not go with scale='one_minus_log': use a Choice"
        if scale == "linear":
            least, most, rule = 0, high - low, "above 0 and at most high - low"
        else:
            least, most, rule = 1, high / low, "a factor above 1 and at most high / low"
        # 1.001 - 1 is just below 0.001
        yield least < step <= most * (1 + SLACK), f"step must be {rule} = {most:.9g}, got {step=}"
        steps = math.log(most) / math.log(step) if least else most / step
        yield self._type is int or steps <= _STEPS, f"{step=} makes more than {_STEPS} values: leave the step out"

    def contains(self, value: Any) -> bool:
        """Whether the value is a number of the right type, in range and on a step, if any."""
        if not isinstance(value, (int, self._type)) or isinstance(value, bool):
            return False
        if value == 0 and self.zero is not None:
            return True
        if not self.low <= value <= self.high or self.step is None:
            return bool(self.low <= value <= self.high)
        distance = abs(self.bijection.decode(self.bijection.encode(value)) - value)
        slack = SLACK * self.step if self.scale == "linear" else 1e-9 * value
        return bool(distance <= slack if self._type is float else distance == 0)

    @cached_property
    def bijection(self) -> Scale:
        return numeric(self.scale, self.low, self.high, self.step, self.zero)

    def _values(self) -> str:
        zero = "" if self.zero is None else "0 or "
        if self.step is None:
            return f"{zero}in {self.low:.9g}..{self.high:.9g}"
        at, last = self.bijection.decode, int(self.size) - 1
        first = [f"{value:.9g}" for value in itertools.islice(self.values(), min(last, 2))]
        return f"one of {', '.join([*first, *(['...'] if last > 2 else []), f'{at(1.0):.9g}'])}"

    def _arguments(self) -> dict[str, Any]:
        usual = {"scale": "linear", "step": None, "zero": _ZERO, "default": None}
        unusual = {name: v for name, u in usual.items() if (v := getattr(self, name)) is not None and v != u}
        return {"low": self.low, "high": self.high, **unusual}


@final
class Float(_Number):
    """A real number between low and high.

    Args:
        low: the smallest value.
        high: the largest value.
        scale: ``"linear"``; ``"log"`` for learning rates and other numbers of unknown order of magnitude;
            ``"one_minus_log"`` for momentum and decay, uniform in log(1 - x); ``"zero_or_log"`` for regularisation,
            exactly zero or else log from low to high.
        step: only low + k * step; on a log scale low * step**k, so step=10 is one per decade.
        zero: probability of exactly zero with ``zero_or_log``, 0.25 unless given.
        default: the value ``Space.defaults`` takes; without one the middle of the scale.
        means: which hyperparameter it is, such as ``"learning_rate"``, for advice; presets say it by themselves.

    Decoded values have nine significant digits (1 - x has them with ``one_minus_log``), so that a printed value is the
    trained one.

    Raises:
        InvalidInput: if bounds, scale, step, zero and default do not fit together.

    >>> Float(0.9, 0.999, scale="one_minus_log").decode(0.5)
    0.99
    >>> Float(1e-6, 1e-2, scale="zero_or_log").decode(0.2)
    0.0
    """

    _type = float
    _scales = ("linear", "log", "one_minus_log", "zero_or_log")


@final
class Int(_Number):
    """An integer between low and high, both included.

    The arguments are those of Float, with whole numbers for low, high and step, and without ``one_minus_log``.

    Raises:
        InvalidInput: if bounds, scale, step, zero and default do not fit together, or for more than 10**12 values.

    >>> Int(16, 256, scale="log", step=2).grid(10)
    (16, 32, 64, 128, 256)
    """

    _type = int
