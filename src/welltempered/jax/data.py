"""Arrays on the device, copied there once per process."""

import weakref
from typing import Any

import jax
import numpy as np
import psutil

__all__ = ["fits", "on_device"]

_there: dict[int, Any] = {}
"""What was copied, by the identity of the array; gone when that is."""


def on_device(tree: Any) -> Any:
    """A tree of arrays on the device: those that are there stay, and NumPy's are copied once, however often asked for.

    What is changed in an array afterwards is not seen.
    """
    return jax.tree.map(_copied, tree)


def _copied(array: Any) -> Any:
    if not isinstance(array, np.ndarray):
        return jax.numpy.asarray(array)
    found = _there.get(id(array))
    if found is None:
        found = _there[id(array)] = jax.device_put(array, may_alias=False)  # what it shares would never be gone
        weakref.finalize(array, _there.pop, id(array), None)
    return found


def fits(tree: Any) -> bool:
    """Whether the arrays take at most half of what is free on the device."""
    there = sum(leaf.nbytes for leaf in jax.tree.leaves(tree))
    stats = jax.local_devices()[0].memory_stats() or {}
    free = stats.get("bytes_limit", psutil.virtual_memory().available) - stats.get("bytes_in_use", 0)
    return bool(there <= free / 2)
