"""What presets have in common: names, defaults, and what a wrong name may have meant."""

import difflib
import keyword
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.space import Parameter

P = TypeVar("P", bound=Parameter)


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


def with_default(parameter: P, default: Any, usual: Any = None) -> P:
    """The parameter with a default: the one given, else the usual value where it has that.

    Raises:
        InvalidInput: if the default given is none of the parameter's values.
    """
    wanted = usual if default is None and parameter.contains(usual) else default
    return parameter if wanted is None else replace(parameter, default=wanted)
