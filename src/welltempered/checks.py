"""What arguments of many functions have in common: numbers, paths, and how a wrong value is shown."""

import math
import os
from numbers import Integral, Real
from pathlib import Path

from welltempered.errors import InvalidInput

_LONGEST = 80
"""Characters of a value that an error shows."""


def whole(name: str, value: object, rule: str, least: int, most: int = 2**63 - 1) -> int:
    """A whole number as a plain `int`; NumPy's count, and `True` does not, nor does 3.0.

    Args:
        name: of the argument.
        value: what was given.
        rule: what it must be, for the message.
        least: the smallest that is allowed.
        most: the largest.

    Raises:
        InvalidInput: if it is none, or out of range.

    >>> whole("epochs", 9, "a whole number of at least 1", 1)
    9
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or not least <= int(value) <= most:
        raise InvalidInput(f"{name} must be {rule}, got {name}={shown(value)}")
    return int(value)


def number(name: str, value: object, rule: str, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number within bounds as a plain `float`; NumPy's count, and `True` does not.

    Args:
        name: of the argument.
        value: what was given.
        rule: what it must be, for the message. It decides whether the bounds themselves are allowed: the lower one
            where it says "at least", the upper one where it says "at most".
        low: lower bound.
        high: upper bound.

    Raises:
        InvalidInput: if it is no finite number, or out of bounds.

    >>> number("share", 0, "at least 0 and below 1", 0, 1)
    0.0
    """
    given = f"got {name}={shown(value)}"
    try:
        if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
            raise InvalidInput(f"{name} must be a number, {rule}, {given}")
    except OverflowError:  # a whole number that no float can hold
        raise InvalidInput(f"{name} must be a number that fits into a float, {rule}, {given}") from None
    found = float(value)
    above = found >= low if "at least" in rule else found > low
    below = found <= high if "at most" in rule else found < high
    if not (above and below):
        raise InvalidInput(f"{name} must be {rule}, {given}")
    return found


def flag(name: str, value: object) -> None:
    """Refuse what is neither `True` nor `False`: the text "no" would count as true.

    Raises:
        InvalidInput: if it is anything else.
    """
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} must be True or False, got {name}={shown(value)}")


def path_of(name: str, value: object) -> Path:
    """A path that somebody gave, with `~` expanded.

    Raises:
        InvalidInput: if it is no path, is empty, or could be none of this system.
    """
    if not isinstance(value, str | os.PathLike) or not isinstance(text := os.fspath(value), str):
        raise InvalidInput(f"{name} must be a path, such as 'studies/first', got {name}={shown(value)}")
    if not text:
        raise InvalidInput(f"{name} must not be empty, got {name}=''; the folder one is in is '.'")
    try:
        if b"\0" in os.fsencode(text):
            raise InvalidInput(f"{name} must be a path of this system, which knows no NUL in it, got {text!r}")
        return Path(text).expanduser()
    except UnicodeEncodeError:
        raise InvalidInput(f"{name} must be a path of this system, got {text!r}") from None
    except RuntimeError:
        raise InvalidInput(f"{name} must be in a home folder that is known, got {text}; write it without ~") from None


def prefix_of(prefix: object) -> str:
    """A prefix as it stands before a name: with an underscore at its end, or empty.

    Raises:
        InvalidInput: if it is no text, or one that no name begins with.

    >>> prefix_of("disc"), prefix_of("disc_"), prefix_of("")
    ('disc_', 'disc_', '')
    """
    if not isinstance(prefix, str) or (prefix and not (prefix.isidentifier() and prefix.strip("_"))):
        raise InvalidInput(f"prefix must be a word such as 'disc', got prefix={shown(prefix)}")
    return f"{prefix.rstrip('_')}_" if prefix else ""


def shown(value: object) -> str:
    """A value as an error shows it: in one line, and not too long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
