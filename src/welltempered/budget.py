"""How much a study may spend: epochs, trials, time."""

import math
import re
from typing import Self

import msgspec

from welltempered.checks import shown
from welltempered.errors import InvalidInput

SECONDS = {"s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600}
SECONDS |= {"d": 86400, "day": 86400}
"""Units of time, without their plural s."""
_HINT = "such as '200 epochs', '30 trials', '10 min', '2 h', or several: '200 epochs, 1 h'"


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What a study may spend in all its runs together; `inf` is no bound. The first bound reached counts.

    Attributes:
        epochs: epochs trained, over all trials; kept exactly (the last lease is cut short).
        trials: trials started; those started go on until the method has no more use for them.
        seconds: seconds on the study's clock; leases end at the first epoch boundary after it.

    Raises:
        InvalidInput: unless each is a number above zero, of epochs and trials a whole one.
    """

    epochs: float = math.inf
    trials: float = math.inf
    seconds: float = math.inf

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not value > 0:  # NaN is not, either
                raise InvalidInput(f"{name} of a budget must be above zero, got {name}={shown(value)}")
            if name != "seconds" and value < math.inf and value != int(value):
                raise InvalidInput(f"{name} of a budget must be a whole number, got {name}={value!r}")

    @classmethod
    def of(cls, budget: "Budget | str | None") -> Self:
        """Read a budget as users write it: `"200 epochs"`, `"30 trials"`, `"10 min"`, `"200 epochs, 1 h"`, `None`.

        Units of time: s, min, h, d. `None` means no bound: until the method ends or the user stops it.

        Raises:
            InvalidInput: for anything else, also for a number without a unit.

        >>> Budget.of("90 epochs, 1.5 min").seconds
        90.0
        """
        if isinstance(budget, Budget):
            return cls(epochs=budget.epochs, trials=budget.trials, seconds=budget.seconds)
        if budget is None:
            return cls()
        if not isinstance(budget, str):
            raise InvalidInput(f"budget must say its unit, {_HINT}, got {shown(budget)}")
        bounds: dict[str, float] = {}
        for part in budget.split(","):
            name, amount = _bound(part.strip(), budget)
            if name in bounds:
                raise InvalidInput(f"budget must name each unit once, got {budget!r}")
            bounds[name] = amount
        return cls(**bounds)

    def share(self, epochs: int, trials: int, seconds: float) -> float:
        """The share of the budget that so much has used, 1.0 at the end; 0.0 if there is no bound."""
        return min(1.0, max(epochs / self.epochs, trials / self.trials, seconds / self.seconds))

    @property
    def bounds(self) -> dict[str, float]:
        """The finite bounds by name, from which a budget can be made again."""
        return {name: bound for name in self.__struct_fields__ if (bound := getattr(self, name)) < math.inf}

    def __str__(self) -> str:
        parts = [f"{self.epochs:.0f} epochs"] if self.epochs < math.inf else []
        parts += [f"{self.trials:.0f} trials"] if self.trials < math.inf else []
        parts += [duration(self.seconds)] if self.seconds < math.inf else []
        return ", ".join(parts) or "no bound"


def _bound(part: str, whole: str) -> tuple[str, float]:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]+?)s?", part.lower()) or re.fullmatch(
        r"(\d+(?:\.\d+)?)\s*(s)", part.lower()
    )
    unit = found.group(2) if found and not part.lower().endswith("ss") else ""
    if not found or unit not in {"epoch", "trial", *SECONDS}:
        raise InvalidInput(f"budget must be an amount and a unit, {_HINT}, got {whole!r}")
    amount = float(found.group(1))
    if amount <= 0:
        raise InvalidInput(f"budget must be above zero, got {whole!r}")
    if math.isinf(amount):
        raise InvalidInput(f"budget must be a number that fits into a float, got {shown(whole)}; None is no bound")
    if unit in SECONDS:
        return "seconds", amount * SECONDS[unit]
    if amount != int(amount):
        raise InvalidInput(f"budget must be a whole number of {unit}s, got {whole!r}")
    return f"{unit}s", amount


def duration(seconds: float) -> str:
    """A time span for people.

    >>> duration(0.25), duration(75), duration(300), duration(3 * 3600 + 120)
    ('0.2 s', '1 min 15 s', '5 min', '3 h 2 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 and seconds != int(seconds) else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
