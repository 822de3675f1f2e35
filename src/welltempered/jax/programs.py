"""Compiled programs: kept in the process, and through JAX's own cache on disk for other workers and later runs."""

import hashlib
import importlib.util
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

__all__ = [
    "BOUND",
    "DISK",
    "Lowered",
    "Programs",
    "cache_on_disk",
    "compiling_quickly",
    "lowered",
    "programs",
    "setting",
]

BOUND = 64
"""How many programs a process keeps. The one that was not used for longest goes, and with it what XLA holds for it."""

_DOUBTFUL = ("conv_general", "reduce_window", "select_and_", "sort", "fft", "custom_call", "ffi_call", "pure_callback")
"""What the CPU computes with all cores, or by a library, where it stands alone."""

DISK = 2**28
"""Bytes that the cache on disk may take. A program of a small net takes some ten kilobytes."""


class Programs:
    """The programs of a process: the last `bound` that were used.

    A program is found by the text into which it was lowered, so two trials share one if, and only if, they compute the
    same but for what goes in when it runs.
    """

    def __init__(self, bound: int = BOUND) -> None:
        self.bound = bound
        self.compiled = 0  # how many were made, found ones not counted
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: Hashable) -> Any | None:
        """What is kept under a key."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: Hashable, made: Any) -> None:
        """Keep a program, or what holds some, and let go what was not used for longest."""
        with self._lock:
            self._kept[key] = made
            self._kept.move_to_end(key)
            while len(self._kept) > self.bound:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        """Let all go."""
        with self._lock:
            self._kept.clear()

    def compile(self, function: Callable[..., Any], *arguments: Any, donate: tuple[int, ...] = ()) -> Any:
        """The program of a pure function for arguments of these shapes; see `lowered`."""
        return self.finish(lowered(function, *arguments, donate=donate))

    def finish(self, function: "Lowered") -> Any:
        """The program of a lowered function, found or made."""
        found = self.find(function.key)
        if found is None:
            found = function.lowered.compile()
            self.compiled += 1
            self.keep(function.key, found)
        return found


@dataclass(frozen=True)
class Lowered:
    """A function in the language of XLA's compiler.

    Attributes:
        lowered: what JAX has made.
        key: the same for the same computation.
        doubtful: whether it holds what XLA may compute more slowly inside of a loop than outside.
    """

    lowered: Any
    key: Hashable
    doubtful: bool


def lowered(function: Callable[..., Any], *arguments: Any, donate: tuple[int, ...] = ()) -> Lowered:
    """Lower a pure function.

    Args:
        function: what it computes.
        arguments: examples. Python's numbers go in when the program runs.
        donate: which arguments it may overwrite.
    """
    traced = jax.jit(function, donate_argnums=donate).trace(*arguments)
    made = traced.lower()
    text = made.as_text()
    digest = hashlib.sha256(text.encode())
    for constant in traced.jaxpr.consts:  # newer versions of JAX hand large ones over beside the text
        digest.update(np.ascontiguousarray(constant).tobytes())
    shapes = tuple(traced.jaxpr.in_avals)  # of all arguments: the text leaves out those that are not used
    return Lowered(made, (digest.digest(), made.in_tree, made.out_tree, shapes), _doubtful(traced.jaxpr.jaxpr))


def _doubtful(jaxpr: Any, depth: int = 0) -> bool:
    """Whether there are convolutions and the like, many products at once, or loops within loops."""
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        loop = name in {"scan", "while"}
        if name.startswith(_DOUBTFUL) or (loop and depth) or (name == "dot_general" and _batched(equation)):
            return True
        inner = [part for value in equation.params.values() for part in _jaxprs(value)]
        if any(_doubtful(part, depth + loop) for part in inner):
            return True
    return False


def _batched(equation: Any) -> bool:
    """Whether many small products are one operation."""
    return any(equation.params["dimension_numbers"][1])


def _jaxprs(value: Any) -> Iterator[Any]:
    for each in value if isinstance(value, list | tuple) else (value,):
        part = getattr(each, "jaxpr", each)
        if hasattr(part, "eqns"):
            yield part


programs = Programs()
"""The one of this process."""


def cache_on_disk() -> None:
    """Let JAX keep compiled programs in a folder of the user, if nothing was said about that yet.

    It is `welltempered/jax` in `XDG_CACHE_HOME`, else in `~/.cache`; at most `DISK` bytes, whose oldest go. Whoever has
    set `jax_compilation_cache_dir`, or `JAX_COMPILATION_CACHE_DIR`, keeps that, and whoever has set
    `JAX_ENABLE_COMPILATION_CACHE` to false has none.
    """
    if setting("jax_compilation_cache_dir") is not None or not setting("jax_enable_compilation_cache"):
        return
    from jax.experimental.compilation_cache import compilation_cache

    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    _set("jax_compilation_cache_dir", str(Path(root) / "welltempered" / "jax"))
    _set("jax_persistent_cache_min_compile_time_secs", 0.0)  # the many small ones of a model count, too
    _set("jax_persistent_cache_min_entry_size_bytes", -1)
    if importlib.util.find_spec("filelock"):  # without it JAX can bound no folder
        _set("jax_compilation_cache_max_size", DISK)
    compilation_cache.reset_cache()  # what has compiled before has settled that there is none


@contextmanager
def compiling_quickly() -> Iterator[None]:
    """Compile what runs only once, such as draws of first weights, with few optimisations: in a third of the time.

    Sums may be rounded otherwise in the last bit than by a program with all of them.
    """
    name = "jax_disable_most_optimizations"
    before = setting(name)
    _set(name, value=True)
    try:
        yield
    finally:
        _set(name, before)


def setting(name: str) -> Any:
    """A setting of JAX."""
    return jax.config.values[name]


def _set(name: str, value: object) -> None:
    jax.config.update(name, value)  # type: ignore[no-untyped-call] # JAX has no types there
