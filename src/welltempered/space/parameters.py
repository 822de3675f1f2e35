"""The three kinds of parameters: Float, Int and Choice."""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, ClassVar, final

from welltempered.errors import InvalidInput
from welltempered.space import scales
from welltempered.space.base import Parameter

__all__ = ["Choice", "Float", "Int", "parameter_from_json"]

_STEPS = 100_000  # beyond that a float may as well be continuous
_ZERO = 0.25  # a quarter of the trials without is enough to learn whether it is needed at all


@dataclass(frozen=True, repr=False)
class _Numeric(Parameter):
    """What Float and Int share: bounds, scale, step."""

    low: Any
    high: Any
    scale: str = field(default="linear", kw_only=True)
    step: Any = field(default=None, kw_only=True)
    zero: float | None = field(default=None, kw_only=True)

    _type: ClassVar[type[float | int]]
    _scales: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        for name in ("low", "high", "step", "default"):
            value = getattr(self, name)
            if value is not None or name in {"low", "high"}:
                object.__setattr__(self, name, self._number(name, value))
        if self.scale == "zero_or_log" and self.zero is None:
            object.__setattr__(self, "zero", _ZERO)
        self._check_range()
        self._check_scale()
        self._check_step()
        self._check_default()

    def _number(self, name: str, value: Any) -> float:
        kind, rule = (Integral, "an integer") if self._type is int else (Real, "a finite number")
        if isinstance(value, bool) or not isinstance(value, kind) or not math.isfinite(value):
            raise InvalidInput(f"{name} must be {rule}, got {name}={value!r}")
        return self._type(value)  # type: ignore[call-overload]

    def contains(self, value: Any) -> bool:
        """Whether the value is a number of the right type, in range and on a step, if any."""
        if not isinstance(value, int | self._type) or isinstance(value, bool):
            return False
        if value == 0 and self.zero is not None:
            return True
        return bool(self.low <= value <= self.high) and (self.step is None or self._on_step(value))

    def _on_step(self, value: float) -> bool:
        nearest = self.bijection.decode(self.bijection.encode(value))
        if self._type is int:
            return bool(nearest == value)
        tolerance = scales.SLACK * self.step if self.scale == "linear" else 1e-9 * value
        return bool(abs(nearest - value) <= tolerance)

    def _check_range(self) -> None:
        low, high = self.low, self.high
        if not low < high:
            way_out = f"; a constant is Choice({low!r})" if low == high else ""
            raise InvalidInput(f"low must be below high, got low={low}, high={high}{way_out}")
        if not high - low < (10**12 if self._type is int else math.inf):
            raise InvalidInput(f"the range is too wide, got low={low}, high={high}")

    def _check_scale(self) -> None:
        low, high, scale, zero = self.low, self.high, self.scale, self.zero
        if scale not in self._scales:
            raise InvalidInput(f"scale must be one of {', '.join(self._scales)}, got {scale=}")
        if scale in {"log", "zero_or_log"} and low <= 0:
            way_out = "with scale='zero_or_log' low is the smallest value above zero"
            raise InvalidInput(f"low must be above 0 on a log scale, got {low=}; {way_out}")
        if scale == "one_minus_log" and high >= 1:
            raise InvalidInput(f"high must be below 1 with scale='one_minus_log', got {high=}")
        if zero is not None and scale != "zero_or_log":
            raise InvalidInput(f"zero needs scale='zero_or_log', got {scale=}")
        if zero is not None and not 0 < zero < 1:
            raise InvalidInput(f"zero must be a probability between 0 and 1, got {zero=}")

    def _check_step(self) -> None:
        if self.step is None:
            return
        if self.scale == "one_minus_log":
            raise InvalidInput("step does not go with scale='one_minus_log': use a Choice")
        if self.scale == "linear":
            least, most, rule = 0, self.high - self.low, "above 0 and at most high - low"
        else:
            least, most, rule = 1, self.high / self.low, "a factor above 1 and at most high / low"
        if not least < self.step <= most * (1 + scales.SLACK):  # 1.001 - 1 is just below 0.001
            raise InvalidInput(f"step must be {rule} = {most:.9g}, got step={self.step}")
        steps = math.log(most) / math.log(self.step) if least else most / self.step
        if self._type is float and steps > _STEPS:
            way_out = f"makes more than {_STEPS} values: leave the step out"
            raise InvalidInput(f"step={self.step} {way_out}")

    def _bijection(self) -> scales.Scale:
        low, high, step, whole = self.low, self.high, self.step, self._type is int
        if self.scale == "one_minus_log":
            return scales.one_minus_log(low, high)
        if self.scale == "linear":
            if step is None and not whole:
                return scales.linear(low, high)
            return scales.arithmetic(low, high, step or 1)
        inner: scales.Scale
        if step is not None:
            inner = scales.geometric(low, high, step)
        else:
            inner = scales.LogIntegers(low, high) if whole else scales.log(low, high)
        return inner if self.zero is None else scales.ZeroOr(self.zero, inner, self._type(0))

    def _spread(self, points: int) -> list[float]:
        if self.zero is None or points == 1:
            return super()._spread(points)
        rest = super()._spread(points - 1) if points > 2 else [1.0]
        return [0.0, *(self.zero + (1 - self.zero) * u for u in rest)]

    @property
    def _arguments(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high}

    @property
    def _options(self) -> dict[str, Any]:
        usual = {"scale": "linear", "step": None, "zero": _ZERO, "default": None}
        options = {name: getattr(self, name) for name in usual}
        return {k: v for k, v in options.items() if v is not None and v != usual[k]}


