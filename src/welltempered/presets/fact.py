"""A fact: what is known about one hyperparameter, and the orders of importance."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, final

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.space.plain import fits

Role: TypeAlias = Literal["training", "design"]
Shows: TypeAlias = Literal["value", "percent", "steps"]
Order: TypeAlias = Literal["ng", "yu_zhu"]

ORDERS: Mapping[str, str] = MappingProxyType({"ng": "Ng", "yu_zhu": "Yu & Zhu"})
"""Who says what matters most: Ng, "Improving Deep Neural Networks", week 3; Yu & Zhu 2020, arXiv:2003.05689."""

_UNRANKED = 99
"""The place in Yu & Zhu's order of what they do not rank: behind the others."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and fits(value)


def _plain(value: float) -> str:
    return f"{value:,g}" if isinstance(value, int) else f"{value:g}"


def _steps(beta: float) -> str:
    # The weights fall to 1/e after about 1 / (1 - β) steps.
    steps = 1 / (1 - beta) if beta < 1 else math.inf
    return f"{float(f'{steps:.2g}'):,g}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g}"


_SHOWN: Mapping[str, Callable[[float], str]] = {"value": _plain, "percent": _percent, "steps": _steps}


@final
@dataclass(frozen=True)
class Fact:
    """What is known about a hyperparameter, whatever range it has in somebody's space.

    Attributes:
        means: which hyperparameter it is, the word that `Parameter.means` holds.
        role: `"training"` if it says how the net is trained, `"design"` if it says what the net is.
        tier: how early to tune it, 1 .. 4, after Ng: the learning rate; momentum, batch size and units; layers, decay
            and what else is worth a search; Adam's β₁, β₂ and ε last. What he does not rank stands in the third tier.
        rank: its place in Yu & Zhu's order, 1 .. 6, where units stand with layers; `None` where they have none.
        usual: the value to use where it is not searched; `None` if there is none that suits most nets.
        why: why the preset has its scale and range, with the source.
        reading: what a value does, with `{}` in place of the number; blank if the value says it all.
        zero: what zero does, where that is another thing.
        shows: which number stands there: the `"value"`, the `"percent"` it is, or the `"steps"` that such an average is
            about, 1 / (1 - β).
    """

    means: str
    role: Role
    tier: int
    rank: int | None
    usual: Any
    why: str
    reading: str = ""
    zero: str = ""
    shows: Shows = "value"

    def says(self, value: Any, to: Any = None) -> str:
        """What a value means, or a range of them, in a few words; blank if there is nothing to say, or it is no number.

        >>> fact = Fact("momentum", "training", 2, 2, 0.9, why="", reading="averages about {} steps", shows="steps")
        >>> fact.says(0.98)
        'averages about 50 steps'
        >>> fact.says(0.9, 0.999)
        'averages about 10 to 1,000 steps'
        """
        ends = [value] if to is None else [value, to]
        if not self.reading or not all(map(_is_number, ends)):
            return ""
        if ends == [0] and self.zero:
            return self.zero
        number = " to ".join(map(_SHOWN[self.shows], ends))
        text = self.reading.format(number)
        return text.removesuffix("s") if number == "1" else text

    def place(self, order: Order) -> tuple[int, int]:
        """Where it stands in an order, smaller is earlier; the other order decides between equals."""
        rank = _UNRANKED if self.rank is None else self.rank
        return (self.tier, rank) if order == "ng" else (rank, self.tier)


def check_order(order: object) -> Order:
    """The order of importance that somebody named.

    Raises:
        InvalidInput: if there is none of this name.
    """
    if isinstance(order, str) and order in ORDERS:
        return "ng" if order == "ng" else "yu_zhu"
    raise InvalidInput(f"order must be 'ng' or 'yu_zhu', got order={shown(order)}")
