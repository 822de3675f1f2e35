"""Hyperparameters as a `Space`, and the values of the one as params of the other."""

import keyword
import re
from collections.abc import Mapping, Sequence
from typing import Any

from welltempered.kerastuner.parameters import Fixed, HyperParameter, Int, Parent
from welltempered.space import Choice, Params, Space
from welltempered.space.parameters import Parameter

__all__ = ["Layout"]

Learnt = Mapping[str, Sequence[Parent]]
"""Conditions of hyperparameters that were found out by building, by name: all must hold."""


class Layout:
    """Which parameter of a space each hyperparameter is.

    Names of a space are identifiers, and each comes once: "block/units" becomes `block_units`, and a second "units"
    under other conditions `units_2`. What has one value only is no parameter; a space needs one, so where nothing is
    tuned there is `configuration`, which is always "default".

    Args:
        hps: the hyperparameters, parents before those whose conditions mention them.
        learnt: conditions that they have beside those they were given.

    Attributes:
        space: the space.
    """

    def __init__(self, hps: Sequence[HyperParameter], learnt: Learnt) -> None:
        self._hps = list(hps)
        self._learnt = learnt
        self._names: dict[int, str] = {}  # index of a hyperparameter -> name of its parameter
        parameters: dict[str, Parameter] = {}
        for index, hp in enumerate(self._hps):
            parameter = hp.parameter
            tests = self._tests(hp)
            if parameter is None or tests is None:
                continue
            name = _identifier(hp.name, parameters)
            self._names[index] = name
            parameters[name] = parameter.when(*tests) if tests else parameter
        self.space = Space(parameters or {"configuration": Choice("default")})

    def values(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The values that params stand for, with what is fixed and in use."""
        values: dict[str, Any] = {}
        for index, hp in enumerate(self._hps):
            if not all(condition.is_active(values) for condition in hp.conditions):
                continue
            name = self._names.get(index)
            if name is None:
                values.setdefault(hp.name, hp.default)
            elif name in params:
                values[hp.name] = hp.of(params[name])
        return values

    def params(self, values: Mapping[str, Any]) -> Params:
        """The params that stand for values; what these leave out, or hold beyond the space, has its default."""
        params: Params = {}
        for name in self.space.order:
            parameter = self.space[name]
            if parameter.active(params):
                params[name] = self._param(name, parameter, values)
        return {name: params[name] for name in self.space.names if name in params}

    def _param(self, name: str, parameter: Parameter, values: Mapping[str, Any]) -> Any:
        for index, own in self._names.items():
            hp = self._hps[index]
            if own == name and hp.name in values and parameter.contains(value := hp.of(values[hp.name])):
                return value
        return parameter.start

    def _tests(self, hp: HyperParameter) -> list[str] | None:
        """The conditions of a hyperparameter as expressions; `None` if they never hold."""
        tests = []
        for condition in [*hp.conditions, *self._learnt.get(hp.name, ())]:
            parents = [index for index, other in enumerate(self._hps) if other.name == condition.name]
            if len(parents) != 1:  # which of several is in use no expression can tell: better in use too often
                continue
            parent = self._hps[parents[0]]
            if parent.parameter is None:
                if not isinstance(parent, Fixed) or parent.value in condition.values:
                    continue
                return None
            options = [parent.of(value) for value in condition.values if parent.parameter.contains(parent.of(value))]
            if not options or parents[0] not in self._names:
                return None
            tests.append(_test(self._names[parents[0]], parent, options))
        return tests


def _test(name: str, parent: HyperParameter, options: Sequence[Any]) -> str:
    """That a parameter has one of these values, as short as it can be said."""
    least = min(options) if isinstance(parent, Int) else None
    if least is not None and parent.parameter is not None and parent.parameter.size <= _MANY:
        above = [value for value in parent.parameter.values() if value >= least]
        if sorted(options) == sorted(above):
            return f"{name} >= {least!r}"
    return f"{name} == {options[0]!r}" if len(options) == 1 else f"{name} in {tuple(options)!r}"


_MANY = 1_000


def _identifier(name: str, taken: Mapping[str, object]) -> str:
    """A name that a parameter may have and none has."""
    base = re.sub(r"\W", "_", name, flags=re.ASCII)
    if not base.isidentifier() or keyword.iskeyword(base):
        base = f"p_{base}"
    own, number = base, 2
    while own in taken:
        own, number = f"{base}_{number}", number + 1
    return own
