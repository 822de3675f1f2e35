"""Data of trainings: arrays, whose order is ours, and what brings batches and an order of its own."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from welltempered.checks import shown
from welltempered.errors import InvalidInput

__all__ = ["Arrays", "Batches", "Data", "Source", "data_of"]

_PARTS = ("x", "y", "sample_weight")


@dataclass(frozen=True)
class Arrays:
    """Arrays with as many rows each.

    Attributes:
        parts: x, y and sample weights, as many of these as there are; each an array or a tree of arrays.
        rows: how many.
    """

    parts: tuple[Any, ...]
    rows: int

    def order(self, seed: int, epoch: int) -> np.ndarray:
        """Of the rows in an epoch: the same however the trial came there."""
        return np.random.default_rng([seed, epoch]).permutation(self.rows)

    def sample(self, seed: int) -> Any:
        """The first inputs."""
        return keras.tree.map_structure(lambda array: array[:1], self.parts[0])

    def taken(self, order: np.ndarray) -> dict[str, Any]:
        """Arguments of `fit`."""
        taken = keras.tree.map_structure(lambda array: array[order], self.parts)
        return dict(zip(_PARTS, taken, strict=False))


@dataclass(frozen=True)
class Batches:
    """What brings its own batches: a `tf.data.Dataset`, a `PyDataset`, a `DataLoader`.

    Attributes:
        make: gives it for the seed of an epoch.
    """

    make: Callable[[int], Any]

    def sample(self, seed: int) -> Any:
        """The first inputs."""
        batches = self.make(seed)
        first = batches[0] if isinstance(batches, keras.utils.PyDataset) else next(iter(batches))
        return first[0] if isinstance(first, tuple | list) else first


Data = Arrays | Batches


class Source:
    """Data of a study, read once per process, or each epoch.

    Args:
        name: of the argument.
        given: see `trainable`.
    """

    def __init__(self, name: str, given: Any) -> None:
        self.name, self.given = name, given
        self._data: Data | None = None
        if inspect.isgenerator(given) or hasattr(given, "__next__"):
            raise InvalidInput(
                f"{name} must be what can be read again each epoch, got an iterator, {shown(given)}; "
                f"give the function that makes it: {name}=batches, not {name}=batches()"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return Source, (self.name, self.given)  # what was read stays where it was read

    @property
    def data(self) -> Data:
        """The data, ready for training."""
        if self._data is None:
            self._data = self._read()
        return self._data

    def _read(self) -> Data:
        given = self.given
        if _is_function(given):
            if _arguments(given) == 1:
                return Batches(given)
            given = given()
            if hasattr(given, "__next__"):
                return Batches(lambda _: self.given())
        return data_of(self.name, given)


def _is_function(given: Any) -> bool:
    return callable(given) and not isinstance(given, keras.utils.PyDataset)


def _arguments(function: Callable[..., Any]) -> int:
    """How many must be given."""
    parameters = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.default is p.empty for p in parameters if p.kind in kinds)


def data_of(name: str, given: Any) -> Data:
    """What was given, as arrays if it is a tuple of them.

    Raises:
        InvalidInput: if arrays differ in their rows, or it is nothing to train on.
    """
    if not isinstance(given, tuple | list):
        if hasattr(given, "__iter__") or isinstance(given, keras.utils.PyDataset):
            return Batches(lambda _: given)
        raise InvalidInput(
            f"{name} must be (x, y), (x, y, sample_weight), batches that can be read again, or a function that "
            f"returns one of these, got {shown(given)}"
        )
    if not 1 <= len(given) <= len(_PARTS):
        raise InvalidInput(f"{name} must be (x, y) or (x, y, sample_weight), got {len(given)} parts")
    parts = tuple(keras.tree.map_structure(_array, part) for part in given)
    rows = {len(leaf) for leaf in keras.tree.flatten(parts)}
    if len(rows) != 1 or not max(rows):
        sizes = ", ".join(
            f"{len(leaf):,} of {word}"
            for word, part in zip(_PARTS, parts, strict=False)
            for leaf in keras.tree.flatten(part)
        )
        raise InvalidInput(f"{name} must have as many rows of each, at least one, got {sizes}")
    return Arrays(parts, max(rows))


def _array(leaf: Any) -> np.ndarray:
    if hasattr(leaf, "detach"):
        leaf = leaf.detach().cpu()
    return np.asarray(leaf)
