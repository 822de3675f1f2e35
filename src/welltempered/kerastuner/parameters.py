"""Hyperparameters as KerasTuner has them, each with the parameter of a `Space` that it is."""

import random
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.space import Choice as SpaceChoice
from welltempered.space import Float as SpaceFloat
from welltempered.space import Int as SpaceInt
from welltempered.space.parameters import Parameter

__all__ = ["Boolean", "Choice", "Fixed", "Float", "HyperParameter", "Int", "Parent", "from_config"]

SAMPLES = 10
"""Values of a continuous parameter in a grid, as KerasTuner has it."""
_SAMPLINGS = ("linear", "log", "reverse_log", "one_minus_log")


class Parent:
    """The condition that another hyperparameter has one of some values.

    Args:
        name: the other hyperparameter.
        values: one value, or a list of those of which it must have one.
    """

    def __init__(self, name: str, values: Any) -> None:
        self.name = name
        self.values: list[Any] = list(values) if isinstance(values, list | tuple) else [values]
        if not self.values or not isinstance(self.values[0], bool | int | float | str):
            raise TypeError(
                f"values of a condition on {name!r}: Can contain only `int`, `float`, `str`, or `bool`, "
                f"got {shown(values)}"
            )

    def is_active(self, values: Mapping[str, Any]) -> bool:
        """Whether it holds for these values."""
        return self.name in values and values[self.name] in self.values

    def get_config(self) -> dict[str, Any]:
        """As JSON."""
        return {"name": self.name, "values": self.values}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The condition that `get_config` described."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parent) and (other.name, other.values) == (self.name, self.values)

    def __hash__(self) -> int:
        return hash((self.name, repr(self.values)))


