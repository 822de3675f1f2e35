"""NePS: ask and tell on a space with a fidelity; `python -m benchmarks.adapters.neps`.

Settings and their sources in NePS's documentation: README.md, "Peers of the tables".
"""

import logging
import random
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import neps  # type: ignore[import-not-found]  # it lives in an environment of its own
import numpy as np
import torch

from benchmarks.adapters.encoding import CHOICE, INT, Parameter
from benchmarks.adapters.evaluations import Evaluation, Evaluations
from benchmarks.adapters.wire import Begin, Method, serve

_FIDELITY = "epoch"


def _domain(each: Parameter) -> Any:
    if each.kind == CHOICE:
        # Numbers, since NePS orders options as a set does: texts would be in another order in each process.
        return neps.Categorical(choices=tuple(range(len(each.options))))
    kind = neps.Integer if each.kind == INT else neps.Float
    return kind(each.low, each.high, log=each.log)


class Neps:
    """An optimizer behind `AskAndTell`."""

    def __init__(self, algorithm: Callable[[Any], Any], begin: Begin) -> None:
        # NePS draws from the global generators, and has no other seed.
        random.seed(begin.seed)
        np.random.seed(begin.seed)  # noqa: NPY002
        torch.manual_seed(begin.seed)
        self._names = {f"p{i}": each.name for i, each in enumerate(begin.space.searched)}
        domains = {f"p{i}": _domain(each) for i, each in enumerate(begin.space.searched)}
        fidelity = neps.IntegerFidelity(1, begin.epochs)
        space = type("Space", (neps.PipelineSpace,), domains | {_FIDELITY: fidelity})()
        self._optimizer = neps.AskAndTell(algorithm(space))

    def ask(self) -> Evaluation:
        """A new configuration, or one promoted to the next rung: its name is that of the first, `12_rung_0`."""
        trial = self._optimizer.ask()
        inner = {name: trial.config[short] for short, name in self._names.items()}
        return Evaluation(trial.id, inner, int(trial.config[_FIDELITY]), trial.id.split("_rung_")[0])

    def tell(self, token: str, loss: float | None) -> None:
        """The loss; a failed training is told as its exception, which NePS ranks last and never promotes."""
        self._optimizer.tell(token, RuntimeError("diverged") if loss is None else loss)


def _method(algorithm: Callable[[Any], Any], begin: Begin) -> Method:
    return Evaluations(Neps(algorithm, begin), begin.space)


METHODS: dict[str, Callable[[Begin], Method]] = {
    "neps-priorband": partial(_method, neps.algorithms.priorband),
    "neps-hyperband": partial(_method, neps.algorithms.hyperband),
}

if __name__ == "__main__":
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    serve(METHODS)
