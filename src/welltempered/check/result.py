"""What a check found."""

from dataclasses import dataclass
from typing import Any

from welltempered.limits import size
from welltempered.space import Params


@dataclass(frozen=True)
class Checked:
    """What was found with one setting of the params.

    Attributes:
        params: the setting.
        epochs: epochs trained without a stop: less than asked for where training ends by itself.
        numbers: how many reported numbers were compared.
        leaves: how many tensors, arrays and plain values of the kept state.
        bytes: size of that state.
        noise: metrics and parts of the state that differ between identical runs, such as durations, and were not
            compared.
        problem: what was not the same, and why; `None` if all was.
    """

    params: Params
    epochs: int
    numbers: int
    leaves: int
    bytes: int
    noise: tuple[str, ...]
    problem: str | None


@dataclass(frozen=True)
class Check:
    """What `check` found; printed, it is the answer in some lines.

    Attributes:
        epochs: epochs trained.
        stop: epoch after which training was stopped, to go on in another process; `None` where it is declared not to be
            resumable, so that only two identical trainings were compared.
        trials: one entry per setting of the params.
    """

    epochs: int
    stop: int | None
    trials: tuple[Checked, ...]

    @property
    def exact(self) -> bool:
        """Whether all was the same, bit for bit."""
        return not any(trial.problem for trial in self.trials)

    def to_json(self) -> dict[str, Any]:
        """The same for a program to read."""
        trials = [{**vars(trial), "noise": list(trial.noise), "exact": trial.problem is None} for trial in self.trials]
        return {"exact": self.exact, "epochs": self.epochs, "stop": self.stop, "trials": trials}

    def __str__(self) -> str:
        return "\n".join([self._verdict(), *self._done(), *self._problems()])

    def _verdict(self) -> str:
        if self.stop is None:
            equal = "two identical trainings are equal" if self.exact else "two identical trainings differ"
            return f"resumable=False: nothing is continued; {equal}"
        return "training continues exactly" if self.exact else "training does not continue exactly"

    def _done(self) -> list[str]:
        many = f", for {len(self.trials)} settings of the params" if len(self.trials) > 1 else ""
        rest = "" if self.stop is None else f", and {self.stop} + {self.epochs - self.stop} in two processes"
        numbers = sum(trial.numbers for trial in self.trials)
        leaves, total = sum(trial.leaves for trial in self.trials), sum(trial.bytes for trial in self.trials)
        kept = f", {leaves} parts of the state kept ({size(total)})" if leaves else ""
        noise = sorted({name for trial in self.trials for name in trial.noise})
        return [
            f"trained: {self.epochs} epochs twice{rest}{many}",
            f"compared bit for bit: {numbers} numbers reported{kept}",
            *([f"not compared, as identical runs differ: {', '.join(noise)}"] if noise else []),
        ]

    def _problems(self) -> list[str]:
        lines: list[str] = []
        for trial in self.trials:
            if trial.problem is not None:
                params = ", ".join(f"{name}={value!r}" for name, value in trial.params.items())
                lines += ["", *([f"with {params}:"] if len(self.trials) > 1 else []), trial.problem]
        return lines
