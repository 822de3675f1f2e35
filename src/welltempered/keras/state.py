"""The state of a model and its optimizer, and of callbacks."""

import copy
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from welltempered.errors import InvalidInput

__all__ = ["State", "of_callback", "state", "to_callback"]

_PLAIN = (bool, int, float, str, bytes, type(None))
_COMPARISONS = {"keras.ops.less": keras.ops.less, "keras.ops.greater": keras.ops.greater}
"""What callbacks of Keras take to know better from worse, once they have seen the metrics of the model."""

Known = dict[str, Any]


class State:
    """A model and its optimizer for `run.keep`: `run.keep(model=wt.keras.state(model))`.

    It holds the weights, what layers count beside them (averages of BatchNorm, seeds of Dropout), and all that the
    optimizer knows: moments, steps, a learning rate that a callback has changed. Arrays are NumPy's, so a state can be
    read anywhere.

    A trial that begins with the state of another one (population-based training) takes all of it but the learning
    rate, which is its own, lowered as far as the other's was; and of an optimizer of another kind it takes nothing.

    Args:
        model: a Keras model that is compiled and built.

    Raises:
        InvalidInput: if it is not.
    """

    def __init__(self, model: Any) -> None:
        if not isinstance(model, keras.Model):
            raise InvalidInput(f"model must be a keras.Model, got {type(model).__name__}")
        if not model.built:
            raise InvalidInput(
                f"model must know the shape of its input, got {model.name!r} without; begin it with keras.Input(shape) "
                "or call it on a batch first"
            )
        optimizer = getattr(model, "optimizer", None)
        if optimizer is None:
            raise InvalidInput(f"model must be compiled, got {model.name!r} without an optimizer; call model.compile")
        if not optimizer.built:  # one that scales its loss would get the same variables again
            optimizer.build(model.trainable_variables)
        self._model = model
        self._base = self._rates()

    def state_dict(self) -> Known:
        """All values, as arrays; and what it takes to tell optimizers and their learning rates apart."""
        values = {name: [_array(variable) for variable in own] for name, own in self._variables().items()}
        return {**values, "kind": self._kind(), "base": self._base}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take these values.

        Raises:
            InvalidInput: if the model has other variables.
        """
        for name, own in self._variables().items():
            shapes = [tuple(variable.shape) for variable in own]
            found = [np.shape(value) for value in state[name]]
            if shapes != found:
                raise InvalidInput(
                    f"model must have the variables that were saved, got shapes {shapes} of the {name} ones, "
                    f"saved were {found}; did the builder change since?"
                )
            for variable, value in zip(own, state[name], strict=True):
                variable.assign(_like(variable, value))

    def inherit(self, state: Mapping[str, Any]) -> None:
        """Take the values of another trial; see `inherited`."""
        self.load_state_dict(self.inherited(state))

    def inherited(self, state: Mapping[str, Any]) -> Known:
        """The state of another trial, with the hyperparameters of this one."""
        own = self.state_dict()
        if own["kind"] != state["kind"] or len(own["optimizer"]) != len(state["optimizer"]):
            return {**state, "optimizer": own["optimizer"]}
        values = list(state["optimizer"])
        for at, mine, theirs in zip(self._places(), self._base, state["base"], strict=True):
            values[at] = np.asarray(mine * float(values[at]) / theirs if theirs else mine, values[at].dtype)
        return {**state, "optimizer": values}

    def _variables(self) -> dict[str, list[Any]]:
        model = self._model
        return {
            "trainable": model.trainable_variables,
            "other": model.non_trainable_variables,
            "optimizer": model.optimizer.variables,
        }

    def _kind(self) -> list[str]:
        """Classes of the optimizer and of those it wraps."""
        kinds, optimizer = [], self._model.optimizer
        while optimizer is not None:
            kinds.append(type(optimizer).__name__)
            optimizer = getattr(optimizer, "inner_optimizer", None)
        return kinds

    def _places(self) -> list[int]:
        """Where learning rates stand among the variables of the optimizer; a schedule of rates is none of them."""
        return [at for at, variable in enumerate(self._model.optimizer.variables) if variable.name == "learning_rate"]

    def _rates(self) -> list[float]:
        variables = self._model.optimizer.variables
        return [float(_array(variables[at])) for at in self._places()]


def _array(variable: Any) -> Any:
    """A copy, since torch would share its memory; types that NumPy lacks as their bytes."""
    array = np.array(keras.ops.convert_to_numpy(variable.value))
    return array.view(f"u{array.itemsize}") if array.dtype.kind == "V" else array


def _like(variable: Any, saved: Any) -> Any:
    """The other way round."""
    kind = keras.ops.convert_to_numpy(variable.value).dtype
    return saved.view(kind) if kind.kind == "V" else saved


def state(model: Any) -> State:
    """The state of a model and its optimizer, for `run.keep`; see `State`."""
    return State(model)


def of_callback(callback: Any, fresh: Mapping[str, Any] | None = None) -> Any:
    """What a callback knows: its own `state_dict`, or else its attributes that are plain values and arrays.

    Args:
        callback: of Keras.
        fresh: what it knew when training began, which is left out: with that it is made anew.
    """
    own = getattr(callback, "state_dict", None)
    if callable(own):
        return own()
    found = {name: _written(value) for name, value in vars(callback).items() if name != "params"}
    known = {name: value for name, value in found.items() if _plain(value)}
    if fresh is not None:
        known = {name: value for name, value in known.items() if name not in fresh or not _same(value, fresh[name])}
    return copy.deepcopy(known)


def to_callback(callback: Any, known: Mapping[str, Any]) -> None:
    """Let a callback know that."""
    put: Callable[[Any], object] | None = getattr(callback, "load_state_dict", None)
    if put is not None:
        put(known)
        return
    own = vars(callback)
    for name, value in known.items():
        if value is None and not _plain(own.get(name)):
            continue  # what it has come by since is better than nothing
        own[name] = _COMPARISONS.get(value, value) if isinstance(value, str) else value


def _same(one: Any, other: Any) -> bool:
    return pickle.dumps(one) == pickle.dumps(other)  # arrays, too, bit for bit


def _written(value: Any) -> Any:
    """A comparison by its name, all else as it is."""
    return next((name for name, compare in _COMPARISONS.items() if value is compare), value)


def _plain(value: Any) -> bool:
    """Whether a checkpoint gives it back as it was."""
    if type(value) in (list, tuple):
        return all(map(_plain, value))
    if type(value) is dict:
        return all(map(_plain, value)) and all(map(_plain, value.values()))
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind in "biufcSUMm"
    return type(value) in _PLAIN