class HyperParameter:
    """One hyperparameter: its name, its values, and when it is used.

    Args:
        name: its name; it is told apart by name and conditions.
        default: its value where it is not tuned.
        conditions: all must hold for it to be used. Default: none.
    """

    def __init__(self, name: str, default: Any = None, conditions: Sequence[Parent] | None = None) -> None:
        if not isinstance(name, str) or not name:
            raise InvalidInput(f"name of a hyperparameter must be a text, got {shown(name)}")
        self.name = name
        self._default = default
        self.conditions = list(conditions or ())

    @property
    def default(self) -> Any:
        """Its value where it is not tuned."""
        return self._default

    @property
    def values(self) -> Iterable[Any]:
        """All values, of a continuous one ten."""
        return (self.default,)

    @cached_property
    def parameter(self) -> Parameter | None:
        """The parameter of a space that it is; `None` if it has but one value."""
        return None

    def of(self, value: Any) -> Any:
        """Its value where the parameter of the space has this one; and the other way round."""
        return value

    def prob_to_value(self, prob: float) -> Any:
        """The value at a position in [0, 1)."""
        return self.default if self.parameter is None else self.of(self.parameter.decode(prob))

    def value_to_prob(self, value: Any) -> float:
        """The position of a value, of a finite one the middle of its share."""
        return 0.5 if self.parameter is None else self.parameter.encode(self.of(value))

    def random_sample(self, seed: int | None = None) -> Any:
        """A random value."""
        return self.prob_to_value(random.Random(seed).random())

    def get_config(self) -> dict[str, Any]:
        """As JSON: its arguments."""
        conditions = [{"class_name": "Parent", "config": each.get_config()} for each in self.conditions]
        return {"name": self.name, "default": self.default, "conditions": conditions, **self._arguments()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The hyperparameter that `get_config` described."""
        conditions = [Parent.from_config(each["config"]) for each in config.get("conditions", ())]
        return cls(**{**config, "conditions": conditions})

    def _arguments(self) -> dict[str, Any]:
        """What tells it from other hyperparameters of its class."""
        return {}

    def __repr__(self) -> str:
        parts = {"name": self.name, **self._arguments(), "default": self.default}
        return f"{type(self).__name__}({', '.join(f'{key}: {value!r}' for key, value in parts.items())})"


class _Number(HyperParameter):
    """What Int and Float share."""

    def __init__(
        self,
        name: str,
        min_value: Any,
        max_value: Any,
        step: Any = None,
        sampling: str | None = "linear",
        default: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name, default, **kwargs)
        self.min_value, self.max_value, self.step = min_value, max_value, step
        self.sampling = "linear" if sampling is None else str(sampling).lower()
        where = f"of hp.{type(self).__name__}({name!r}, ...)"
        if self.sampling not in _SAMPLINGS:
            raise InvalidInput(f"sampling must be one of {', '.join(_SAMPLINGS)}, got {sampling!r}: sampling {where}")
        if min_value > max_value:
            raise InvalidInput(
                f"min_value {where} must not be above max_value: min_value {min_value} is greater than the max_value "
                f"{max_value}"
            )
        if "log" in self.sampling and self.sampling != "one_minus_log" and min_value <= 0:
            raise InvalidInput(
                f"min_value {where} must be above 0: sampling={self.sampling!r} does not support negative values, "
                f"got min_value={min_value}"
            )
        if "log" in self.sampling and step is not None and step <= 1:
            raise InvalidInput(
                f"step must be a factor where sampling is logarithmic: For HyperParameters.{type(self).__name__}"
                f"(name={name!r}), expected step > 1, got step={step}"
            )
        if self.sampling == "reverse_log":
            warnings.warn(_REVERSE.format(name=name, low=min_value, high=max_value), UserWarning, stacklevel=5)

    @property
    def default(self) -> Any:
        return self.min_value if self._default is None else self._default

    @property
    def values(self) -> Iterable[Any]:
        if self.parameter is None:
            return (self.min_value,)
        whole = self.step is not None or (isinstance(self.min_value, int) and self.sampling == "linear")
        return tuple(map(self.of, self.parameter.values() if whole else self.parameter.grid(SAMPLES)))

    @cached_property
    def parameter(self) -> Parameter | None:
        if self.min_value == self.max_value:
            return None
        scale = "log" if self.sampling == "reverse_log" else self.sampling
        kind: Any = SpaceInt if isinstance(self.min_value, int) else SpaceFloat
        step = (
            self.step if self.step is None or "log" in scale or self.step <= self.max_value - self.min_value else None
        )
        if self.step is not None and step is None:  # one step reaches beyond the end
            return None
        arguments = {"scale": scale, "step": step}
        made: Parameter = kind(self.min_value, self.max_value, **arguments)
        start = self.of(self.default)  # one off the steps is no value that can be tried again
        return kind(self.min_value, self.max_value, default=start, **arguments) if made.contains(start) else made

    def of(self, value: Any) -> Any:
        """The mirror image with `reverse_log`, which is `log` seen from the other end."""
        if self.sampling != "reverse_log":
            return value
        return self.min_value + self.max_value - value

    def prob_to_value(self, prob: float) -> Any:
        return super().prob_to_value(1 - prob if self.sampling == "reverse_log" else prob)

    def value_to_prob(self, value: Any) -> float:
        prob = super().value_to_prob(value)
        return 1 - prob if self.sampling == "reverse_log" else prob

    def _arguments(self) -> dict[str, Any]:
        names = ("min_value", "max_value", "step", "sampling")
        return {name: getattr(self, name) for name in names}


_REVERSE = (
    "hp.Float({name!r}, {low}, {high}, sampling='reverse_log') mirrors a log scale over the range, which is not "
    "uniform in log(1 - x): for momentum, beta_1 and other numbers just below one write sampling='one_minus_log', "
    "in welltempered wt.Float({low}, {high}, scale='one_minus_log')"
)


class Int(_Number):
    """A whole number between two others, both included; the arguments are those of `HyperParameters.Int`."""

    def __init__(self, name: str, min_value: int, max_value: int, step: int | None = None, **kwargs: Any) -> None:
        given = {"min_value": min_value, "max_value": max_value, "step": step, "default": kwargs.pop("default", None)}
        for key, value in given.items():
            if value is not None and int(value) != value:
                raise InvalidInput(f"{key} of hp.Int({name!r}, ...) must be an int, got {value!r} of {type(value)}")
        whole: dict[str, Any] = {key: value if value is None else int(value) for key, value in given.items()}
        super().__init__(name, **whole, **kwargs)
        if self.sampling == "one_minus_log":
            raise InvalidInput(f"sampling='one_minus_log' is for hp.Float, got it for hp.Int({name!r}, ...)")


class Float(_Number):
    """A real number between two others; the arguments are those of `HyperParameters.Float`."""

    def __init__(self, name: str, min_value: float, max_value: float, step: float | None = None, **kwargs: Any) -> None:
        given = {"min_value": min_value, "max_value": max_value, "step": step, "default": kwargs.pop("default", None)}
        real: dict[str, Any] = {key: value if value is None else float(value) for key, value in given.items()}
        super().__init__(name, **real, **kwargs)


class Choice(HyperParameter):
    """One of several values of one type; the arguments are those of `HyperParameters.Choice`."""

    def __init__(
        self, name: str, values: Sequence[Any], ordered: bool | None = None, default: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(name, default, **kwargs)
        if not values:
            raise InvalidInput(f"`values` must be provided, got hp.Choice({name!r}, {values!r})")
        kinds = {type(value) for value in values}
        if len(kinds) > 1 or not isinstance(values[0], bool | int | float | str):
            raise TypeError(
                f"A `Choice` can contain only one type of value, int, float, str or bool; values of "
                f"hp.Choice({name!r}, ...) are {values!r}: it can contain only `int`, `float`, `str`, or `bool`"
            )
        if default is not None and default not in values:
            raise InvalidInput(
                f"default of hp.Choice({name!r}, ...): The default value should be one of the choices {values!r}, "
                f"got {default!r}"
            )
        numeric = isinstance(values[0], int | float)
        if ordered and not numeric:
            raise InvalidInput(f"`ordered` must be `False` for what is no number, got hp.Choice({name!r}, {values!r})")
        self._values = list(values)
        self.ordered = numeric if ordered is None else ordered

    @property
    def values(self) -> list[Any]:
        return self._values

    @property
    def default(self) -> Any:
        return self._values[0] if self._default is None else self._default

    @cached_property
    def parameter(self) -> Parameter | None:
        options = list(dict.fromkeys(self._values))
        return SpaceChoice(options, default=self.default) if len(options) > 1 else None

    def _arguments(self) -> dict[str, Any]:
        return {"values": self._values, "ordered": self.ordered}


class Boolean(HyperParameter):
    """True or false; the arguments are those of `HyperParameters.Boolean`."""

    def __init__(self, name: str, default: bool = False, **kwargs: Any) -> None:
        if not isinstance(default, bool):
            raise InvalidInput(f"`default` must be a Python boolean, got hp.Boolean({name!r}, default={default!r})")
        super().__init__(name, default, **kwargs)

    @property
    def values(self) -> tuple[bool, bool]:
        return True, False

    @cached_property
    def parameter(self) -> Parameter | None:
        return SpaceChoice(False, True, default=self.default)

    def _arguments(self) -> dict[str, Any]:
        return {}


class Fixed(HyperParameter):
    """A value that is not tuned."""

    def __init__(self, name: str, value: Any, **kwargs: Any) -> None:
        if not isinstance(value, bool | int | float | str):
            raise InvalidInput(f"value must be an `int`, `float`, `str`, or `bool`, got hp.Fixed({name!r}, {value!r})")
        super().__init__(name, value, **kwargs)
        self.value = value

    @property
    def values(self) -> tuple[Any]:
        return (self.value,)

    @cached_property
    def parameter(self) -> Parameter | None:
        return None

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["default"]
        return config

    def _arguments(self) -> dict[str, Any]:
        return {"value": self.value}

    def __repr__(self) -> str:
        return f"Fixed(name: {self.name!r}, value: {self.value!r})"


def from_config(config: Mapping[str, Any]) -> HyperParameter:
    """The hyperparameter that `{"class_name": ..., "config": ...}` describes."""
    kinds: dict[str, type[HyperParameter]] = {
        "Boolean": Boolean,
        "Choice": Choice,
        "Fixed": Fixed,
        "Float": Float,
        "Int": Int,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # `reverse_log` was warned of when it was asked for
        return kinds[config["class_name"]].from_config(config["config"])
