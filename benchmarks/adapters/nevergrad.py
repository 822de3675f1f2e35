"""Nevergrad: ask and tell of its wizard NGOpt; `python -m benchmarks.adapters.nevergrad`.

Settings and their sources in Nevergrad's documentation: README.md, "Peers of the tables".
"""

import logging
import math
import warnings
from collections.abc import Callable
from typing import Any

import nevergrad  # type: ignore[import-not-found]  # it lives in an environment of its own
import numpy as np

from benchmarks.adapters.encoding import CHOICE, INT, Parameter
from benchmarks.adapters.evaluations import Evaluation, Evaluations
from benchmarks.adapters.wire import Begin, Method, serve


def _domain(each: Parameter) -> Any:
    if each.kind == CHOICE:
        return nevergrad.p.Choice(each.texts)
    kind = nevergrad.p.Log if each.log else nevergrad.p.Scalar
    domain = kind(lower=each.low, upper=each.high)
    return domain.set_integer_casting() if each.kind == INT else domain


class Nevergrad:
    """An optimizer that knows of epochs only how many a training takes."""

    def __init__(self, begin: Begin) -> None:
        np.random.seed(begin.seed)  # noqa: NPY002 - some of the algorithms NGOpt chooses among use it
        space = nevergrad.p.Dict(**{f"p{i}": _domain(each) for i, each in enumerate(begin.space.searched)})
        space.random_state.seed(begin.seed)
        self._names = {f"p{i}": each.name for i, each in enumerate(begin.space.searched)}
        self._epochs, self._asked = begin.epochs, 0
        budget = max(1, begin.budget // begin.epochs)
        self._optimizer = nevergrad.optimizers.NGOpt(space, budget=budget, num_workers=begin.workers)

    def ask(self) -> Evaluation:
        """A configuration to train to the end; each has a training of its own."""
        candidate = self._optimizer.ask()
        inner = {name: candidate.value[short] for short, name in self._names.items()}
        self._asked += 1
        return Evaluation(candidate, inner, self._epochs, self._asked)

    def tell(self, token: Any, loss: float | None) -> None:
        """The loss; what is not finite it replaces by a great number of its own."""
        self._optimizer.tell(token, math.inf if loss is None else loss)


def _method(begin: Begin) -> Method:
    return Evaluations(Nevergrad(begin), begin.space)


METHODS: dict[str, Callable[[Begin], Method]] = {"nevergrad-ngopt": _method}

if __name__ == "__main__":
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    serve(METHODS)
