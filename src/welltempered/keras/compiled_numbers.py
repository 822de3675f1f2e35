"""Hyperparameters of a Keras model that go in when its program runs, so that other values need no other program."""

import operator
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Never

import jax
import jax.numpy as jnp
import keras

__all__ = ["ROOM", "NotLifted", "Slot", "Tape", "slots", "substituted"]

ROOM = 64
"""How many numbers a program may take; those that a model does not use cost nothing."""


class NotLifted(TypeError):
    """A number is used in a way that must know it while the program is made.

    Attributes:
        index: which.
    """

    def __init__(self, index: int) -> None:
        super().__init__(f"number {index} is needed while the program is made")
        self.index = index


@dataclass(frozen=True)
class Slot:
    """Where a hyperparameter stands.

    Attributes:
        owner: the namespace that holds it.
        name: under which.
        path: tells it from others of the model, the same for the same place in another model.
    """

    owner: MutableMapping[str, Any] = field(repr=False)
    name: str
    path: str

    @property
    def value(self) -> float:
        """The number that is there."""
        return float(self.owner[self.name])


@dataclass
class Tape:
    """What a program wants to know of its numbers: functions of them, and comparisons that must come out the same.

    Python computes with doubles and Keras hands the result to JAX, so `1 - beta` is made here, in doubles, and goes in
    as a number of its own: what is trained is what `fit` trains, bit for bit.

    Attributes:
        values: the numbers with which the program is made.
        recipes: functions of all values that go in.
        guards: (what it is asked, the answer with which the program was made).
        last: which number was used last.
    """

    values: Sequence[float]
    recipes: dict[tuple[Any, ...], Callable[[Sequence[float]], float]] = field(default_factory=dict)
    guards: list[tuple[Callable[[Sequence[float]], bool], bool]] = field(default_factory=list)
    last: int | None = None

    def inputs(self, values: Sequence[float]) -> tuple[Any, ...]:
        """What goes into the program for these values."""
        made = [float(recipe(values)) for recipe in self.recipes.values()]
        return tuple(jnp.asarray(number) for number in made + [0.0] * (ROOM - len(made)))

    def fits(self, values: Sequence[float]) -> bool:
        """Whether all comparisons come out as they did when the program was made."""
        return all(ask(values) == answer for ask, answer in self.guards)

    def number(self, key: tuple[Any, ...], recipe: Callable[[Sequence[float]], float], inputs: Sequence[Any]) -> Any:
        """The input that holds a function of the values."""
        if key not in self.recipes:
            if len(self.recipes) == ROOM:
                raise NotLifted(key[0])
            self.recipes[key] = recipe
        return inputs[list(self.recipes).index(key)]

    def ask(self, question: Callable[[Sequence[float]], bool]) -> bool:
        """Answer for the present values, and hold others to it."""
        answer = question(self.values)
        self.guards.append((question, answer))
        return answer


def _calculated(operation: Callable[[Any, Any], Any], *, swapped: bool = False) -> Callable[["Number", Any], Any]:
    def method(self: "Number", other: Any) -> Any:
        return self.calculate(operation, other, swapped=swapped)

    return method


def _compared(operation: Callable[[Any, Any], Any]) -> Callable[["Number", Any], Any]:
    def method(self: "Number", other: Any) -> Any:
        number = self.calculate(operation, other, swapped=False)
        return bool(number) if isinstance(number, Number) else number

    return method


