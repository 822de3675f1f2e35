"""Optuna: define a trial, report each epoch, ask the pruner; `python -m benchmarks.adapters.optuna`.

Settings and their sources in Optuna's documentation: README.md, "Peers of the tables".
"""

import logging
import math
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import optuna  # type: ignore[import-not-found]  # it lives in an environment of its own

from benchmarks.adapters.encoding import CHOICE, INT, Parameter
from benchmarks.adapters.wire import Begin, Method, Work, serve


def _distribution(each: Parameter) -> Any:
    if each.kind == CHOICE:
        return optuna.distributions.CategoricalDistribution(each.texts)
    kind = optuna.distributions.IntDistribution if each.kind == INT else optuna.distributions.FloatDistribution
    return kind(each.low, each.high, log=each.log)


class Optuna:
    """A study with ask and tell."""

    def __init__(self, sampler: Callable[..., Any], pruner: Callable[[Begin], Any] | None, begin: Begin) -> None:
        self._begin = begin
        self._prunes = pruner is not None
        # Hyperband's brackets follow from the study's name: without one a run cannot be repeated.
        self._study = optuna.create_study(
            study_name=f"tables-{begin.seed}",
            sampler=sampler(seed=begin.seed),
            pruner=optuna.pruners.NopPruner() if pruner is None else pruner(begin),
        )
        self._distributions = {each.name: _distribution(each) for each in begin.space.searched}
        self._trials: dict[int, Any] = {}

    def ask(self) -> Work:
        """A new trial; a pruned one is never taken up again."""
        trial = self._study.ask(self._distributions)
        self._trials[trial.number] = trial
        return Work(trial.number, self._begin.space.outer(trial.params), self._begin.epochs)

    def report(self, number: int, epoch: int, loss: float | None) -> bool:
        """Report, and prune as a training loop written after Optuna's tutorial would."""
        trial = self._trials[number]
        if self._prunes:
            trial.report(math.nan if loss is None else loss, epoch)
        if loss is None and not self._prunes:
            self._study.tell(trial, math.inf)
        elif loss is not None and epoch == self._begin.epochs:
            self._study.tell(trial, loss)
        elif loss is None or (self._prunes and trial.should_prune()):
            self._study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            return True
        del self._trials[number]
        return False


def _halving(begin: Begin) -> Any:  # noqa: ARG001 - it needs no number of epochs
    return optuna.pruners.SuccessiveHalvingPruner(min_resource=1)


def _hyperband(begin: Begin) -> Any:
    return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=begin.epochs, reduction_factor=3)


_TPE = optuna.samplers.TPESampler
METHODS: dict[str, Callable[[Begin], Method]] = {
    "optuna-tpe": partial(Optuna, _TPE, None),
    "optuna-tpe-independent": partial(Optuna, partial(_TPE, multivariate=False), None),
    "optuna-tpe-sha": partial(Optuna, _TPE, _halving),
    "optuna-tpe-hyperband": partial(Optuna, _TPE, _hyperband),
    "optuna-gp": partial(Optuna, optuna.samplers.GPSampler, None),
}

if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.captureWarnings(capture=True)
    warnings.simplefilter("ignore")
    serve(METHODS)
