"""The same parameters with other values: other ranges, fewer options, and spaces into which they still fit."""

import copy
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from welltempered.expression import Expression
from welltempered.space.choice import Choice
from welltempered.space.parameters import Float, Int, Parameter
from welltempered.space.reading import parameter_from_json
from welltempered.space.space import Space

_EACH = 1000
"""Values of a parameter that are tried one by one to see whether a condition can hold."""

Number = Float | Int
P = TypeVar("P", bound=Parameter)


def with_range(parameter: Number, low: float, high: float, *, scale: str | None = None) -> Number:
    """A number with another range, and perhaps another scale; a default outside of the range is left out."""
    data = {name: value for name, value in parameter.to_json().items() if name != "default"}
    if scale is not None:
        data = {**data, "scale": scale}
        data.pop("zero", None)
    changed = cast("Number", parameter_from_json({**data, "low": low, "high": high}))  # the kind stays
    return _copy(changed, default=parameter.default) if changed.contains(parameter.default) else changed


def with_options(parameter: Choice, options: Iterable[Any]) -> Choice:
    """A choice with fewer options, which keep their objects; a default that is gone is left out."""
    left = list(options)
    changed: Parameter
    data = {name: value for name, value in parameter.to_json().items() if name != "default"}
    if data.get("named") and not parameter.nameless:
        changed = Choice({name: parameter.resolve(name) for name in left}, means=parameter.means)
        changed = changed if parameter.condition is None else changed.when(parameter.condition.text)
    else:
        changed = parameter_from_json({**data, "options": left})
    keep = parameter.default is not None and changed.contains(parameter.default)
    return cast("Choice", _copy(changed, default=parameter.default) if keep else changed)


def fitted(space: Space, changed: Mapping[str, Parameter]) -> Space:
    """The space with changed parameters.

    A parameter whose condition cannot hold any more is left out, and so are conditions' values and constraints that
    mention what is gone.
    """
    kept: dict[str, Parameter] = {}
    for name in space.order:  # parents first
        parameter = _refitted(changed[name], kept)
        if parameter is not None:
            kept[name] = parameter
    tests = [test.text for test in space.constraints if test.names <= kept.keys()]
    return Space({name: kept[name] for name in space if name in kept}).where(*tests)


def _copy(parameter: P, **changes: Any) -> P:
    """A copy in which this much is different, and right."""
    changed = copy.copy(parameter)
    vars(changed).update(changes)
    return changed


def _refitted(parameter: Parameter, parents: Mapping[str, Parameter]) -> Parameter | None:
    """The parameter with a condition of what is left; `None` if that can never hold."""
    condition = parameter.condition
    if condition is None:
        return parameter
    if not condition.names <= parents.keys():
        return None
    parts = [_possible(part, parents) for part in condition.parts]
    if None in parts:
        return None
    if [part.text for part in condition.parts] == parts:
        return parameter
    return _copy(parameter, condition=None).when(*[part for part in parts if part])


def _possible(part: Expression, parents: Mapping[str, Parameter]) -> str | None:
    """A test in terms of the values that are left; `None` if it can never hold."""
    if len(part.names) > 1:
        return part.text
    name = min(part.names)
    parent, (operator, constant) = parents[name], part.comparison
    if operator == "Eq" or (operator == "In" and not isinstance(constant, str)):
        wanted = [constant] if operator == "Eq" else list(constant)
        if all(map(parent.contains, wanted)):
            return part.text
        values = list(parent.options) if isinstance(parent, Choice) else list(filter(parent.contains, wanted))
        left = tuple(value for value in values if part.holds({name: value}, missing=False))
        return f"{name} in {left!r}" if left else None
    each = parent.values() if parent.size <= _EACH else parent.grid(2)
    orders = operator in {"Lt", "LtE", "Gt", "GtE"}
    known = orders or not math.isinf(parent.size)
    return part.text if not known or any(part.holds({name: value}, missing=False) for value in each) else None