class Number:
    """Stands where a hyperparameter was while a model is traced: computes as an input of the program does.

    What is made of it and of numbers of Python is a number of the same kind. Compared with one it answers as the
    hyperparameter would, and the tape notes it: `if rate > 0` takes the right branch, and a rate of 0 needs another
    program.

    Args:
        tape: of the program.
        inputs: of the program.
        index: which hyperparameter.
        key: what was made of it; the same for the same.
        recipe: makes it of all values.
    """

    def __init__(
        self,
        tape: Tape,
        inputs: Sequence[Any],
        index: int,
        key: tuple[Any, ...],
        recipe: Callable[[Sequence[float]], float],
    ) -> None:
        self.tape, self.inputs, self.index, self.key, self.recipe = tape, inputs, index, key, recipe

    def __jax_array__(self) -> Any:
        self.tape.last = self.index
        return self.tape.number(self.key, self.recipe, self.inputs)

    def calculate(self, operation: Callable[[Any, Any], Any], other: Any, *, swapped: bool) -> Any:
        """With numbers of Python in doubles, with all else in the program."""
        mine = self.recipe
        if isinstance(other, Number):
            theirs, name = other.recipe, other.key
        elif isinstance(other, int | float):
            theirs, name = (lambda _: other), (other,)
        else:
            pair = (self.__jax_array__(), other)
            return operation(*(pair[::-1] if swapped else pair))
        key = (self.index, operation.__name__, swapped, self.key, name)
        if swapped:
            return Number(
                self.tape, self.inputs, self.index, key, lambda values: operation(theirs(values), mine(values))
            )
        return Number(self.tape, self.inputs, self.index, key, lambda values: operation(mine(values), theirs(values)))

    def __bool__(self) -> bool:
        recipe = self.recipe
        return self.tape.ask(lambda values: bool(recipe(values)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.__jax_array__(), name)  # dtype, shape: functions of arrays take it for one

    def _refuse(self, *_: object) -> Never:
        raise NotLifted(self.index)

    __float__ = __int__ = __index__ = __hash__ = __array__ = __round__ = _refuse
    __add__, __radd__ = _calculated(operator.add), _calculated(operator.add, swapped=True)
    __sub__, __rsub__ = _calculated(operator.sub), _calculated(operator.sub, swapped=True)
    __mul__, __rmul__ = _calculated(operator.mul), _calculated(operator.mul, swapped=True)
    __truediv__, __rtruediv__ = _calculated(operator.truediv), _calculated(operator.truediv, swapped=True)
    __pow__, __rpow__ = _calculated(operator.pow), _calculated(operator.pow, swapped=True)
    __eq__, __ne__ = _compared(operator.eq), _compared(operator.ne)
    __lt__, __le__ = _compared(operator.lt), _compared(operator.le)
    __gt__, __ge__ = _compared(operator.gt), _compared(operator.ge)

    def __neg__(self) -> Any:
        return self.calculate(operator.mul, -1.0, swapped=False)


# Where JAX is given one as an argument of a function that it compiles, it takes the input.
jax.tree_util.register_pytree_node(Number, lambda number: ((number.__jax_array__(),), None), lambda _, parts: parts[0])


def slots(model: Any) -> list[Slot]:
    """Where hyperparameters of a compiled model stand: plain floats of layers, optimizer, losses and what they hold.

    Of Keras' own classes only, which use them in their arithmetic. What is written elsewhere may use a number for
    anything; there it is part of the program.
    """
    found: list[Slot] = []
    seen: set[int] = set()
    for path, owner in _owners(model):
        if id(owner) in seen:
            continue
        seen.add(id(owner))
        space = owner if isinstance(owner, dict) else vars(owner)
        found += [Slot(space, name, f"{path}.{name}") for name, value in space.items() if type(value) is float]
    return found


def _owners(model: Any) -> Iterator[tuple[str, Any]]:
    """All that may hold a number, with a name that is the same in another model of the same make."""
    roots = [(f"layer {number}", layer) for number, layer in enumerate(model._flatten_layers(include_self=False))]
    roots.append(("optimizer", model.optimizer))
    losses = getattr(model._compile_loss, "_flat_losses", None) or ()
    roots += [(f"loss {number}", loss.loss) for number, loss in enumerate(losses)]
    for path, root in roots:
        if not ours(root):
            continue
        yield path, root
        for name, part in vars(root).items():
            if name == "_fn_kwargs":
                yield f"{path}.{name}", part
            elif isinstance(part, _PARTS) and ours(part):
                yield f"{path}.{name}", part
                yield from _schedules(f"{path}.{name}", part)


def _schedules(path: str, part: Any) -> Iterator[tuple[str, Any]]:
    """Schedules of welltempered are values within one of Keras."""
    inner = ((f"{path}.{name}", each) for name, each in vars(part).items())
    return ((name, each) for name, each in inner if type(each).__module__.startswith("welltempered.annealing."))


_PARTS = (
    keras.regularizers.Regularizer,
    keras.constraints.Constraint,
    keras.optimizers.schedules.LearningRateSchedule,
)


def ours(thing: Any) -> bool:
    """Whether a thing is of a class of Keras itself, or of welltempered's schedules."""
    return type(thing).__module__.startswith(("keras.", "welltempered."))


@contextmanager
def substituted(places: Sequence[Slot], tape: Tape, inputs: Sequence[Any]) -> Iterator[None]:
    """Have inputs of the program stand where the hyperparameters are."""
    before = [place.owner[place.name] for place in places]
    try:
        for index, place in enumerate(places):
            place.owner[place.name] = Number(tape, inputs, index, (index,), operator.itemgetter(index))
        yield
    finally:
        for place, value in zip(places, before, strict=True):
            place.owner[place.name] = value
