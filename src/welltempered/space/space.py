"""The search space: named parameters, conditions between them, constraints on them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from welltempered.errors import InvalidInput
from welltempered.space import checks
from welltempered.space.base import Parameter
from welltempered.space.expression import Expression
from welltempered.space.parameters import parameter_from_json

__all__ = ["Params", "Space"]

Params: TypeAlias = dict[str, Any]
"""One assignment: the values of the active parameters by name, plain Python that JSON can hold."""

_TRIES = 10_000


@final
class Space(Mapping[str, Parameter]):
    """Immutable mapping of names to parameters; columns of encoded arrays follow its order.

    Args:
        parameters: a mapping, or keyword arguments; the names must be Python identifiers.

    A parameter with a condition is active only where the condition holds; a condition that mentions
    an inactive parameter does not. Params hold the active parameters only.

    Raises:
        InvalidInput: if the space is empty, a name is no identifier, or a condition is cyclic,
            mentions an unknown parameter or (where that is cheap to see) can never hold.

    >>> from welltempered.space import Choice, Float
    >>> space = Space(
    ...     opt=Choice("sgd", "adam"),
    ...     momentum=Float(0.5, 0.999, scale="one_minus_log").when(opt="sgd"),
    ... )
    >>> space.defaults()
    {'opt': 'sgd', 'momentum': 0.9776393202}
    >>> space.encode({"opt": "adam"})
    array([0.75,  nan])
    >>> space.decode([0.75, 0.5])
    {'opt': 'adam'}
    """

    def __init__(self, parameters: Mapping[str, Parameter] | None = None, /, **named: Parameter) -> None:
        constraints = parameters.constraints if isinstance(parameters, Space) else ()
        self._assemble({**(parameters or {}), **named}, constraints)

    def _assemble(self, parameters: dict[str, Parameter], constraints: tuple[Expression, ...]) -> None:
        checks.check_parameters(parameters)
        self._parameters = parameters
        self._constraints = tuple(dict.fromkeys(constraints))
        self._names = tuple(parameters)
        self._order = checks.evaluation_order(parameters)
        for constraint in self._constraints:
            checks.check_names(constraint, parameters, "constraint")
        columns = {name: column for column, name in enumerate(parameters)}
        self._plan = tuple(
            (columns[name], name, parameters[name].bijection, parameters[name].condition) for name in self._order
        )
        self._conditional = any(p.condition is not None for p in parameters.values())
        self._encoders = tuple((name, p.bijection.encode) for name, p in parameters.items())
        self._decoders = tuple((name, p.bijection.decode) for name, p in parameters.items())

    # The mapping

    def __getitem__(self, name: str) -> Parameter:
        return self._parameters[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __len__(self) -> int:
        return len(self._parameters)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of declaration, which is the order of encoded columns."""
        return self._names

    @property
    def order(self) -> tuple[str, ...]:
        """Names in the order of evaluation: parents before those whose condition mentions them."""
        return self._order

    @property
    def constraints(self) -> tuple[Expression, ...]:
        """What params must satisfy beyond the ranges; see ``where``."""
        return self._constraints

    def where(self, *tests: str) -> "Space":
        """A space with further constraints; one that mentions an inactive parameter holds.

        >>> from welltempered.space import Int
        >>> space = Space(first=Int(1, 3), second=Int(1, 3)).where("second <= first")
        >>> [tuple(params.values()) for params in space.points(None)]
        [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3)]
        """
        space = Space.__new__(Space)
        space._assemble(self._parameters, (*self._constraints, *map(Expression, tests)))
        return space

    # Params to vectors and back

    def encode(self, params: Mapping[str, Any]) -> NDArray[np.float64]:
        """Positions in [0, 1], shape (d,), with NaN for inactive parameters.

        Raises:
            InvalidInput: if params are not in the space.
        """
        return np.array(self._positions(params))

    def _positions(self, params: Mapping[str, Any]) -> list[float]:
        try:
            if self._conditional:
                positions = self._active_positions(params)
                active = [u for u in positions if not math.isnan(u)]
            else:
                positions = active = [encode(params[name]) for name, encode in self._encoders]
        except (KeyError, TypeError, ValueError):
            self.check(params)
            raise
        # Cheap signs that params are wrong; a NaN makes the sum NaN.
        inside = min(active) >= 0 and max(active) <= 1 and sum(active) <= len(active)
        if not inside or len(active) != len(params):
            self.check(params)
        return positions

    def _active_positions(self, params: Mapping[str, Any]) -> list[float]:
        positions = [math.nan] * len(self._names)
        active: Params = {}
        for column, name, scale, condition in self._plan:
            if condition is None or condition.holds(active, missing=False):
                active[name] = params[name]
                positions[column] = scale.encode(params[name])
        return positions

    def encode_many(self, many: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        """Rows of ``encode``, shape (n, d)."""
        if not many:
            return np.empty((0, len(self._names)))
        return np.array([self._positions(params) for params in many])

    def decode(self, vector: ArrayLike) -> Params:
        """Params at positions in [0, 1], shape (d,); coordinates of inactive ones are ignored.

        Positions beyond [0, 1] count as its ends.

        Raises:
            InvalidInput: if the shape is wrong, or an active coordinate is NaN.
        """
        array = np.asarray(vector, dtype=np.float64)
        if array.shape != (len(self._names),):
            raise InvalidInput(f"vector must have shape ({len(self)},), got {array.shape}")
        positions = array.tolist()
        if not self._conditional:
            return {
                name: decode(u if 0.0 <= u <= 1.0 else _clamped(name, u))
                for (name, decode), u in zip(self._decoders, positions, strict=True)
            }
        params: Params = {}
        for column, name, scale, condition in self._plan:
            if condition is None or condition.holds(params, missing=False):
                params[name] = scale.decode(_clamped(name, positions[column]))
        return self._arranged(params)

    def sample(self, rng: np.random.Generator) -> Params:
        """Random params, uniform on the scales, that satisfy the constraints.

        Takes d numbers from ``rng`` per try.

        Raises:
            InvalidInput: if 10,000 tries all violate a constraint.
        """
        for _ in range(_TRIES):
            params = self.decode(rng.random(len(self._names)))
            if self.feasible(params):
                return params
        constraints = " and ".join(f"({constraint})" for constraint in self._constraints)
        found = f"{_TRIES} random tries violate {constraints}"
        raise InvalidInput(f"the constraints leave (almost) nothing: {found}")

    def defaults(self) -> Params:
        """The defaults of the active parameters.

        Without a default it is the middle of the scale, for a choice the first option. Constraints
        are not looked at: see ``feasible``.
        """
        params: Params = {}
        for _, name, _, condition in self._plan:
            if condition is None or condition.holds(params, missing=False):
                params[name] = self._parameters[name].start
        return self._arranged(params)

    def resolve(self, params: Mapping[str, Any]) -> Params:
        """Params with the names of named choices replaced by their objects."""
        return {name: self._parameters[name].resolve(value) for name, value in params.items()}

    # Membership

    def contains(self, params: Mapping[str, Any]) -> bool:
        """Whether params are the active parameters with values they contain, and feasible."""
        try:
            self.check(params)
        except InvalidInput:
            return False
        return True

    def check(self, params: Mapping[str, Any]) -> None:
        """Says what is wrong with params, if anything is.

        Raises:
            InvalidInput: if a name is unknown, missing or inactive, a value is not contained in
                its parameter, or a constraint is violated.
        """
        for name in params:
            checks.check_name(name, self._parameters)
        seen: Params = {}
        for _, name, _, condition in self._plan:
            if condition is None or condition.holds(seen, missing=False):
                if name not in params:
                    raise InvalidInput(f"{name} is missing from {dict(params)!r}")
                seen[name], parameter = params[name], self._parameters[name]
                if not parameter.contains(seen[name]):
                    raise InvalidInput(checks.not_contained(name, parameter, seen[name]))
            elif name in params:
                raise InvalidInput(f"{name} is inactive unless {condition}, leave it out")
        for constraint in self._constraints:
            if not constraint.holds(seen, missing=True):
                used = {name: params[name] for name in self._names if name in constraint.names}
                raise InvalidInput(f"{used!r} violates the constraint {constraint}")

    def feasible(self, params: Mapping[str, Any]) -> bool:
        """Whether the constraints hold, and nothing else."""
        return all(constraint.holds(params, missing=True) for constraint in self._constraints)

    # Counting and enumerating

    @cached_property
    def size(self) -> float:
        """Number of distinct params, ``math.inf`` if a reachable parameter is continuous.

        Exact with conditions, but constraints are ignored. The values of parameters that appear in
        conditions are enumerated, so those should be few.

        >>> from welltempered.space import Int
        >>> Space(depth=Int(1, 3), width=Int(1, 10).when("depth > 1")).size
        21
        """
        return self.count(None)

    def count(self, k: int | None) -> float:
        """Number of params ``points(k)`` visits before it filters by the constraints."""
        total: float = 1
        for group in self._groups():
            total = _times(total, self._count(group, k, {}))
        return total

    def _count(self, names: Sequence[str], k: int | None, params: Params) -> float:
        if not names:
            return 1
        name, rest = names[0], names[1:]
        parameter = self._parameters[name]
        condition = parameter.condition
        if condition is not None and not condition.holds(params, missing=False):
            return self._count(rest, k, params)
        if math.isinf(parameter.size) and k is None:
            return math.inf
        if name not in self._controlling:
            width = parameter.size if k is None else len(parameter.grid(k))
            return _times(width, self._count(rest, k, params))
        total: float = 0
        for value in _grid(parameter, k):
            part = self._count(rest, k, {**params, name: value})
            total = math.inf if math.isinf(part) else total + part
        return total

    def _groups(self) -> list[list[str]]:
        """Names that conditions connect; in each group those in conditions first."""
        group_of = {name: {name} for name in self}
        for name, parameter in self.items():
            for parent in parameter.condition.names if parameter.condition else ():
                joined = group_of[name] | group_of[parent]
                group_of.update(dict.fromkeys(joined, joined))
        groups = {id(group): group for group in group_of.values()}.values()
        ordered = sorted(self._order, key=lambda name: name not in self._controlling)
        return [[name for name in ordered if name in group] for group in groups]

    @cached_property
    def _controlling(self) -> frozenset[str]:
        """Names that some condition mentions."""
        conditions = [p.condition for p in self._parameters.values() if p.condition is not None]
        return frozenset().union(*(condition.names for condition in conditions))

    def points(self, k: int | None) -> Iterator[Params]:
        """All params on the grid, lazily and in lexicographic order of ``order``.

        Args:
            k: points per numeric parameter; None for all values, which must then be finitely many.

        Raises:
            InvalidInput: if k is None and a reachable parameter is continuous.
        """
        if k is None and math.isinf(self.size):
            name = next(name for name, parameter in self._parameters.items() if math.isinf(parameter.size))
            raise InvalidInput(f"{name} is continuous: give the points per parameter, or a step")
        return filter(self.feasible, map(self._arranged, self._walk(k, 0, {})))

    def _walk(self, k: int | None, depth: int, params: Params) -> Iterator[Params]:
        if depth == len(self._plan):
            yield params
            return
        _, name, _, condition = self._plan[depth]
        if condition is None or condition.holds(params, missing=False):
            for value in _grid(self._parameters[name], k):
                yield from self._walk(k, depth + 1, {**params, name: value})
        else:
            yield from self._walk(k, depth + 1, params)

    # Values of Python

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``from_json`` reads; objects of named choices are not in it."""
        parameters = [{"name": name, **p.to_json()} for name, p in self._parameters.items()]
        return {"parameters": parameters, "constraints": [c.text for c in self._constraints]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Space":
        """The space that ``to_json`` described.

        Raises:
            InvalidInput: if anything in it is unknown or missing.
        """
        try:
            described = [dict(entry) for entry in data["parameters"]]
            parameters = {entry.pop("name"): parameter_from_json(entry) for entry in described}
            return cls(parameters).where(*data.get("constraints", ()))
        except (KeyError, TypeError) as error:
            raise InvalidInput(f"cannot read the space {data!r}: {error!r}") from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[Any, ...]:
        return tuple(self._parameters.items()), self._constraints

    def __repr__(self) -> str:
        lines = "".join(f"    {name}={p!r},\n" for name, p in self._parameters.items())
        tests = ", ".join(repr(constraint.text) for constraint in self._constraints)
        return f"Space(\n{lines})" + (f".where({tests})" if tests else "")

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._parameters, tuple(c.text for c in self._constraints))

    def _arranged(self, params: Params) -> Params:
        """The same params in the order of declaration."""
        if self._order == self._names:
            return params
        return {name: params[name] for name in self._names if name in params}


def _restored(parameters: dict[str, Parameter], constraints: tuple[str, ...]) -> Space:
    return Space(parameters).where(*constraints)


def _clamped(name: str, u: float) -> float:
    if math.isnan(u):
        raise InvalidInput(f"the coordinate of {name} is NaN, but {name} is active here")
    return min(1.0, max(0.0, u))


def _times(a: float, b: float) -> float:
    """The product; an int may be too large to meet the float inf."""
    return math.inf if math.inf in (a, b) else a * b


def _grid(parameter: Parameter, k: int | None) -> Iterator[Any]:
    """All values lazily, as there may be many; or k of them."""
    if k is None:
        return parameter.bijection.values()
    return iter(parameter.grid(k))
