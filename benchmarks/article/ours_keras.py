"""The example in Keras with `wt.keras.trainable`, on the backend of KERAS_BACKEND.

In this process; or, with the word `workers` on the command line, in as many as there are cores. With `auto` besides the
method is the one that `wt.tune` chooses.
"""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

import welltempered as wt
from benchmarks.article.keras_net import net, tell_of_compiling
from benchmarks.article.ours import search
from benchmarks.article.task import BATCH, Given, Meter, load, serve


def build(run: wt.Run) -> Any:
    """The model of a trial."""
    return net(run.params["units"], run.params["lr"])


def part(folder: Path, first: int) -> tuple[np.ndarray, ...]:
    """Images and labels; each process reads them once."""
    return load(folder)[first : first + 2]


@dataclass(frozen=True)
class Told:
    """Training code that also tells what is compiled."""

    train: wt.keras.Trainable
    meter: Meter

    def __call__(self, run: wt.Run) -> None:
        """Train a trial."""
        tell_of_compiling(self.meter)
        self.train(run)


def main(given: Given, meter: Meter) -> dict[str, Any]:
    """Load, search."""
    workers = given.cores if "workers" in sys.argv[2:] else 0
    if not workers:
        load(given.data)
        meter.mark("loaded")
    train, held = (partial(part, given.data, first) for first in (0, 2))
    told = Told(wt.keras.trainable(build, train, validation=held, batch_size=BATCH), meter)
    found = search(told, given, meter, workers=workers, auto="auto" in sys.argv[2:])
    return {"backend": keras.backend.backend(), **found}


if __name__ == "__main__":
    serve(main)
