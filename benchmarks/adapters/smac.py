"""SMAC: ask and tell of two facades; `python -m benchmarks.adapters.smac`.

Settings and their sources in SMAC's documentation: README.md, "Peers of the tables".
"""

import logging
import math
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from smac import (  # type: ignore[import-not-found]  # it lives in an environment of its own
    HyperparameterOptimizationFacade,
    MultiFidelityFacade,
    Scenario,
)
from smac.intensifier.hyperband_utils import get_n_trials_for_hyperband_multifidelity
from smac.runhistory.dataclasses import TrialValue
from smac.runhistory.encoder import RunHistoryLogEncoder
from smac.runhistory.enumerations import StatusType

from benchmarks.adapters.config_space import configuration_space
from benchmarks.adapters.evaluations import Evaluation, Evaluations
from benchmarks.adapters.wire import DONE, Begin, Method, Nothing, serve


class _Encoder(RunHistoryLogEncoder):
    """The facades' own, which models the logarithm of the cost, where there is one.

    It would raise all costs up to 0 to one value, which is no fair way to treat a loss that may be negative; and a
    cost of inf, which is SMAC's own for a crash, cannot be modelled: it counts as the worst of the others.
    """

    def transform_response_values(self, values: np.ndarray) -> np.ndarray:
        finite = values[np.isfinite(values)]
        values = np.where(np.isfinite(values), values, finite.max() if finite.size else 1.0)
        return super().transform_response_values(values) if np.all(values > 0) else values


class Smac:
    """A facade without a target function."""

    def __init__(self, facade: Any, begin: Begin, trials: int, **budgets: float) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="smac-", ignore_cleanup_errors=True)  # it insists on one
        self._epochs = begin.epochs
        scenario = Scenario(
            configuration_space(begin.space, begin.seed),
            deterministic=True,
            n_trials=trials,
            seed=begin.seed,
            output_directory=Path(self._folder.name),
            **budgets,
        )
        self._facade = facade(
            scenario, None, runhistory_encoder=_Encoder(scenario), logging_level=logging.ERROR, overwrite=True
        )

    def ask(self) -> Evaluation | Nothing:
        """A configuration, at a budget if the facade has budgets."""
        try:
            info = self._facade.ask()
        except StopIteration:
            return DONE
        until = self._epochs if info.budget is None else max(1, round(info.budget))
        return Evaluation(info, dict(info.config), until, tuple(info.config.get_array()))

    def tell(self, token: Any, loss: float | None) -> None:
        """The loss, or that the training has crashed, whose cost is inf as in SMAC's own runner."""
        status = StatusType.CRASHED if loss is None else StatusType.SUCCESS
        self._facade.tell(token, TrialValue(math.inf if loss is None else loss, status=status), save=False)


def _multi_fidelity(begin: Begin) -> Method:
    trials = get_n_trials_for_hyperband_multifidelity(begin.budget, 1, begin.epochs, eta=3, print_summary=False)
    return Evaluations(Smac(MultiFidelityFacade, begin, trials, min_budget=1, max_budget=begin.epochs), begin.space)


def _full(begin: Begin) -> Method:
    return Evaluations(Smac(HyperparameterOptimizationFacade, begin, max(1, begin.budget // begin.epochs)), begin.space)


METHODS: dict[str, Callable[[Begin], Method]] = {"smac-multi-fidelity": _multi_fidelity, "smac-hpo": _full}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve(METHODS)
