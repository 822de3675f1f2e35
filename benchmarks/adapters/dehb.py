"""DEHB: ask and tell; `python -m benchmarks.adapters.dehb`.

Settings and their sources in DEHB's documentation: README.md, "Peers of the tables".
"""

import tempfile
import warnings
from collections.abc import Callable
from typing import Any

from dehb import DEHB  # type: ignore[import-not-found]  # it lives in an environment of its own

from benchmarks.adapters.config_space import configuration_space
from benchmarks.adapters.evaluations import Evaluation, Evaluations
from benchmarks.adapters.wire import Begin, Method, serve

_WORST = 1e9
"""What a diverged training is told as: not infinite, which is DEHB's word for "not evaluated yet"."""


class Dehb:
    """An optimizer and its promises."""

    def __init__(self, begin: Begin) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="dehb-", ignore_cleanup_errors=True)  # it insists on a log
        self._optimizer = DEHB(
            cs=configuration_space(begin.space, begin.seed),
            min_fidelity=1,
            max_fidelity=begin.epochs,
            eta=3,
            seed=begin.seed,
            n_workers=1,
            output_path=self._folder.name,
            save_freq="end",
            log_level="ERROR",
        )

    def ask(self) -> Evaluation:
        """A configuration at a fidelity: evolved, or promoted and then with the number it had."""
        job = self._optimizer.ask()
        return Evaluation(job, dict(job["config"]), max(1, round(job["fidelity"])), job["config_id"])

    def tell(self, token: Any, loss: float | None) -> None:
        """The loss, and the cost in epochs, which it only keeps a record of."""
        self._optimizer.tell(token, {"fitness": _WORST if loss is None else loss, "cost": float(token["fidelity"])})


def _method(begin: Begin) -> Method:
    return Evaluations(Dehb(begin), begin.space)


METHODS: dict[str, Callable[[Begin], Method]] = {"dehb": _method}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve(METHODS)
