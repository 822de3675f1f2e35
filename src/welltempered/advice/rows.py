"""The parameters of a space with what is known about each, by what they mean or by well-known names."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

from welltempered.presets.fact import Fact
from welltempered.presets.facts import about
from welltempered.presets.names import guessed
from welltempered.space import Choice, Float, Int, Parameter, Space

SCALES = {"linear": "", "log": ", log", "one_minus_log": ", log in 1 - x", "zero_or_log": ", log"}


@final
@dataclass(frozen=True)
class Row:
    """A parameter of a space, and what is known about it.

    Attributes:
        name: in the space.
        parameter: what is searched.
        means: which hyperparameter it is; `None` if nobody knows.
        guessed: whether that was concluded from its name.
    """

    name: str
    parameter: Parameter
    means: str | None
    guessed: bool = False

    @property
    def fact(self) -> Fact | None:
        """What is known about it."""
        return about(self.means or "")

    @property
    def constant(self) -> bool:
        """Whether it has only one value."""
        return self.parameter.size == 1

    @property
    def value(self) -> Any:
        """The value to fix it at: its default, else the usual one, else the middle of its range."""
        usual = None if self.fact is None else self.fact.usual
        return usual if self.parameter.default is None and self.parameter.contains(usual) else self.parameter.start

    @property
    def text(self) -> str:
        """Its range, and what the ends of that mean."""
        parameter = self.parameter
        guess = f" (by its name: {self.means})" if self.guessed else ""
        if isinstance(parameter, Float | Int):
            low, high = parameter.low, parameter.high
            meaning = self.fact.says(low, high) if self.fact else ""
            zero = "0 or " if parameter.zero else ""
            ends = f"{zero}{shown_value(low)} .. {shown_value(high)}{SCALES[parameter.scale]}"
            return f"{ends}{guess}{': ' if meaning else ''}{meaning}"
        options = ", ".join(map(shown_value, parameter.options)) if isinstance(parameter, Choice) else repr(parameter)
        return f"{options}{guess}"


def rows_of(space: Space) -> Iterator[Row]:
    """The parameters of a space in its order."""
    for name, parameter in space.items():
        guess = None if parameter.means else guessed(name)
        yield Row(name, parameter, parameter.means or guess, guess is not None)


def shown_value(value: Any) -> str:
    """A value in few characters, in one line.

    >>> shown_value(1e-5), shown_value(512), shown_value("adam")
    ('1e-05', '512', "'adam'")
    """
    return f"{value:g}" if isinstance(value, float) else " ".join(repr(value).split())
