"""Methods as data: a scheduler with its searcher is written to the log and built again from it."""

import dataclasses
import importlib
from typing import Any

from welltempered.decide import Scheduler, Searcher
from welltempered.errors import InvalidInput
from welltempered.space.given import Given

_TYPE = "type"
LATER = "later"
"""Mark in the metadata of a field that a method has got later: it is written if it is not as usual, so that studies
from before are the same as today's.
"""
_PARAMS = "params"
"""Marks an object that is no method but params; no name of a parameter can be mistaken for a mark inside of it."""
_JSON = (str, int, float, bool, type(None))
_WRAPPED = ("searcher", "scheduler", "searchers")
"""First arguments, which one writes without their names."""


def to_json(method: Scheduler | Searcher) -> dict[str, Any]:
    """A method as JSON: its class as `module:name`, and its fields.

    Raises:
        InvalidInput: if it is no frozen dataclass of JSON values and methods; then it could not be replayed.
    """
    kind: Any = type(method)
    params = getattr(kind, "__dataclass_params__", None)
    if params is None or not params.frozen:
        raise InvalidInput(f"method must be a frozen dataclass, so that it can be replayed, got {method!r}")
    fields = {field.name: getattr(method, field.name) for field in dataclasses.fields(kind)}
    for field in dataclasses.fields(kind):
        if LATER in field.metadata and fields[field.name] == field.default:
            del fields[field.name]
    return {
        _TYPE: _path(kind),
        **{name: _field(method, name, value) for name, value in fields.items()},
    }


def from_json(data: dict[str, Any]) -> Scheduler:
    """The scheduler that `to_json` described.

    Raises:
        InvalidInput: if its class cannot be imported or is no scheduler.
    """
    method = _build(data)
    if not isinstance(method, Scheduler):
        raise InvalidInput(f"method must be a scheduler, got the searcher {method!r}; write Full({method!r})")
    return method


def describe(data: dict[str, Any]) -> str:
    """A method's JSON in one line, as one would write it: `Median(Hyperband(Sobol(), eta=4), least=9)`.

    What is as usual is left out of our own methods.
    """
    name = str(data.get(_TYPE)).rpartition(":")[2]
    usual = _defaults(str(data.get(_TYPE)))
    parts = []
    for key, value in data.items():
        same = tuple(value) if isinstance(value, list) else value
        if key != _TYPE and value is not None and not (key in usual and same == usual[key]):
            text = _described(value)
            parts.append(text if key in _WRAPPED else f"{key}={text}")
    return f"{name}({', '.join(parts)})"


def _described(value: Any) -> str:
    if isinstance(value, dict):
        return describe(value) if _TYPE in value else repr(value.get(_PARAMS))
    return f"[{', '.join(map(_described, value))}]" if isinstance(value, list | tuple) else repr(value)


def _defaults(path: str) -> dict[str, Any]:
    """What the fields of one of our own methods are unless they are given."""
    module, _, name = path.partition(":")
    kind = getattr(importlib.import_module(module), name, None) if module == "welltempered" else None
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        return {}
    usual = {field.name: field.default for field in dataclasses.fields(kind)}
    return {name: to_json(value) if isinstance(value, Scheduler | Searcher) else value for name, value in usual.items()}


def _path(kind: type) -> str:
    """Our own methods go by their public names, so that files may move without breaking old studies."""
    module = "welltempered" if kind.__module__.startswith("welltempered.") else kind.__module__
    return f"{module}:{kind.__qualname__}"


def _field(method: object, name: str, value: Any) -> Any:
    if isinstance(value, Scheduler | Searcher):
        return to_json(value)
    if isinstance(value, _JSON):
        return value
    if isinstance(value, Given):
        return {_PARAMS: dict(value)}
    if isinstance(value, tuple):
        return [_field(method, name, each) for each in value]
    raise InvalidInput(
        f"{type(method).__name__}.{name} must be a number, a text, a method or a tuple of them, got {value!r}"
    )


def _build(data: dict[str, Any]) -> Scheduler | Searcher:
    path = str(data.get(_TYPE))
    module, _, name = path.partition(":")
    try:
        kind: Any = importlib.import_module(module)
        for part in name.split("."):
            kind = getattr(kind, part)
    except Exception as error:  # noqa: BLE001 - a module that is imported may raise anything
        raise InvalidInput(f"method {path} of this study cannot be imported: {error}; make it importable") from None
    # Only methods are ever called: a log from a stranger must not run anything else.
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind) and _is_method(kind)):
        raise InvalidInput(f"method {path} of this study must be a dataclass with `next` or `suggest`")
    fields = {name: _value(value) for name, value in data.items() if name != _TYPE}
    try:
        method: Any = kind(**fields)
    except TypeError as error:
        raise InvalidInput(f"method {path} of this study has other fields in this version: {error}") from None
    built: Scheduler | Searcher = method
    return built


def _value(value: Any) -> Any:
    """A field as it was: methods and params have a hash, and so has what holds several."""
    if isinstance(value, list):
        return tuple(map(_value, value))
    if isinstance(value, dict):
        return Given(value[_PARAMS]) if value.keys() == {_PARAMS} else _build(value)
    return value


def _is_method(kind: type) -> bool:
    return callable(getattr(kind, "next", None)) or callable(getattr(kind, "suggest", None))
