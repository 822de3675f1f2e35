"""A study written anew, with a larger space: in a folder beside it, which then takes its place."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from welltempered.events import Started
from welltempered.experiment import Experiment
from welltempered.space import Params
from welltempered.study import Study

__all__ = ["DATABASE", "STATE", "grown", "settle"]

STATE, DATABASE = "kerastuner.json", "study.db"
_GROWING, _GROWN = "growing", "grown"


def grown(
    study: Study,
    experiment: Experiment,
    params: Sequence[Params],
    folder: Path | None,
    write: Callable[[Path], None],
) -> Study:
    """The study with another experiment, and for each trial the params that it has there; the old one is closed.

    Args:
        study: the old one.
        experiment: with the larger space.
        params: of the trials, in the order in which they were started.
        folder: of both; `None` if they are in memory.
        write: writes what else there is into a folder.
    """
    waiting = iter(params)
    events = [
        msgspec.structs.replace(event, params=next(waiting)) if isinstance(event, Started) else event
        for event in study.history.events
    ]
    growing = None if folder is None else folder / _GROWING
    if growing is not None:
        shutil.rmtree(growing, ignore_errors=True)
    new = Study.create(experiment, growing)
    for event in events:
        new.append(event)
    study.close()
    if growing is None or folder is None:
        return new
    new.close()
    write(growing)
    growing.replace(folder / _GROWN)  # from here on it counts
    settle(folder)
    return Study.open(folder)


def settle(folder: Path) -> None:
    """Put a study that has grown in the place of the one before, also if that was begun before a crash."""
    for name in (STATE, DATABASE):
        if (folder / _GROWN / name).exists():
            (folder / _GROWN / name).replace(folder / name)
    shutil.rmtree(folder / _GROWN, ignore_errors=True)
