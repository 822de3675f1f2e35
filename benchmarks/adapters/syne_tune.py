"""Syne Tune: its schedulers without its backend, called as by its tuner; `python -m benchmarks.adapters.syne_tune`.

Settings and their sources in Syne Tune's documentation: README.md, "Peers of the tables".
"""

import datetime as dt
import logging
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from syne_tune import config_space  # type: ignore[import-not-found]  # it lives in an environment of its own
from syne_tune.backend.trial_status import Trial
from syne_tune.optimizer.baselines import ASHA, ASHABORE, ASHACQR, BOHB
from syne_tune.optimizer.scheduler import SchedulerDecision

from benchmarks.adapters.encoding import CHOICE, INT, Parameter
from benchmarks.adapters.wire import DONE, Begin, Method, Nothing, Work, serve

_METRIC, _TIME = "loss", "epoch"
_NEVER = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def _domain(each: Parameter) -> Any:
    if each.kind == CHOICE:
        return config_space.choice(each.texts)
    if each.kind == INT:
        return (config_space.lograndint if each.log else config_space.randint)(each.low, each.high)
    return (config_space.loguniform if each.log else config_space.uniform)(each.low, each.high)


class SyneTune:
    """A scheduler that stops trials and never pauses them."""

    def __init__(self, scheduler: Callable[..., Any], begin: Begin) -> None:
        self._begin = begin
        np.random.seed(begin.seed)  # noqa: NPY002 - its random search draws from the global generator
        domains = {each.name: _domain(each) for each in begin.space.searched}
        self._scheduler = scheduler(
            domains, metric=_METRIC, time_attr=_TIME, max_t=begin.epochs, do_minimize=True, random_seed=begin.seed
        )
        self._trials: dict[int, Trial] = {}
        self._started = 0

    def ask(self) -> Work | Nothing:
        """A new trial; one that was stopped is never taken up again."""
        suggestion = self._scheduler.suggest()
        if suggestion is None:
            return DONE
        trial = Trial(self._started, suggestion.config, _NEVER)
        self._scheduler.on_trial_add(trial)
        self._trials[self._started] = trial
        self._started += 1
        return Work(trial.trial_id, self._begin.space.outer(trial.config), self._begin.epochs)

    def report(self, number: int, epoch: int, loss: float | None) -> bool:
        """Report a result, or that the trial has failed, as its tuner does for code that has raised."""
        trial = self._trials[number]
        if loss is None:
            self._scheduler.on_trial_error(trial)
        else:
            decision = self._scheduler.on_trial_result(trial, {_METRIC: loss, _TIME: epoch})
            if decision == SchedulerDecision.CONTINUE:
                return True
            self._scheduler.on_trial_remove(trial)
        del self._trials[number]
        return False


METHODS: dict[str, Callable[[Begin], Method]] = {
    "synetune-asha": partial(SyneTune, ASHA),
    "synetune-bohb": partial(SyneTune, BOHB),
    "synetune-asha-bore": partial(SyneTune, ASHABORE),
    "synetune-asha-cqr": partial(SyneTune, ASHACQR),
}

if __name__ == "__main__":
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    serve(METHODS)
