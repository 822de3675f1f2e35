"""Which way a model is trained."""

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras

from welltempered.keras.data import Arrays, Data
from welltempered.keras.fit import Stepwise
from welltempered.keras.seeds import seed_everything
from welltempered.keras.trainer import Options, Trainer

__all__ = ["BATCH", "EPOCH", "FIT", "building", "choose", "prepare"]

FIT, EPOCH, BATCH = "fit", "epoch", "batch"

_said: set[str] = set()


def prepare(seed: int) -> None:
    """Before a model is built: seed all generators, and have JAX keep programs on disk rather than in memory."""
    seed_everything(seed)
    if keras.backend.backend() == "jax":
        from welltempered.jax.programs import cache_on_disk
        from welltempered.keras.memory import give_back

        cache_on_disk()
        give_back()


def building() -> AbstractContextManager[None]:
    """While a model is built: each shape of a weight is compiled, to be drawn once."""
    if keras.backend.backend() != "jax":
        return nullcontext()
    from welltempered.jax.programs import compiling_quickly

    return compiling_quickly()


def choose(model: Any, data: Data, held: Data | None, options: Options, way: str | None) -> tuple[str, Trainer]:
    """The way, and what trains the model so: compiled if it can be.

    Args:
        model: compiled and built.
        data: to train on.
        held: to validate on.
        options: how.
        way: on which the trial has begun; `None` if it begins now.
    """
    if way == FIT or keras.backend.backend() != "jax":
        return FIT, Stepwise(model, data, held, options)
    from welltempered.keras.compiled import Compiled, why_not

    reason = why_not(model, data, held, options)
    if reason is None:
        assert isinstance(data, Arrays)  # `why_not` has looked
        assert held is None or isinstance(held, Arrays)
        try:
            trainer = Compiled(model, data, held, options, whole=None if way is None else way == EPOCH)
        except Exception as error:  # noqa: BLE001 - tracing the user's layers may raise anything; fit says it better
            reason = f"it cannot be traced: {type(error).__name__}: {str(error).strip().splitlines()[:1]}"
        else:
            return EPOCH if trainer.whole else BATCH, trainer
    if reason not in _said:
        _said.add(reason)
        sys.stderr.write(f"trained by fit, not by compiled epochs: {reason}\n")
    return FIT, Stepwise(model, data, held, options)
