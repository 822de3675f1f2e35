"""The search space: named parameters, conditions between them, constraints on them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.expression import Expression
from welltempered.space.choice import Choice
from welltempered.space.parameters import Parameter
from welltempered.space.reading import parameter_from_json
from welltempered.space.refused import check_contained, check_names, check_parameters, joined, parents_of
from welltempered.space.scales import Scale

__all__ = ["Params", "Space"]

Params: TypeAlias = dict[str, Any]
"""One assignment: the values of the active parameters by name, plain Python that JSON can hold."""

Parameters: TypeAlias = Mapping[str, Parameter]

_TRIES = 10_000


@final
class Space(Mapping[str, Parameter]):
    """Immutable mapping of names to parameters; columns of encoded arrays follow its order.

    Args:
        parts: parameters by name, as ``optimizer``, ``layers`` and ``schedule`` give them, or other spaces, which
            bring their constraints along; further constraints are added with ``where``.
        named: further parameters; the names must be Python identifiers, and each may come once.

    Attributes:
        names: names in the order of declaration, which is the order of encoded columns.
        order: names in the order of evaluation: parents before those whose condition mentions them.
        constraints: what params must satisfy beyond the ranges.

    A parameter with a condition is active only where the condition holds; a condition that mentions an inactive
    parameter does not. Params hold the active parameters only. Spaces are equal if their JSON is.

    Raises:
        InvalidInput: if the space is empty, a name is no identifier or comes twice, or a condition is cyclic, mentions
            an unknown parameter or (where that is cheap to see) can never hold.

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
    >>> list(Space(space, {"depth": Choice(1, 2)}, batch=Choice(32, 64)))
    ['opt', 'momentum', 'depth', 'batch']
    """

    def __init__(self, /, *parts: Parameters, **named: Parameter) -> None:
        self._parameters: dict[str, Parameter] = joined(*parts, named)
        check_parameters(self._parameters)
        inherited = [test for part in parts if isinstance(part, Space) for test in part.constraints]
        self.constraints: tuple[Expression, ...] = tuple(dict.fromkeys(inherited))
        self.names: Final = tuple(self._parameters)
        self.order: Final = _evaluation_order(self._parameters)
        rows = [(self.names.index(name), name, self[name]) for name in self.order]
        self._plan = tuple((column, name, p.bijection, p.condition) for column, name, p in rows)

    # The mapping

    def __getitem__(self, name: str) -> Parameter:
        return self._parameters[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __len__(self) -> int:
        return len(self._parameters)

    def where(self, *tests: str) -> "Space":
        """A space with further constraints; one that mentions an inactive parameter holds.

        >>> from welltempered.space import Int
        >>> space = Space(first=Int(1, 3), second=Int(1, 3)).where("second <= first")
        >>> [tuple(params.values()) for params in space.points(None)]
        [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3)]
        """
        further = [*map(Expression, tests)]
        for test in further:
            check_names(test.names, self, f"in the constraint, {test}: ")
        changed = Space(self)
        changed.constraints = tuple(dict.fromkeys([*self.constraints, *further]))
        return changed

    # Params to vectors and back

    def _active(self, params: Params) -> Iterator[tuple[int, str, Scale]]:
        """Columns, names and scales that are active, parents first, while the caller puts the values in params."""
        for column, name, scale, condition in self._plan:
            if condition is None or condition.holds(params, missing=False):
                yield column, name, scale

    def encode(self, params: Mapping[str, Any]) -> NDArray[np.float64]:
        """Positions in [0, 1], shape (d,), with NaN for inactive parameters.

        Raises:
            InvalidInput: if params are not in the space.
        """
        return np.array(self._positions(params))

    def encode_many(self, many: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        """Rows of ``encode``, shape (n, d)."""
        return np.array([self._positions(params) for params in many]).reshape(-1, len(self))

    def _positions(self, params: Mapping[str, Any]) -> list[float]:
        positions, seen, inside = [math.nan] * len(self.names), Params(), True
        try:
            for column, name, scale in self._active(seen):
                seen[name] = value = params[name]
                positions[column] = u = scale.encode(value)
                if not 0.0 <= u <= 1.0:
                    inside = False
        except (KeyError, TypeError, ValueError):
            self.check(params)
            raise
        if not inside or len(seen) != len(params):  # cheap signs that params are wrong
            self.check(params)
        return positions

    def decode(self, vector: ArrayLike) -> Params:
        """Params at positions in [0, 1], shape (d,); coordinates of inactive ones are ignored.

        Positions beyond [0, 1] count as its ends.

        Raises:
            InvalidInput: if the shape is wrong, or an active coordinate is NaN.
        """
        array = np.asarray(vector, dtype=np.float64)
        if array.shape != (len(self.names),):
            raise InvalidInput(f"vector must have shape ({len(self)},), got {array.shape}")
        positions = array.tolist()
        params: Params = {}
        for column, name, scale in self._active(params):
            u = positions[column]
            if not 0.0 <= u <= 1.0:
                if math.isnan(u):
                    raise InvalidInput(f"the coordinate of {name} is NaN, but {name} is active here")
                u = min(1.0, max(0.0, u))
            params[name] = scale.decode(u)
        return self._arranged(params)

    def sample(self, rng: np.random.Generator) -> Params:
        """Random params, uniform on the scales, that satisfy the constraints.

        Takes d numbers from ``rng`` per try.

        Raises:
            InvalidInput: if 10,000 tries all violate a constraint.
        """
        for _ in range(_TRIES):
            params = self.decode(rng.random(len(self.names)))
            if self.feasible(params):
                return params
        constraints = " and ".join(f"({constraint})" for constraint in self.constraints)
        raise InvalidInput(f"the constraints leave (almost) nothing: {_TRIES} random tries violate {constraints}")

    def defaults(self) -> Params:
        """The defaults of the active parameters.

        Without a default it is the middle of the scale, for a choice the first option. Constraints are not looked at:
        see ``feasible``.
        """
        params: Params = {}
        for _, name, _ in self._active(params):
            params[name] = self[name].start
        return self._arranged(params)

    def resolve(self, params: Mapping[str, Any]) -> Params:
        """Params with the names of named choices replaced by their objects."""
        return {name: self._parameters[name].resolve(value) for name, value in params.items()}

    def check_objects(self) -> None:
        """Refuse a space that was read from JSON and names objects, which are not there: training needs them."""
        without = [name for name, parameter in self.items() if isinstance(parameter, Choice) and parameter.nameless]
        if without:
            raise InvalidInput(
                f"choices of named objects must have their objects to train, but the log holds the names alone: "
                f"{', '.join(without)}; go on with tune or Study.create, which are given the space"
            )

    def _arranged(self, params: Params) -> Params:
        """The same params in the order of declaration."""
        if self.order == self.names:
            return params
        return {name: params[name] for name in self.names if name in params}

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
            InvalidInput: if a name is unknown, missing or inactive, a value is not contained in its parameter, or a
                constraint is violated.
        """
        check_names(params, self)
        seen: Params = {}
        for _, name, _ in self._active(seen):
            if name not in params:
                raise InvalidInput(f"{name} is missing from {dict(params)!r}")
            check_contained(name, self[name], params[name])
            seen[name] = params[name]
        for name in params.keys() - seen.keys():
            raise InvalidInput(f"{name} is inactive unless {self[name].condition}, leave it out")
        for constraint in self.constraints:
            if not constraint.holds(params, missing=True):
                used = {name: params[name] for name in self.names if name in constraint.names}
                raise InvalidInput(f"{used!r} violates the constraint {constraint}")

    def feasible(self, params: Mapping[str, Any]) -> bool:
        """Whether the constraints hold, and nothing else."""
        return all(constraint.holds(params, missing=True) for constraint in self.constraints)

    # Counting and enumerating

    @cached_property
    def size(self) -> float:
        """Number of distinct params, ``math.inf`` if a reachable parameter is continuous.

        Exact with conditions, but constraints are ignored. The values of parameters that appear in conditions are
        enumerated, so those should be few.

        >>> from welltempered.space import Int
        >>> Space(depth=Int(1, 3), width=Int(1, 10).when("depth > 1")).size
        21
        """
        return self.count(None)

    def count(self, k: int | None) -> float:
        """Number of params ``points(k)`` visits before it filters by the constraints."""
        groups: list[set[str]] = []  # names that conditions connect; what they do not connect multiplies
        for name, parameter in self.items():
            linked = {name} | parents_of(parameter)
            joined = linked.union(*(group for group in groups if group & linked))
            groups = [joined, *(group for group in groups if not group & linked)]
        counts = [self._count([name for name in self.order if name in group], k, {}) for group in groups]
        return math.inf if math.inf in counts else math.prod(counts)

    def _count(self, names: Sequence[str], k: int | None, params: Params) -> float:
        if not names:
            return 1
        name, rest = names[0], names[1:]
        parameter = self[name]
        if not parameter.active(params):
            return self._count(rest, k, params)
        size = parameter.size if k is None else len(parameter.grid(k))
        if math.isinf(size) or not any(name in parents_of(self[other]) for other in rest):
            return math.inf if math.isinf(size) else size * self._count(rest, k, params)
        counts = [self._count(rest, k, {**params, name: value}) for value in parameter.values(k)]
        return math.inf if math.inf in counts else sum(counts)

    def points(self, k: int | None) -> Iterator[Params]:
        """All params on the grid, lazily and in lexicographic order of ``order``.

        Args:
            k: points per numeric parameter; None for all values, which must then be finitely many.

        Raises:
            InvalidInput: if k is None and a reachable parameter is continuous.
        """
        if k is None and math.isinf(self.size):
            name = next(name for name, parameter in self.items() if math.isinf(parameter.size))
            raise InvalidInput(f"{name} is continuous: give the points per parameter, or a step")
        points: Iterator[Params] = iter([{}])
        for name in self.order:
            points = _extended(points, name, self[name], k)
        return filter(self.feasible, map(self._arranged, points))

    # Values of Python

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``from_json`` reads; objects of named choices are not in it."""
        parameters = [{"name": name, **p.to_json()} for name, p in self.items()]
        return {"parameters": parameters, "constraints": [c.text for c in self.constraints]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Space":
        """The space that ``to_json`` described.

        Raises:
            InvalidInput: if anything in it is unknown or missing.
        """
        try:
            described = [{**entry} for entry in data["parameters"]]
            parameters = {entry.pop("name"): parameter_from_json(entry) for entry in described}
            return cls(parameters).where(*data.get("constraints", ()))
        except (KeyError, TypeError) as error:
            raise InvalidInput(f"cannot read the space {shown(data)}: {error!r}") from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> Any:
        return tuple(self.items()), self.constraints

    def __repr__(self) -> str:
        lines = "".join(f"    {name}={parameter!r},\n" for name, parameter in self.items())
        tests = ", ".join(repr(constraint.text) for constraint in self.constraints)
        return f"Space(\n{lines})" + (f".where({tests})" if tests else "")

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._parameters, [constraint.text for constraint in self.constraints])


def _restored(parameters: Parameters, tests: Sequence[str]) -> Space:
    """The space that was pickled, with the objects of its named choices."""
    return Space(parameters).where(*tests)


def _evaluation_order(parameters: Parameters) -> tuple[str, ...]:
    """Names in which parents come before children and otherwise as declared."""
    order: list[str] = []
    while waiting := [name for name in parameters if name not in order]:
        ready = next((name for name in waiting if parents_of(parameters[name]) <= set(order)), None)
        if ready is None:
            raise InvalidInput(f"the conditions of {', '.join(waiting)} depend on each other")
        order.append(ready)
    return tuple(order)


def _extended(points: Iterator[Params], name: str, parameter: Parameter, k: int | None) -> Iterator[Params]:
    """Each point with each value of the parameter, where that is active."""
    for params in points:
        if parameter.active(params):
            for value in parameter.values(k):
                yield {**params, name: value}
        else:
            yield params
