"""What presets have in common: names, defaults, and what a wrong name may have meant."""

import difflib
import keyword
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from welltempered.checks import number, shown
from welltempered.errors import InvalidInput
from welltempered.space import Parameter

P = TypeVar("P", bound=Parameter)

AVERAGE = "at least 0 and below 1"
SHARE = "at least 0 and below 1 (half of them is 0.5)"


def check_name(name: object) -> str:
    """A name that a parameter may have.

    Raises:
        InvalidInput: if it is no Python identifier, or a keyword.
    """
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise InvalidInput(f"names must be Python identifiers and no keywords, got {shown(name)}")
    return name


def meant(word: object, known: Iterable[str]) -> str:
    """What to say after a word that is none of those known.

    >>> meant("Adam", ["sgd", "adam"])
    "did you mean 'adam'?"
    """
    words = list(known)
    close = difflib.get_close_matches(str(word).lower(), words, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(words)}"


def span(means: str, low: Any, high: Any, rule: str, most: float = math.inf) -> tuple[float, float]:
    """Both ends of a range of such a hyperparameter, as numbers above 0, or of at least 0, if the rule says so.

    Raises:
        InvalidInput: if one is none.
    """
    own_values(means, low)
    return number("low", low, rule, 0, most), number("high", high, rule, 0, most)


def own_values(means: str, low: object) -> None:
    """Refuse a list of values where a range begins.

    Raises:
        InvalidInput: with the way they are written.
    """
    if isinstance(low, list | tuple):
        options = ", ".join(map(repr, low))
        raise InvalidInput(
            f"low must be a number, got low={shown(low)}; values of one's own are Choice({options}, means={means!r})"
        )


def names_apart(what: str, names: Sequence[object]) -> None:
    """Refuse names that are given as one list.

    Raises:
        InvalidInput: with the way they are written.
    """
    for name in names:
        if isinstance(name, list | tuple):
            apart = ", ".join(f'"{each}"' for each in name)
            raise InvalidInput(f"names must be given one by one, got {shown(name)}: write {what}({apart})")


def with_default(parameter: P, default: Any, usual: Any = None) -> P:
    """The parameter with a default: the one given, else the usual value where it has that.

    Raises:
        InvalidInput: if the default given is none of the parameter's values.
    """
    wanted = usual if default is None and parameter.contains(usual) else default
    return parameter if wanted is None else replace(parameter, default=wanted)
