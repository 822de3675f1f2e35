"""What our programs share: the space, KerasTuner's brackets, and how a study tells of its epochs."""

from typing import Any

import welltempered as wt
from benchmarks.article.task import EPOCHS, FACTOR, RATES, TOTAL, UNITS, Given, Meter
from welltempered.events import Ended, Event, Reported, Resumed, Started
from welltempered.experiment import Experiment, Train
from welltempered.kerastuner.oracles import brackets_of

SPACE = wt.Space(units=wt.Int(*UNITS[:2], step=UNITS[2]), lr=wt.Float(*RATES, scale="log"))


class Watch:
    """Tells of each epoch as `wt.tune` lets it be seen, and says what the time between them went to.

    With one slot all that happens lies in a line: the end of a lease, a decision, the first epoch of the next lease
    with what comes before it (the model is built, a checkpoint read), more epochs.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._last = 0.0
        self._first = False
        self.split = {"decide": 0.0, "begin": 0.0, "store": 0.0}

    def __call__(self, event: Event) -> None:
        """Take an event."""
        gap, self._last = event.at - self._last, event.at
        if isinstance(event, Started | Resumed):
            self.split["decide"] += gap
            self._first = True
        elif isinstance(event, Reported):
            self.split["begin" if self._first else "store"] += gap - event.seconds
            self._first = False
            self._meter.epoch(event.trial, event.epoch, event.metrics["val_accuracy"] or 0.0, event.seconds)
        elif isinstance(event, Ended):
            self.split["store"] += gap


def search(train: Train, given: Given, meter: Meter, *, workers: int, auto: bool = False) -> dict[str, Any]:
    """What `wt.tune(train, SPACE, maximize="val_accuracy", ...)` does, watched.

    Args:
        train: training code.
        given: what the race wants.
        meter: is told of epochs.
        workers: processes; 0 is this one.
        auto: take the method that `wt.tune` chooses, rather than KerasTuner's brackets.
    """
    rounds = 1 if given.total == TOTAL else None
    brackets = wt.Hyperband(wt.Random(), FACTOR, rounds, brackets_of(EPOCHS, FACTOR))
    method = "auto" if auto else brackets
    experiment = Experiment(train, SPACE, maximize="val_accuracy", epochs=EPOCHS, method=method, seed=given.seed)
    whole = given.total is None or (
        given.total == TOTAL and not auto
    )  # then the method ends by itself, or nothing does
    budget = None if whole else f"{given.total} epochs"
    watch = Watch(meter)
    with wt.Study.create(experiment, given.folder / "study") as study:
        study.run(train, budget=budget, workers=workers, watch=watch)
        best = study.best
        assert best is not None  # somebody has trained
        split = {name: round(seconds, 3) for name, seconds in watch.split.items()} if workers < 2 else {}
        return {"best": best.value, "params": dict(best.params), "split": split}
