"""Weights of a model in a file: what the best epoch of a trial leaves behind, and what the next lease begins with."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from welltempered.checks import shown
from welltempered.errors import CorruptCheckpoint

__all__ = ["load", "of_trial", "save"]

_BUILD, _MODEL, _OPTIMIZER = "build", "model", "optimizer"


def of_trial(folder: Path, trial_id: str) -> Path:
    """The file with the weights of a trial's best epoch, in the folder of its project."""
    return folder / f"trial_{trial_id}" / "best.npz"


def save(path: Path, model: Any, *, optimizer: bool = False) -> None:
    """Write the weights of a model, and what it takes to build it; ten times faster than a file of HDF5.

    Args:
        path: the file; it is there whole or not at all.
        model: the model.
        optimizer: whether to write the optimizer's state, too.
    """
    variables = {_MODEL: model.weights}
    if optimizer:
        variables[_OPTIMIZER] = model.optimizer.variables
    arrays: dict[str, Any] = {
        f"{part}.{i}": _array(variable) for part, many in variables.items() for i, variable in enumerate(many)
    }
    arrays[_BUILD] = np.array(json.dumps(model.get_build_config(), default=str))
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.{os.getpid()}")
    with half.open("wb") as file:
        np.savez(file, **arrays)
    half.replace(path)


def load(path: Path, model: Any) -> None:
    """Give a model the weights in a file, and its optimizer the state, if that was written; builds it if need be.

    Raises:
        CorruptCheckpoint: if there is no such file, or it is of another model.
    """
    try:
        with np.load(path) as file:
            found = {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise CorruptCheckpoint(f"weights must lie in {path}, but cannot be read: {error}") from None
    build = json.loads(str(found.pop(_BUILD)))
    if not model.built:
        model.build_from_config(build)
    if not model.weights and build:
        _called(model, build)
    _assign(path, model.weights, [value for name, value in found.items() if name.startswith(f"{_MODEL}.")])
    state = [value for name, value in found.items() if name.startswith(f"{_OPTIMIZER}.")]
    if state:
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        _assign(path, model.optimizer.variables, state)


def _called(model: Any, build: dict[str, Any]) -> None:
    """Call a model on zeros, if only that makes its variables."""
    import keras

    shape = build.get("input_shape")
    if shape is not None:
        model(keras.ops.zeros([size or 1 for size in shape]))


def _assign(path: Path, variables: Any, values: list[Any]) -> None:
    shapes, found = [tuple(each.shape) for each in variables], [value.shape for value in values]
    if shapes != found:
        raise CorruptCheckpoint(
            f"weights in {path} must be of the model that is built now, of shapes {shown(shapes)}, "
            f"found {shown(found)}; did the builder change since?"
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _array(variable: Any) -> np.ndarray:
    value = variable.value
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
