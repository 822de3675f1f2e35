"""A search whose trials Keras trains: a study is run, with training code made of the hypermodel."""

import json
import math
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from welltempered.errors import InvalidInput
from welltempered.events import Ended, Event, Reported
from welltempered.keras.trainable import Trainable, trainable
from welltempered.kerastuner import errors, weights
from welltempered.kerastuner.building import Building
from welltempered.kerastuner.callbacks import BestWeights, NewEntries, copied
from welltempered.kerastuner.hyperparameters import HyperParameters
from welltempered.kerastuner.layout import Layout
from welltempered.kerastuner.objectives import DefaultObjective, MultiObjective, Objective
from welltempered.kerastuner.oracle import Oracle
from welltempered.kerastuner.summary import Progress
from welltempered.run import Run
from welltempered.study import Study

__all__ = ["by_keras"]

_NEW = "new_entries"
"""Folder in which builders leave hyperparameters that nobody knew."""
_UNDERSTOOD = {
    "x",
    "y",
    "batch_size",
    "epochs",
    "verbose",
    "callbacks",
    "validation_split",
    "validation_data",
    "class_weight",
    "sample_weight",
}
"""Arguments of `fit` with which a training can be continued exactly; with others `fit` is called as it is."""
_POSITIONS = ("x", "y", "batch_size", "epochs", "verbose", "callbacks", "validation_split", "validation_data")
_GREW = "new hyperparameters"


