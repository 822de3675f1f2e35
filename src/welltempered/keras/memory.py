"""What JAX keeps of models that are gone."""

from typing import Any

import jax

__all__ = ["give_back"]

BOUND = 128
"""Programs that JAX has made by itself when all of them are given up.

A model with shapes of its own leaves some five (draws of weights, zeros for moments), with about two MiB each,
and JAX would hold thousands. What is needed again comes from the disk, in some milliseconds; models of one shape leave
none.
"""
_COMPILED = "/jax/core/compile/backend_compile_duration"


class Compilations:
    """Counts what JAX compiles, or takes from its cache on disk."""

    def __init__(self) -> None:
        self.count = 0
        jax.monitoring.register_event_duration_secs_listener(self._heard)

    def _heard(self, event: str, duration_secs: float, **_: Any) -> None:
        self.count += event == _COMPILED


_compilations = Compilations()


def give_back() -> None:
    """Before a trial: empty JAX's caches if they hold much. Epochs that `welltempered.jax` keeps stay."""
    if _compilations.count > BOUND:
        _compilations.count = 0
        jax.clear_caches()  # type: ignore[no-untyped-call] # it has no types
