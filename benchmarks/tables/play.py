"""Our own methods on a task: whole studies in virtual time."""

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import welltempered as wt
from benchmarks.tables import baselines
from benchmarks.tables.task import Params, Task
from welltempered import method as methods

NAMES = {
    "random": "Full(Random())",
    "sobol": "Full(Sobol())",
    "one-epoch": "OneEpoch(Sobol())",
    "asha": "Halving(Sobol())",
    "hyperband": "Hyperband(Sobol())",
}
"""Short names of methods; any other is written as in Python."""
AUTO = "auto"
"""The method that an experiment chooses by itself."""


def method_of(text: str) -> Any:
    """A method from its short name, or as one would write it: `Halving(Random(), eta=2)`.

    Raises:
        SystemExit: if it cannot be made.
    """
    if text == AUTO:
        return text
    try:
        return eval(NAMES.get(text, text), {**vars(wt), **vars(baselines)})
    except (NameError, TypeError, SyntaxError, AttributeError, wt.InvalidInput) as error:
        raise SystemExit(f"--methods: cannot make {text!r}: {error}") from None


def described(text: str) -> Any:
    """The JSON of a method."""
    method = method_of(text)
    return method if isinstance(method, str) else methods.to_json(method)


@dataclass(frozen=True)
class _Timed:
    """A scheduler, and the seconds that each of its decisions took."""

    scheduler: wt.Scheduler
    seconds: list[float] = field(default_factory=list, compare=False)

    def next(self, history: wt.History, held: wt.Trial | None) -> wt.Decision:
        begin = time.perf_counter()
        decision = self.scheduler.next(history, held)
        self.seconds.append(time.perf_counter() - begin)
        return decision

    def keeps(self, history: wt.History) -> Collection[int]:
        return self.scheduler.keeps(history)


class _Study(wt.Study):
    """A study that times its decisions."""

    timed: _Timed | None = None

    @property
    def scheduler(self) -> wt.Scheduler:
        if self.timed is None:
            self.timed = _Timed(super().scheduler)
        return self.timed


def play(task: Task, text: str, seed: int, workers: int, budget: int) -> dict[str, Any]:
    """What a study of one of our methods finds with so many epochs; see `result`."""
    known: dict[tuple[Any, ...], Sequence[float]] = {}
    looking = [0.0]

    def curve(params: Params, epoch: int) -> dict[str, float | None]:
        key = tuple(params.items())
        if key not in known:
            begin = time.perf_counter()
            known[key] = task.losses(params, seed)
            looking[0] += time.perf_counter() - begin
        return {"loss": known[key][epoch - 1]}

    experiment = wt.Experiment(
        print, task.space, minimize="loss", epochs=task.epochs, method=method_of(text), seed=seed
    )
    trace = Trace(task)
    begin = time.perf_counter()
    with _Study.create(experiment, budget=wt.Budget(epochs=budget)) as study:

        def watch(event: wt.Event) -> None:
            if isinstance(event, wt.Reported):
                spent = study.history.spent
                trace.take((spent, spent), event.metrics["loss"], lambda: study.trials[event.trial].params)

        study.drive(wt.Simulator(curve, slots=workers), budget=wt.Budget(epochs=budget), watch=watch)
        seconds = time.perf_counter() - begin - looking[0]
        spent = study.history.spent
        decisions = [] if study.timed is None else study.timed.seconds
        return result(trace, (spent, spent), len(study.trials), decisions, seconds)


class Trace:
    """The incumbent's way: when it changed, and the loss that it counts for.

    What is seen decides which params are the incumbent; where a task is noisy they count for another loss.
    """

    def __init__(self, task: Task) -> None:
        self.steps: list[tuple[int, int, float]] = []
        self._truth = task.truth
        self._lowest = math.inf

    def take(self, spent: tuple[int, int], loss: float | None, params: Callable[[], Params]) -> None:
        """A report.

        Args:
            spent: epochs trained so far, and with those that had to be trained again.
            loss: `None` if the trial has diverged.
            params: asked only if they are the incumbent now.
        """
        if loss is not None and loss < self._lowest:
            self._lowest = loss
            self.steps.append((*spent, loss if self._truth is None else self._truth(params())))


def result(
    trace: Trace, spent: tuple[int, int], trials: int, decisions: Sequence[float], seconds: float
) -> dict[str, Any]:
    """A run, as JSON.

    Args:
        trace: becomes the list of [epochs spent, epochs charged, loss].
        spent: epochs trained, and charged, in all.
        trials: trainings begun.
        decisions: seconds that each decision took.
        seconds: that the whole run took; ours without the looking up of losses.
    """
    ms = 1e3 * np.array([*decisions] or [0.0])
    return {
        "trace": trace.steps,
        "spent": spent[0],
        "charged": spent[1],
        "trials": trials,
        "decisions": len(decisions),
        "median_ms": round(float(np.median(ms)), 4),
        "p90_ms": round(float(np.quantile(ms, 0.9)), 4),
        "seconds": round(seconds, 3),
    }
