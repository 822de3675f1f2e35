"""What a tuner prints of its space and of its results, in the words of KerasTuner."""

import sys
from typing import Any

from welltempered.kerastuner.oracle import Oracle
from welltempered.kerastuner.trial import Trial

__all__ = ["Progress", "results_summary", "search_space_summary"]


def search_space_summary(oracle: Oracle) -> None:
    """Print each hyperparameter with its arguments, and when it is in use if that was found out by building."""
    hp = oracle.get_space()
    lines = ["Search space summary", f"Default search space size: {len(hp.space)}"]
    for each in hp.space:
        config: dict[str, Any] = each.get_config()
        lines += [f"{config.pop('name')} ({type(each).__name__})", str(config)]
        for parent in oracle.conditions.get(each.name, ()):
            lines.append(f"in use where {parent.name} is one of {parent.values}")
    print("\n".join(lines))


def results_summary(oracle: Oracle, folder: str, num_trials: int) -> None:
    """Print the best trials."""
    print(f"Results summary\nResults in {folder}\nShowing {num_trials} best trials\n{oracle.objective}")
    for trial in oracle.get_best_trials(num_trials):
        print()
        trial.summary()


class Progress:
    """Says after each trial how it goes.

    Args:
        oracle: of the search.
    """

    def __init__(self, oracle: Oracle) -> None:
        self._objective = oracle.objective
        self._best = next(iter(oracle.get_best_trials(1)), None)

    def say(self, trial: Trial) -> None:
        """Print a line."""
        if self._best is None or self._best.score is None or self._better(trial, self._best.score):
            self._best = trial
        best = self._best
        name, score = self._objective.name, "failed" if trial.score is None else f"{trial.score:.6g}"
        of = "" if best.score is None else f", best {best.score:.6g} of trial {best.trial_id}"
        sys.stderr.write(f"trial {trial.trial_id}: {name} {score}{of}\n")

    def _better(self, trial: Trial, score: float) -> bool:
        return trial.score is not None and self._objective.better_than(trial.score, score)