def by_keras(tuner: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Search so, if it can be done with these arguments of `fit`.

    Args:
        tuner: the tuner.
        args: of `search`.
        kwargs: of `search`.

    Returns:
        Whether it was done.

    Raises:
        RuntimeError: if too many trials in a row have failed.
        FatalError: if a builder or a callback has raised one.
        KeyboardInterrupt: if it was interrupted.
    """
    oracle: Oracle = tuner.oracle
    given = _arguments(args, kwargs)
    if given is None or not _simple(oracle) or tuner.executions_per_trial > 1:
        return False
    folder = Path(tuner.project_dir)
    callbacks = given.pop("callbacks", ())
    given["callbacks"] = tuple(callbacks) if isinstance(callbacks, list | tuple) else (callbacks,)
    epochs = given.pop("epochs", 1)
    verbose = given.pop("verbose", "auto")
    copied(given["callbacks"], "", 0)  # what cannot be copied is said here
    train = _trainable(tuner, given, folder)
    if train is None:
        return False
    oracle.begin(_epochs(oracle, epochs), exact=True)
    while _run(oracle, train, tuner.workers, folder, verbose):
        train = _trainable(tuner, given, folder)
        assert train is not None  # it was the first time
    return True


def _arguments(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Arguments of `fit` by name; `None` if some are not understood."""
    if len(args) > len(_POSITIONS):
        return None
    given = {**dict(zip(_POSITIONS, args, strict=False)), **kwargs}
    given = {name: value for name, value in given.items() if value is not None and (name, value) != ("shuffle", True)}
    return given if set(given) <= _UNDERSTOOD and "x" in given else None


def _simple(oracle: Oracle) -> bool:
    """Whether the objective is one metric in the logs of each epoch, and no failed trial is tried again."""
    return not isinstance(oracle.objective, DefaultObjective | MultiObjective) and not oracle.max_retries_per_trial


def _epochs(oracle: Oracle, epochs: int) -> int:
    return oracle.epochs if oracle.resumable else epochs


def _trainable(tuner: Any, given: Mapping[str, Any], folder: Path) -> Trainable | None:
    """Training code; `None` if the data is of a kind that only `fit` knows."""
    oracle: Oracle = tuner.oracle
    data = _data(given)
    if data is None:
        return None
    train, held = data
    training = _Training(
        building=tuner.building,
        space=oracle.hyperparameters.get_config(),
        layout=oracle.layout,
        objective=oracle.objective,
        digits=oracle.digits,
        folder=folder.absolute(),
        given=given["callbacks"],
        found=folder / _NEW if oracle.tune_new_entries or not oracle.allow_new_entries else None,
    )
    try:
        return trainable(
            training.build,
            train,
            validation=held,
            batch_size=given.get("batch_size", 32),
            class_weight=given.get("class_weight"),
            callbacks=training.callbacks,
        )
    except InvalidInput:
        return None


def _data(given: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """What to train and to validate on."""
    x, y, weight = given["x"], given.get("y"), given.get("sample_weight")
    held, split = given.get("validation_data"), given.get("validation_split", 0)
    if y is None:
        return None if _plain(x) or weight is not None or split else (x, held)
    train = (x, y) if weight is None else (x, y, weight)
    if split and held is None:
        return _split(train, split)
    return train, held


def _plain(x: Any) -> bool:
    """Whether inputs are arrays, so that targets are missing."""
    return hasattr(x, "shape") or isinstance(x, list | tuple | dict)


def _split(train: tuple[Any, ...], share: float) -> tuple[Any, Any]:
    """The last rows are held back, as `fit` does it."""
    rows = len(keras.tree.flatten(train[0])[0])
    at = math.floor(rows * (1 - share))
    parts = (
        keras.tree.map_structure(lambda array, part=part: array[part], train) for part in (slice(at), slice(at, None))
    )
    first, last = parts
    return first, last


# ---------------------------------------------------------------------- what trains, also in worker processes


@dataclass(frozen=True)
class _Training:
    """What a run is built of: its model, and its callbacks."""

    building: Building
    space: dict[str, Any]
    layout: Layout
    objective: Objective
    digits: int
    folder: Path
    given: tuple[Any, ...]
    found: Path | None
    _asked: dict[int, HyperParameters] = field(default_factory=dict)  # by trial: one, in each process

    def build(self, run: Run) -> Any:
        """The model."""
        hp = HyperParameters.from_config(self.space)
        hp.values = self.layout.values(run.params)
        self._asked.clear()
        self._asked[run.trial] = hp
        return self.building(hp)

    def callbacks(self, run: Run) -> list[Any]:
        """Copies of the user's, and what keeps weights and new hyperparameters."""
        id = f"{run.trial:0{self.digits}d}"
        made = [*copied(self.given, id, 0), BestWeights(self.objective, weights.of_trial(self.folder, id))]
        if self.found is not None:
            known = len(self.space["space"])
            made.append(NewEntries(self._asked[run.trial], known, self.found / f"{run.trial}.json"))
        return made


# ---------------------------------------------------------------------- the run of the study


def _run(oracle: Oracle, train: Trainable, workers: int, folder: Path, verbose: Any) -> bool:
    """Run the study; returns whether it is to be run again, with what builders have asked for in the meantime."""
    study = oracle.study
    assert study is not None
    watch = _Watch(oracle, study, folder / _NEW, None if verbose in (0, False) else Progress(oracle))
    study.run(train, budget=oracle.budget, workers=workers, watch=watch)
    if study.stopping and study.stopping != _GREW:
        raise KeyboardInterrupt
    return take_up(oracle, folder / _NEW)


class _Watch:
    """Sees each event: says how it goes, and ends the search where KerasTuner would."""

    def __init__(self, oracle: Oracle, study: Study, found: Path, progress: Progress | None) -> None:
        self._oracle, self._study, self._found, self._progress = oracle, study, found, progress

    def __call__(self, event: Event) -> None:
        if isinstance(event, Reported) and self._found.exists():
            self._study.stopping = self._study.stopping or _GREW
        if not isinstance(event, Reported | Ended) or event.trial in self._study.history.running:
            return
        trial = self._oracle.seen(self._study.trials[event.trial])
        if isinstance(event, Ended) and event.error:
            _raise_fatal(event.error)
        self._oracle.end_order.append(trial.trial_id)
        if self._progress is not None:
            self._progress.say(trial)
        self._oracle.check_failures()


def take_up(oracle: Oracle, found: Path) -> bool:
    """Let the space grow by what builders have left behind; returns whether there was anything."""
    files = sorted(found.glob("*.json"))
    for file in files:
        config = json.loads(file.read_text(encoding="utf-8"))
        oracle.update_space(HyperParameters.from_config(config))
    shutil.rmtree(found, ignore_errors=True)
    return bool(files)


def _raise_fatal(error: str) -> None:
    """Raise the fatal error that has ended a trial, if it was one; of those from other processes there is the text."""
    found = re.search(rf"^{re.escape(errors.__name__)}\.(Fatal\w+): (.*)", error, re.MULTILINE | re.DOTALL)
    if found is not None:
        kind: type[errors.FatalError] = getattr(errors, found[1])
        raise kind(found[2])
