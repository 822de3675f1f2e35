"""Seeds of what a training draws from: the generators of Python, NumPy, Keras and its backend."""

import random
import sys

import keras
import numpy as np

__all__ = ["seed_everything", "seed_of_epoch"]


def seed_of_epoch(seed: int, epoch: int) -> int:
    """A seed for what is drawn in an epoch of a trial; epoch 0 is before the first."""
    return int(np.random.default_rng([seed, epoch]).integers(2**31))


def seed_everything(seed: int) -> None:
    """What `keras.utils.set_random_seed` does, without importing TensorFlow for it.

    That would take seconds of each worker, wherever it is installed, to seed a generator that nobody draws from. And
    torch is seeded on each backend where it is in use: its loaders may bring the data.
    """
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)
    if keras.backend.backend() != "jax" or "tensorflow" in sys.modules:
        keras.utils.set_random_seed(seed)
        return
    from keras.src.backend.common import global_state
    from keras.src.random import seed_generator

    global_state.set_global_attribute(seed_generator.GLOBAL_SEED_GENERATOR, None)  # made anew when it is asked for
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - it is what layers and builders may use
