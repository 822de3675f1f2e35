"""HEBO: suggest and observe; `python -m benchmarks.adapters.hebo`.

Settings and their sources in HEBO's documentation: README.md, "Peers of the tables".
"""

import logging
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from hebo.design_space.design_space import DesignSpace  # type: ignore[import-not-found]  # in an environment of its own
from hebo.optimizers.hebo import HEBO

from benchmarks.adapters.encoding import CHOICE, INT, Parameter
from benchmarks.adapters.evaluations import Evaluation, Evaluations
from benchmarks.adapters.wire import WAIT, Begin, Method, Nothing, serve


def _row(each: Parameter) -> dict[str, Any]:
    if each.kind == CHOICE:
        return {"name": each.name, "type": "cat", "categories": each.texts}
    kind = {(INT, False): "int", (INT, True): "pow_int", ("float", False): "num", ("float", True): "pow"}
    return {"name": each.name, "type": kind[each.kind, each.log], "lb": each.low, "ub": each.high}


class Hebo:
    """Batches as large as there are workers, the next one when all of the last have been observed."""

    def __init__(self, begin: Begin) -> None:
        np.random.seed(begin.seed)  # noqa: NPY002 - its acquisition search draws from the global generators
        torch.manual_seed(begin.seed)
        self._names = [each.name for each in begin.space.searched]
        space = DesignSpace().parse([_row(each) for each in begin.space.searched])
        self._optimizer = HEBO(space, scramble_seed=begin.seed)
        self._epochs, self._workers = begin.epochs, begin.workers
        self._waiting: list[Any] = []
        self._pending = self._asked = 0

    def ask(self) -> Evaluation | Nothing:
        """A configuration of the batch, to train to the end."""
        if not self._waiting:
            if self._pending:
                return WAIT
            batch = self._optimizer.suggest(n_suggestions=self._workers)
            self._waiting = [batch.iloc[[i]] for i in range(len(batch))]
            self._pending = len(self._waiting)
        row = self._waiting.pop(0)
        self._asked += 1
        return Evaluation(row, {name: row.iloc[0][name] for name in self._names}, self._epochs, self._asked)

    def tell(self, token: Any, loss: float | None) -> None:
        """The loss; one that is not finite HEBO leaves out."""
        self._pending -= 1
        self._optimizer.observe(token, np.array([[math.inf if loss is None else loss]]))


def _method(begin: Begin) -> Method:
    return Evaluations(Hebo(begin), begin.space)


METHODS: dict[str, Callable[[Begin], Method]] = {"hebo": _method}

if __name__ == "__main__":
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    serve(METHODS)
