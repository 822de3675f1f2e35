"""Which of two trials is better, where they have not been trained equally long."""

import math
from collections.abc import Sequence

import numpy as np

from welltempered.events import FINISHED, Ended, Event, Reported
from welltempered.history import History
from welltempered.trial import Trial


def settled(history: History, event: Event) -> int | None:
    """The trial whose lease this event has closed for good, so that its result counts; else `None`.

    Neither an interrupted lease is such a one, since the rest of it is owed, nor one at a check of a stopping rule.
    """
    if not isinstance(event, Reported | Ended) or event.trial in history.running or event.trial in history.between:
        return None
    return event.trial


def reach(trial: Trial) -> int:
    """The epoch up to which its curve counts: where its code has ended of its own accord, that of a full training."""
    return trial.horizon if trial.ended == FINISHED else trial.epoch


def loss_at(trial: Trial, epoch: int) -> float:
    """Its loss after an epoch that it reaches; `inf` if it has failed, or never reported."""
    if trial.failed or not trial.losses:
        return math.inf
    return trial.losses[min(epoch, trial.epoch) - 1]


def ranking(trials: Sequence[Trial]) -> list[Trial]:
    """The trials, best first: by how many others are better at the last epoch that both have trained.

    Losses of different epochs are never compared, so it does not matter who has been promoted. Where all have trained
    equally long it is the order of their losses. What has failed comes last, of equals the one that started first comes
    first. O(trials²).
    """
    levels, level = np.unique([reach(trial) for trial in trials], return_inverse=True)
    losses = np.array([[loss_at(trial, epoch) for epoch in levels] for trial in trials]).reshape(len(trials), -1)
    common = np.minimum.outer(level, level)
    mine = np.take_along_axis(losses, common, axis=1)  # of the row's trial where both it and the column's have been
    defeats = (mine > mine.T).sum(axis=1)
    order = sorted(range(len(trials)), key=lambda k: (mine[k, k] == math.inf, defeats[k], trials[k].id))
    return [trials[k] for k in order]
