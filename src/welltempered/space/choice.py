"""Choices: parameters without an order."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.space.parameters import Parameter
from welltempered.space.plain import json_key, plain
from welltempered.space.scales import Scale, bins

__all__ = ["Choice"]


@final
@dataclass(frozen=True, eq=False, repr=False, init=False)
class Choice(Parameter):
    """One of several options, which have no order and no distance.

    Args:
        options: anything JSON can hold, tuples becoming lists; or one list of such options; or one dict that gives
            names to arbitrary objects. Params then hold the name, and ``resolve(name)`` gives the object; equality,
            hash and JSON only see the names, and that they are names.
        default: the option ``Space.defaults`` takes; without one the first.
        means: which hyperparameter it is, such as ``"optimizer"``, for advice; presets say it by themselves.

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
    _named: bool
    _ranks: dict[Any, int]
    _start = 0.0

    def __init__(self, *options: Any, default: Any = None, means: str | None = None) -> None:
        objects = None
        if len(options) == 1 and isinstance(options[0], dict):
            objects, options = dict(options[0]), tuple(options[0])
            if not all(isinstance(name, str) for name in options):
                raise InvalidInput(f"names of options must be strings, got {list(options)!r}")
        elif len(options) == 1 and isinstance(options[0], list | tuple):
            options = tuple(options[0])
        if not options:
            raise InvalidInput('Choice needs at least one option, as in Choice("sgd", "adam")')
        try:
            options = tuple(map(plain, options))
        except RecursionError:
            raise InvalidInput(f"options must not contain themselves, got {shown(options)}") from None
        ranks: dict[Any, int] = {}
        for rank, option in enumerate(options):
            if ranks.setdefault(json_key(option), rank) != rank:
                raise InvalidInput(f"options must differ, got {option!r} twice")
        vars(self).update(options=options, _objects=objects, _named=objects is not None, _ranks=ranks)
        vars(self).update(default=plain(default), condition=None, means=means)
        self._check_default()

    def contains(self, value: Any) -> bool:
        """Whether the value equals an option as JSON does: 1, 1.0 and true differ."""
        try:
            return json_key(value) in self._ranks
        except TypeError:  # cannot be hashed, so it is nothing JSON knows
            return False

    def grid(self, points: int) -> tuple[Any, ...]:
        """All options, whatever ``points`` says: there is no sensible subset."""
        return super().grid(max(points, len(self.options)) if points > 0 else points)

    def resolve(self, value: Any) -> Any:
        """The object behind a name, or the value itself if the options are not named; refuses what is no option."""
        self.encode(value)
        if self.nameless:
            raise InvalidInput(f"{self!r} must know the objects behind its names, but JSON holds the names alone")
        return value if self._objects is None else self._objects[value]

    @property
    def nameless(self) -> bool:
        """Whether its options name objects that it does not have, since it was read from JSON."""
        return self._named and self._objects is None

    @cached_property
    def bijection(self) -> Scale:
        options, ranks = self.options, self._ranks
        mutable = any(isinstance(option, list | dict) for option in options)
        # Whoever changes what was decoded must not change the parameter.
        at = (lambda rank: copy.deepcopy(options[rank])) if mutable else options.__getitem__
        return bins(len(options), at, lambda option: ranks[json_key(option)])

    def _arguments(self) -> dict[str, Any]:
        named = {"named": True} if self._named else {}
        return {"options": list(self.options), **named} | ({} if self.default is None else {"default": self.default})

    def _values(self) -> str:
        return f"one of {shown(list(self.options))}"

    def _positional(self) -> list[str]:
        if self._objects is not None:
            return [repr(self._objects)]
        alone = len(self.options) == 1 and isinstance(self.options[0], list | dict)
        return [repr(list(self.options))] if alone else list(map(repr, self.options))
