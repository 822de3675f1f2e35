"""Values as JSON holds them: what an option may be, what tells two apart, how large a number may be."""

import math
from numbers import Integral, Real
from typing import Any

from welltempered.errors import InvalidInput

__all__ = ["fits", "json_key", "plain"]

_INTEGERS = range(-(2**63), 2**64)
"""Those that come back from JSON as they were."""


def json_key(value: Any) -> Any:
    """A hashable stand-in for a value that tells values apart as JSON does."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return (list, tuple(map(json_key, value)))
    if isinstance(value, dict):
        return (dict, frozenset((name, json_key(item)) for name, item in value.items()))
    return (type(value), value)


def fits(value: Any) -> bool:
    """Whether a number is finite and small enough for a float and for JSON."""
    try:
        return math.isfinite(value) and not (isinstance(value, Integral) and int(value) not in _INTEGERS)
    except OverflowError:
        return False


def plain(option: Any) -> Any:
    """The option as JSON would give it back."""
    if option is None or isinstance(option, bool):
        return option
    if isinstance(option, str):
        if any("\ud800" <= letter <= "\udfff" for letter in option):
            raise InvalidInput(f"option {option!r} must be text that UTF-8 can hold: leave the lone surrogate out")
        return option
    if isinstance(option, Integral) and int(option) in _INTEGERS:
        return int(option)
    if isinstance(option, Real) and not isinstance(option, Integral) and math.isfinite(option):
        return float(option)
    if isinstance(option, list | tuple):
        return [plain(item) for item in option]
    if isinstance(option, dict) and all(isinstance(name, str) for name in option):
        return {name: plain(item) for name, item in option.items()}
    name = getattr(option, "__name__", "name")
    raise InvalidInput(f"option {option!r} cannot be stored as JSON: name it, as in Choice({{{name!r}: ..., ...}})")
