"""Giving back between trials what the last one took, so that a worker's memory stays flat."""

import ctypes
import gc
import sys
from collections.abc import Callable

_EVERYTHING = 50
"""Trials between two looks at all objects, which take a tenth of a second where PyTorch is loaded."""


def give_back() -> Callable[[], None]:
    """A function to call after each trial of a process that trains one after another.

    Models, optimizers and tracebacks often refer to each other in circles, which only Python's collector can free, and
    what is freed stays with the allocators. Looking at everything after each trial would take longer than a short
    trial, so what has outlived one (modules, caches) is set aside and looked at again only now and then.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of the C library of GNU
    trials = 0

    def clean() -> None:
        nonlocal trials
        trials += 1
        if trials % _EVERYTHING == 0:
            gc.unfreeze()
        gc.collect()
        gc.freeze()
        if trim is not None:
            trim(0)
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    return clean
