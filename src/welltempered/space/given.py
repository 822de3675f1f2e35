"""Params as a field of a method: what somebody knows beforehand, written to the header of a study."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, final

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.space.plain import json_key, plain

__all__ = ["Given", "givens"]


@final
class Given(Mapping[str, Any]):
    """The values of some parameters by name: a dict that cannot be changed and has a hash.

    Equal to another one if their JSON is, whatever the order of the names.

    Args:
        params: values by name, plain Python that JSON can hold.

    Raises:
        InvalidInput: if it is no dict of such values.

    >>> Given({"lr": 1e-3}) == Given({"lr": 0.001}), len({Given({"a": [1]}), Given({"a": (1,)})})
    (True, 1)
    """

    __slots__ = ("_hash", "_key", "_values")

    def __init__(self, params: Mapping[str, Any]) -> None:
        if not isinstance(params, Mapping) or not all(isinstance(name, str) for name in params):
            raise InvalidInput(f"params must be a dict such as {{'learning_rate': 1e-3}}, got {shown(params)}")
        self._values = {name: _plain(name, value) for name, value in params.items()}
        self._key = json_key(self._values)
        self._hash = hash(self._key)

    def __getitem__(self, name: str) -> Any:
        value = self._values[name]
        return copy.deepcopy(value) if isinstance(value, list | dict) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Given) and self._key == other._key

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return repr(self._values)


def givens(name: str, many: object) -> tuple[Given, ...]:
    """Several params, of a list of dicts.

    Raises:
        InvalidInput: if it is none.
    """
    if isinstance(many, Mapping):
        raise InvalidInput(f"{name} must be a list of params, got {shown(dict(many))}; write [{{...}}]")
    if not isinstance(many, Sequence) or isinstance(many, str):
        raise InvalidInput(f"{name} must be a list of params such as [{{'learning_rate': 1e-3}}], got {shown(many)}")
    return tuple(each if isinstance(each, Given) else Given(each) for each in many)


def _plain(name: str, value: Any) -> Any:
    try:
        return plain(value)
    except (InvalidInput, RecursionError):
        raise InvalidInput(f"{name} must be given as a value that JSON can hold, got {shown(value)}") from None
