"""Which models have the same program: told from their configuration, so that a model need not be traced to find it."""

import json
import sys
import warnings
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import jax
import keras
from keras.src.utils import module_utils

from welltempered.jax.loop import PerBatch, WholeEpoch
from welltempered.keras.compiled_numbers import Slot, Tape

__all__ = ["Made", "shapes_of", "signature"]

_MASK = 0.123456789
"""Stands in configurations where a number was that goes in when the program runs."""


@dataclass(frozen=True)
class Made:
    """The epoch of an architecture.

    Attributes:
        epoch: compiled.
        tape: the numbers that go in.
        lifted: where they stand.
        fixed: the values of all other places, which are part of the program.
    """

    epoch: WholeEpoch | PerBatch
    tape: Tape
    lifted: frozenset[str]
    fixed: tuple[float, ...]

    def values(self, places: Sequence[Slot]) -> list[float] | None:
        """The numbers of a model that go in; `None` if it needs another program."""
        values = [place.value for place in places if place.path in self.lifted]
        fixed = tuple(place.value for place in places if place.path not in self.lifted)
        return values if fixed == self.fixed and self.tape.fits(values) else None


def signature(model: Any, places: Sequence[Slot], *rest: Hashable) -> Hashable | None:
    """The same for models that compute the same but for the numbers at these places.

    It is Keras' own configuration, from which it would build the model again. `None` if that does not say all: a class
    or a function that is not of Keras may do anything with what it finds elsewhere.

    Args:
        model: compiled by `compile`, and built.
        places: of its numbers.
        rest: what else the program depends on.
    """
    before = [place.owner[place.name] for place in places]
    try:
        for place in places:
            place.owner[place.name] = _MASK
        with warnings.catch_warnings(), _without_tensorflow():
            warnings.simplefilter("ignore", DeprecationWarning)  # Keras' own
            warnings.simplefilter("error", UserWarning)  # of what can't be saved, such as a lambda
            config = [
                keras.saving.serialize_keras_object(model),
                keras.saving.serialize_keras_object(model.optimizer),
            ]
    except Exception:  # noqa: BLE001 - configurations of others may raise anything; such a model is traced
        return None
    finally:
        for place, value in zip(places, before, strict=True):
            place.owner[place.name] = value
    if not _only_ours(config):
        return None
    for optimizer in _optimizers(config):
        if isinstance(optimizer.get("learning_rate"), float):
            del optimizer["learning_rate"]  # a variable of the model
    return json.dumps(config, sort_keys=True, default=str), keras.config.floatx(), _shapes(model), rest


def _shapes(model: Any) -> Hashable:
    return tuple((tuple(one.shape), str(one.dtype), bool(one.trainable)) for one in model.variables)


def _only_ours(config: Any) -> bool:
    """Whether all that has a class is of Keras or of welltempered."""
    if isinstance(config, list | tuple):
        return all(map(_only_ours, config))
    if not isinstance(config, dict):
        return True
    if "class_name" in config and not str(config["class_name"]).startswith("__keras_tensor__"):
        module = f"{config.get('module')}."
        if not module.startswith(("keras.", "welltempered.")) or config["class_name"] == "function":
            return False
    return all(map(_only_ours, config.values()))


def _optimizers(config: Any) -> Iterator[dict[str, Any]]:
    yield config[1]["config"]
    with suppress(KeyError, TypeError):
        yield config[0]["compile_config"]["optimizer"]["config"]


@contextmanager
def _without_tensorflow() -> Iterator[None]:
    """Keras would import TensorFlow, for seconds, to see that nothing here is of its types."""
    loader = module_utils.tensorflow
    if "tensorflow" in sys.modules or getattr(loader, "_available", True) is not None:
        yield
        return
    loader._available = False
    try:
        yield
    finally:
        loader._available = None


def shapes_of(*trees: Any) -> Hashable:
    """Shapes and types of arrays."""
    leaves, structure = jax.tree.flatten(trees)
    return structure, tuple((leaf.shape, str(leaf.dtype)) for leaf in leaves)
