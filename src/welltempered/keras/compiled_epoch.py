"""A Keras model compiled whole on the JAX backend: an epoch is a program, its hyperparameters go in when it runs."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import keras
import numpy as np

from welltempered.jax.data import on_device
from welltempered.jax.loop import Loop, epochs
from welltempered.jax.programs import programs
from welltempered.keras.compiled_known import Made, shapes_of, signature
from welltempered.keras.compiled_numbers import ROOM, NotLifted, Slot, Tape, slots, substituted
from welltempered.keras.compiled_rows import can_leave_out, leaving_out

__all__ = ["Program", "arrays", "loop_of", "put", "values_of"]

Carry = Any

_ways: dict[tuple[type, ...], bool] = {}
"""Whether an epoch is one program, by the kinds of layers of a model; so it is found out once."""


def _variables(model: Any) -> dict[str, list[Any]]:
    """All that training changes, in the order in which Keras' stateless methods take it."""
    return {
        "trainable": model.trainable_variables,
        "other": model.non_trainable_variables,
        "optimizer": model.optimizer.variables,
        "metrics": model.metrics_variables,
    }


_TRAINED = ("trainable", "other", "optimizer", "metrics")
_TESTED = ("trainable", "other", "metrics")


def values_of(model: Any) -> dict[str, list[Any]]:
    """The values of all variables, as arrays of JAX."""
    return {name: [variable.value for variable in own] for name, own in _variables(model).items()}


def put(model: Any, carry: Mapping[str, list[Any]]) -> None:
    """Give a model what training has made of it."""
    for name, own in _variables(model).items():
        for variable, value in zip(own, carry[name], strict=True):
            variable._value = value  # `assign` would convert and check what the program has made itself


def loop_of(model: Any, places: list[Slot], tape: Tape, pads: tuple[bool, bool]) -> Loop:
    """What an epoch of `fit` is made of: Keras' own steps, which are pure on the JAX backend."""

    def measured(carry: Carry) -> keras.StatelessScope:
        return keras.StatelessScope(list(zip(model.metrics_variables, carry["metrics"], strict=True)))

    def begin(carry: Carry) -> Carry:
        with measured(carry) as scope:
            model.reset_metrics()
        return {**carry, "metrics": [scope.get_current_value(v) for v in model.metrics_variables]}

    def step(carry: Carry, batch: Any, inputs: Any, present: Any) -> Carry:
        with substituted(places, tape, inputs), _counted(model, batch, present) as rows:
            _, state = model.train_step(tuple(carry[name] for name in _TRAINED), rows)
        return dict(zip(_TRAINED, state, strict=True))

    def test(carry: Carry, batch: Any, inputs: Any, present: Any) -> Carry:
        with substituted(places, tape, inputs), _counted(model, batch, present) as rows:
            _, state = model.test_step(tuple(carry[name] for name in _TESTED), rows)
        return {**carry, **dict(zip(_TESTED, state, strict=True))}

    def result(carry: Carry) -> Mapping[str, Any]:
        with measured(carry):
            logs: Mapping[str, Any] = model.get_metrics_result()
        return logs

    return Loop(begin, step, test, result, pads)


def _counted(model: Any, batch: Any, present: Any) -> AbstractContextManager[Any]:
    """The batch for a step in which all rows count, or some."""
    return nullcontext(batch) if present is None else leaving_out(model, batch, present)


def arrays(parts: tuple[Any, ...], class_weight: Mapping[int, float] | None = None) -> tuple[Any, ...]:
    """Data as `fit` would hand it to the model: floats as Keras computes, weights of classes as weights of rows."""
    if class_weight is not None:
        parts = (*parts[:2], _weights(np.asarray(parts[1]), class_weight))
    return jax.tree.map(_float, on_device(parts))  # type: ignore[no-any-return] # a tuple stays one


def _float(array: Any) -> Any:
    floating = jax.numpy.issubdtype(array.dtype, jax.numpy.floating)
    return array.astype(keras.config.floatx()) if floating and array.dtype != keras.config.floatx() else array


def _weights(y: Any, class_weight: Mapping[int, float]) -> Any:
    if y.ndim > 1:
        y = y.argmax(-1) if y.shape[-1] != 1 else y[..., 0]
    classes, where = np.unique(np.round(y).astype(np.int32), return_inverse=True)
    weights = np.array([class_weight.get(int(one), 1.0) for one in classes], keras.config.floatx())
    return weights[where.reshape(-1)]


class Program:
    """The epoch of a model.

    Args:
        model: compiled by `compile`, and built.
        train: data on the device: (x, y) or (x, y, weights).
        held: to validate on, or `None`.
        batch_size: rows of a batch.
        whole: one program, or one per batch; `None` chooses.
    """

    def __init__(self, model: Any, train: Any, held: Any, batch_size: int, *, whole: bool | None = None) -> None:
        model._symbolic_build(data_batch=jax.tree.map(lambda array: array[:batch_size], train))
        self._model, self._train, self._held = model, train, held
        kinds = tuple(type(layer) for layer in model._flatten_layers())
        whole = _ways.get(kinds) if whole is None else whole
        places, pads = slots(model), can_leave_out(model, train)
        key = signature(model, places, shapes_of(train, held), batch_size, pads)
        made: Made | None = None if key is None else programs.find((key, whole))
        values = None if made is None else made.values(places)
        if made is None or values is None:
            made, values = _traced(model, places, pads, (train, held, batch_size), whole=whole)
            if key is not None:
                programs.keep((key, made.epoch.whole), made)
        _ways.setdefault(kinds, made.epoch.whole)
        self.whole, self._epoch, self._inputs = made.epoch.whole, made.epoch, made.tape.inputs(values)

    def __call__(self, order: Any) -> dict[str, float]:
        """Train an epoch, with the rows in this order, and validate: the logs of `fit`."""
        carry, logs, held = self._epoch(values_of(self._model), self._inputs, self._train, self._held, order)
        put(self._model, carry)
        logs, held = jax.device_get((logs, held))
        own = {name: float(value) for name, value in logs.items()}
        return own | {f"val_{name}": float(value) for name, value in held.items()}


def _traced(
    model: Any, places: list[Slot], pads: tuple[bool, bool], data: tuple[Any, Any, int], *, whole: bool | None
) -> tuple[Made, list[float]]:
    """The epoch of a model, and the numbers that go in: as many of those at these places as can."""
    train, held, batch_size = data
    lifted = places.copy()
    while True:
        values = [place.value for place in lifted]
        tape = Tape(values)
        example = (values_of(model), (0.0,) * ROOM, train, held)
        try:
            epoch = epochs(loop_of(model, lifted, tape, pads), example, batch_size, whole=whole)
        except NotLifted as refused:
            del lifted[refused.index]
        except Exception:
            if not lifted:
                raise
            lifted = [] if tape.last is None else lifted[: tape.last] + lifted[tape.last + 1 :]  # it is to blame
        else:
            paths = frozenset(place.path for place in lifted)
            fixed = tuple(place.value for place in places if place.path not in paths)
            return Made(epoch, tape, paths, fixed), values
