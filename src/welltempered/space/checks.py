"""What a space refuses, and how it says so."""

import difflib
import keyword
from collections.abc import Mapping, Sequence
from typing import Any

from welltempered.errors import InvalidInput
from welltempered.space.base import Parameter
from welltempered.space.expression import Expression
from welltempered.space.parameters import Choice

__all__ = ["check_name", "check_names", "check_parameters", "evaluation_order", "not_contained"]

_FEW = 1000  # values that are tried one by one to see whether a condition can hold
_ORDERINGS = {"<", "<=", ">", ">="}


def evaluation_order(parameters: Mapping[str, Parameter]) -> tuple[str, ...]:
    """Names in which parents come before children and otherwise as declared."""
    waiting = {n: p.condition.names if p.condition else frozenset() for n, p in parameters.items()}
    order: list[str] = []
    while waiting:
        ready = next((name for name, parents in waiting.items() if parents <= set(order)), None)
        if ready is None:
            raise InvalidInput(f"the conditions of {', '.join(waiting)} depend on each other")
        order.append(ready)
        del waiting[ready]
    return tuple(order)


def check_parameters(parameters: Mapping[Any, Any]) -> None:
    """Refuses bad names, things that are no parameters, and conditions that make no sense."""
    if not parameters:
        raise InvalidInput("a space needs at least one parameter, as in Space(lr=Float(0.1, 1))")
    for name, parameter in parameters.items():
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise InvalidInput(f"names must be Python identifiers and no keywords, got {name!r}")
        if not isinstance(parameter, Parameter):
            rule = f"{name} must be a Float, Int or Choice, got {parameter!r}"
            raise InvalidInput(f"{rule}; a constant is Choice({parameter!r})")
        if parameter.condition is not None:
            check_names(parameter.condition, parameters, f"condition of {name}")
            for part in parameter.condition.parts:
                _check_possible(part, parameters)


def check_names(test: Expression, parameters: Mapping[str, Parameter], what: str) -> None:
    """Refuses a test, a condition or constraint, that mentions an unknown parameter."""
    for name in sorted(test.names):
        check_name(name, parameters, f"in the {what}, {test}: ")


def check_name(name: str, parameters: Mapping[str, Parameter], where: str = "") -> None:
    """Refuses an unknown name, and says which one may have been meant."""
    if name not in parameters:
        close = difflib.get_close_matches(str(name), parameters, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(parameters)}"
        raise InvalidInput(f"{where}the space has no parameter {name!r}, {hint}")


def _check_possible(test: Expression, parameters: Mapping[str, Parameter]) -> None:
    """Refuses a condition that no value of its only parameter can fulfil."""
    if len(test.names) > 1:
        return
    (name,) = test.names
    parameter = parameters[name]
    for value in _wanted(test):
        if not parameter.contains(value):
            raise InvalidInput(not_contained(name, parameter, value))
    if parameter.size <= _FEW or test.comparison[0] in _ORDERINGS:
        # An ordering that some number fulfils is fulfilled by one of the ends.
        values = parameter.grid(_FEW if parameter.size <= _FEW else 2)
        if not any(test.holds({name: value}, missing=False) for value in values):
            raise InvalidInput(f"{test} can never hold, {name} is {parameter!r}")


def _wanted(test: Expression) -> Sequence[Any]:
    """The constants in ``name == constant`` and ``name in (constant, ...)``."""
    operator, constant = test.comparison
    if operator == "in":
        return constant if isinstance(constant, list | tuple) else []
    return [constant] if operator == "==" else []


def not_contained(name: str, parameter: Parameter, value: Any) -> str:
    """The sentence about a value that is none of the parameter."""
    if isinstance(parameter, Choice):
        options = ", ".join(map(repr, parameter.options))
        return f"{name} has no option {value!r}, has {options}"
    return f"{name} cannot be {value!r}, it is {parameter!r}"
