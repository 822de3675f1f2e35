"""Parameters from their JSON."""

from collections.abc import Callable, Mapping
from typing import Any

from welltempered.errors import InvalidInput
from welltempered.space.choice import Choice
from welltempered.space.parameters import Float, Int, Parameter

__all__ = ["parameter_from_json"]

_KINDS: dict[str, Callable[..., Parameter]] = {"float": Float, "int": Int, "choice": Choice}


def parameter_from_json(data: Mapping[str, Any]) -> Parameter:
    """The parameter that ``to_json`` described.

    Raises:
        InvalidInput: if the kind or an argument is unknown.
    """
    arguments = dict(data)
    kind, condition = arguments.pop("kind", None), arguments.pop("condition", None)
    try:
        if kind not in _KINDS:
            raise InvalidInput(f"unknown kind of parameter {kind!r}; this version knows {', '.join(_KINDS)}")
        named = kind == "choice" and arguments.pop("named", False)
        positional = ["options"] if kind == "choice" else ["low", "high"]
        parameter = _KINDS[kind](*[arguments.pop(name) for name in positional], **arguments)
        vars(parameter).update({"_named": True} if named else {})
    except (KeyError, TypeError) as error:
        raise InvalidInput(f"cannot read the parameter {dict(data)!r}: {error}") from error
    return parameter if condition is None else parameter.when(condition)
