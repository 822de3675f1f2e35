"""What is searched and what a program tells: it runs in the peers' environments too, so it imports NumPy only."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

UNITS = (32, 512, 32)
"""Lowest, highest, step."""
RATES = (1e-4, 1e-1)
"""Learning rate, logarithmic."""
DROPOUT = 0.2
BATCH = 128
EPOCHS = 10
FACTOR = 3
TOTAL = 120
"""Epochs of KerasTuner's Hyperband(max_epochs=10, factor=3), all trials together."""

NAMES = ("x", "y", "x_valid", "y_valid")


@cache
def load(folder: Path) -> tuple[np.ndarray, ...]:
    """Images as floats in 0 .. 1 and labels, to learn from and to validate, as `race.prepare` has left them.

    A process reads them once.
    """
    x, y, x_valid, y_valid = (np.load(folder / f"{name}.npy") for name in NAMES)
    scale = np.float32(255)
    return (
        x.astype(np.float32) / scale,
        y.astype(np.int64),
        x_valid.astype(np.float32) / scale,
        y_valid.astype(np.int64),
    )


@dataclass(frozen=True)
class Given:
    """What a program is given, as JSON on its command line.

    Attributes:
        data: folder of the arrays.
        folder: empty, for what the program writes.
        out: file to which it writes what happens, a line each.
        began: when the process was started, seconds of `time.time`.
        seed: of the search.
        total: epochs after which it ends; `None` if it goes on until it is ended from outside.
        cores: how many it may use.
    """

    data: Path
    folder: Path
    out: Path
    began: float
    seed: int
    total: int | None
    cores: int

    @classmethod
    def from_command_line(cls) -> "Given":
        """As `race` has written it."""
        found = json.loads(sys.argv[1])
        paths = {name: Path(found[name]) for name in ("data", "folder", "out")}
        return cls(**{**found, **paths})

    @property
    def text(self) -> str:
        """As JSON."""
        return json.dumps({name: str(x) if isinstance(x, Path) else x for name, x in vars(self).items()})


class Meter:
    """Writes down when something has happened, in seconds since the process was started.

    A line is written in one piece, so several processes may have a meter on the same file.
    """

    def __init__(self, given: Given) -> None:
        self._given = given

    def mark(self, what: str, **facts: Any) -> None:
        """Something has happened."""
        line = json.dumps({"at": round(time.time() - self._given.began, 4), "what": what, **facts})
        with self._given.out.open("a") as file:
            file.write(line + "\n")

    def epoch(self, trial: int | str, epoch: int, accuracy: float, seconds: float) -> None:
        """A trial has trained and validated an epoch."""
        self.mark("epoch", trial=trial, epoch=epoch, accuracy=round(accuracy, 5), seconds=round(seconds, 4))

    @property
    def epochs(self) -> int:
        """Epochs so far, of all processes."""
        return self._given.out.read_text().count('"what": "epoch"')

    @property
    def full(self) -> bool:
        """Whether no more epochs are to be trained."""
        return self._given.total is not None and self.epochs >= self._given.total


def serve(search: Callable[[Given, Meter], dict[str, Any] | None]) -> None:
    """Run a program whose imports are done: it marks its data and what else it likes, and returns facts."""
    given = Given.from_command_line()
    meter = Meter(given)
    meter.mark("imported")
    facts = search(given, meter)
    meter.mark("searched", facts=facts or {})
