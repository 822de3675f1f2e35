"""Compiled training on JAX: `trainable` makes training code of a pure `init` and `step`.

Needs JAX, `pip install jax`; works with Optax, Flax and all else whose state is a pytree.
"""

from welltempered.jax.trainable import Trainable, trainable

__all__ = ["Trainable", "trainable"]