@final
@dataclass(frozen=True, repr=False)
class Float(_Numeric):
    """A real number between low and high.

    Args:
        low: the smallest value.
        high: the largest value.
        scale: ``"linear"``; ``"log"`` for learning rates and other numbers of unknown order of
            magnitude; ``"one_minus_log"`` for momentum and decay, uniform in log(1 - x);
            ``"zero_or_log"`` for regularisation, exactly zero or else log from low to high.
        step: only low + k * step; on a log scale low * step**k, so step=10 is one per decade.
        zero: probability of exactly zero with ``zero_or_log``, 0.25 unless given.
        default: the value ``Space.defaults`` takes; without one the middle of the scale.

    Decoded values have nine significant digits (1 - x has them with ``one_minus_log``), so that a
    printed value is the trained one.

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
@dataclass(frozen=True, repr=False)
class Int(_Numeric):
    """An integer between low and high, both included; the arguments are those of Float.

    Args:
        low: the smallest value.
        high: the largest value.
        scale: ``"linear"``, ``"log"`` or ``"zero_or_log"``.
        step: only low + k * step; on a log scale low * step**k.
        zero: probability of exactly zero with ``zero_or_log``, 0.25 unless given.
        default: the value ``Space.defaults`` takes; without one the middle of the scale.

    Raises:
        InvalidInput: if bounds, scale, step, zero and default do not fit together, or there are
            more than 10**12 values.

    >>> Int(16, 256, scale="log", step=2).grid(10)
    (16, 32, 64, 128, 256)
    """

    _type = int
    _scales = ("linear", "log", "zero_or_log")


@final
@dataclass(frozen=True, repr=False, eq=False, init=False)
class Choice(Parameter):
    """One of several options, which have no order and no distance.

    Args:
        options: anything JSON can hold, tuples becoming lists; or one list of such options; or one
            dict that gives names to arbitrary objects. Params then hold the name, and
            ``resolve(name)`` gives the object; equality, hash and JSON only see the names.
        default: the option ``Space.defaults`` takes; without one the first.

    Raises:
        InvalidInput: if there is no option, one twice, or one that needs a name.

    >>> Choice("sgd", "adam").decode(0.9)
    'adam'
    >>> Choice({"short": range(3), "long": range(300)}).resolve("short")
    range(0, 3)
    >>> Choice(0, 1).contains(True)
    False
    """

    options: tuple[Any, ...]
    _objects: Mapping[str, Any] | None
    _positions: dict[Any, int]

    def __init__(self, *options: Any, default: Any = None) -> None:
        objects = None
        if len(options) == 1 and isinstance(options[0], dict):
            objects, options = dict(options[0]), tuple(options[0])
            if not all(isinstance(name, str) for name in options):
                raise InvalidInput(f"names of options must be strings, got {list(options)!r}")
        elif len(options) == 1 and isinstance(options[0], list | tuple):
            options = tuple(options[0])
        if not options:
            raise InvalidInput('Choice needs at least one option, as in Choice("sgd", "adam")')
        options = tuple(map(_plain, options))
        positions: dict[Any, int] = {}
        for index, option in enumerate(options):
            if positions.setdefault(_key(option), index) != index:
                raise InvalidInput(f"options must differ, got {option!r} twice")
        plain_default = None if default is None else _plain(default)
        values = (options, objects, positions, plain_default, None)
        names = ("options", "_objects", "_positions", "default", "condition")
        for name, value in zip(names, values, strict=True):
            object.__setattr__(self, name, value)
        self._check_default()

    @property
    def start(self) -> Any:
        """The default, or the first option where none was given."""
        return copy.deepcopy(self.options[0] if self.default is None else self.default)

    def contains(self, value: Any) -> bool:
        """Whether the value equals an option as JSON does: 1, 1.0 and true differ."""
        try:
            return _key(value) in self._positions
        except TypeError:  # cannot be hashed, so it is nothing JSON knows
            return False

    def grid(self, points: int) -> tuple[Any, ...]:
        """All options, whatever ``points`` says: there is no sensible subset."""
        return super().grid(max(points, len(self.options)) if points > 0 else points)

    def resolve(self, value: Any) -> Any:
        """The object behind a name; the value itself if the options are not named.

        Raises:
            InvalidInput: if the value is not an option.
        """
        if not self.contains(value):
            raise InvalidInput(f"{self!r} does not contain {value!r}")
        return value if self._objects is None else self._objects[value]

    def _bijection(self) -> scales.Scale:
        bins = scales.Bins(self.options, lambda option: self._positions[_key(option)])
        if any(isinstance(option, list | dict) for option in self.options):
            # Whoever changes what was decoded must not change the parameter.
            bins.at = lambda index: copy.deepcopy(self.options[index])
        return bins

    @property
    def _arguments(self) -> dict[str, Any]:
        return {"options": list(self.options)}

    def _repr_arguments(self) -> str:
        if self._objects is not None:
            return repr(self._objects)
        if len(self.options) == 1 and isinstance(self.options[0], list | dict):
            return repr(list(self.options))
        return ", ".join(map(repr, self.options))

    def _identity(self) -> tuple[Any, ...]:
        return tuple(self._positions), _key(self.default), self.condition

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Choice) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())


def parameter_from_json(data: Mapping[str, Any]) -> Parameter:
    """The parameter that ``to_json`` described.

    Raises:
        InvalidInput: if the kind or an argument is unknown.
    """
    arguments = dict(data)
    kind, condition = arguments.pop("kind", None), arguments.pop("condition", None)
    parameter: Parameter
    try:
        if kind == "choice":
            parameter = Choice(list(arguments.pop("options")), **arguments)
        elif kind in {"float", "int"}:
            numeric: type[Float | Int] = Float if kind == "float" else Int
            parameter = numeric(arguments.pop("low"), arguments.pop("high"), **arguments)
        else:
            known = "this version knows float, int, choice"
            raise InvalidInput(f"unknown kind of parameter {kind!r}; {known}")
    except (KeyError, TypeError) as error:
        raise InvalidInput(f"cannot read the parameter {dict(data)!r}: {error}") from error
    return parameter if condition is None else parameter.when(condition)


def _key(value: Any) -> Any:
    """A hashable stand-in that tells values apart as JSON does."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return (list, tuple(map(_key, value)))
    if isinstance(value, dict):
        return (dict, frozenset((name, _key(item)) for name, item in value.items()))
    return (type(value), value)


def _plain(option: Any) -> Any:
    """The option as JSON would give it back."""
    if option is None or isinstance(option, str | bool):
        return option
    if isinstance(option, Integral):
        return int(option)
    if isinstance(option, Real) and math.isfinite(option):
        return float(option)
    if isinstance(option, list | tuple):
        return [_plain(item) for item in option]
    if isinstance(option, dict) and all(isinstance(name, str) for name in option):
        return {name: _plain(item) for name, item in option.items()}
    name = getattr(option, "__name__", "name")
    way_out = f"name it, as in Choice({{{name!r}: ..., ...}})"
    raise InvalidInput(f"option {option!r} cannot be stored as JSON: {way_out}")
