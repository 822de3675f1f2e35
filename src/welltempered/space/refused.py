"""What a space refuses, and what it says then."""

import difflib
import keyword
from collections.abc import Iterable, Mapping
from typing import Any

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.expression import Expression
from welltempered.space.choice import Choice
from welltempered.space.parameters import Parameter


def parents_of(parameter: Parameter) -> frozenset[str]:
    """The names that the condition of a parameter mentions."""
    return frozenset() if parameter.condition is None else parameter.condition.names


def joined(*parts: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """The parameters of all parts.

    Raises:
        InvalidInput: if a part has no names, or a name comes twice.
    """
    found: dict[str, Parameter] = {}
    for part in parts:
        if not isinstance(part, Mapping):
            raise InvalidInput(_nameless(part))
        for name, parameter in part.items():
            if name in found:
                raise InvalidInput(
                    f"{name} is given twice, as {shown(found[name])} and as {shown(parameter)}; leave one out, or say "
                    f"which one counts in a dict: Space({{**parameters, {name!r}: ...}})"
                )
            found[name] = parameter
    return found


def _nameless(part: object) -> str:
    """What is wrong with a part that is no mapping, and the way out."""
    rule = f"parameters must have names, as in Space(lr=Float(0.1, 1)), got {shown(part)}"
    texts = [part] if isinstance(part, str) else part if isinstance(part, list | tuple) else []
    if texts and all(isinstance(text, str) for text in texts):
        tests = ", ".join(map(repr, texts))
        return f"{rule}; tests go into where, as in Space(...).where({tests})"
    call = _call(part)
    return f"{rule}; {call}" if call else rule


def _call(value: object) -> str:
    """What to write instead of a class or function of this package that was not called; blank if it is none."""
    name = getattr(value, "__name__", "")
    if not callable(value) or not str(getattr(value, "__module__", "")).startswith("welltempered."):
        return ""
    return f"call it: {name}({'...' if isinstance(value, type) else ''})"


def check_parameters(parameters: Mapping[Any, Any]) -> None:
    """Refuses bad names, things that are no parameters, and conditions that make no sense."""
    if not parameters:
        raise InvalidInput("a space needs at least one parameter, as in Space(lr=Float(0.1, 1))")
    for name, parameter in parameters.items():
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise InvalidInput(f"names must be Python identifiers and no keywords, got {name!r}")
        if not isinstance(parameter, Parameter):
            raise InvalidInput(f"{name} must be a Float, Int or Choice, got {shown(parameter)}; {_instead(parameter)}")
        if parameter.condition is not None:
            check_names(parents_of(parameter), parameters, f"in the condition of {name}, {parameter.condition}: ")
            for part in parameter.condition.parts:
                _check_possible(part, parameters)


def _instead(value: object) -> str:
    """The way out of a value that is no parameter."""
    if isinstance(value, Mapping) and value and all(isinstance(each, Parameter) for each in value.values()):
        return "it is several parameters: give it without a name, as in Space(optimizer(...), lr=...)"
    if call := _call(value):
        return call
    if callable(value):
        name = getattr(value, "__name__", "it")
        return f"a constant that is no JSON has a name, as in Choice({{{name!r}: ...}})"
    return f"a constant is Choice({shown(value)})"


def check_names(names: Iterable[str], parameters: Mapping[str, Parameter], where: str = "") -> None:
    """Refuses an unknown name, and says which one may have been meant."""
    for name in sorted(set(names) - parameters.keys(), key=str):
        close = difflib.get_close_matches(str(name), parameters, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(parameters)}"
        raise InvalidInput(f"{where}the space has no parameter {name!r}, {hint}")


def _check_possible(test: Expression, parameters: Mapping[str, Parameter]) -> None:
    """Refuses a value that the parent does not have, and an ordering that neither of its ends fulfils."""
    operator, constant = test.comparison
    name = min(test.names)  # the only one, if it is a comparison
    if operator == "In" and not constant:
        raise InvalidInput(f"{test} can never hold, as there is nothing in it")
    if operator == "Eq" or (operator == "In" and not isinstance(constant, str)):
        for value in constant if operator == "In" else [constant]:
            check_contained(name, parameters[name], value)
    ends = parameters[name].grid(2) if operator in {"Lt", "LtE", "Gt", "GtE"} else ()
    if ends and not any(test.holds({name: end}, missing=False) for end in ends):
        raise InvalidInput(f"{test} can never hold, {name} is {parameters[name]!r}")


def check_contained(name: str, parameter: Parameter, value: Any, where: str = "") -> None:
    """Refuses a value that is none of the parameter."""
    if not parameter.contains(value):
        if isinstance(parameter, Choice):
            raise InvalidInput(f"{where}{name} has no option {value!r}, has {', '.join(map(repr, parameter.options))}")
        raise InvalidInput(f"{where}{name} cannot be {value!r}, it is {parameter!r}")
