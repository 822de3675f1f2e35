"""One loss per trial, however long each has trained."""

import math
from collections.abc import Sequence

import numpy as np

from welltempered.events import FINISHED
from welltempered.history import History
from welltempered.surrogates.kernel import Array
from welltempered.trial import Trial

_ENOUGH = 8
"""Trials that must have reached the epoch at which all are compared: fewer make no shape."""


def outcomes(history: History, ids: Sequence[int]) -> Array:
    """The losses that trials have, or would have, after the highest epoch that eight of them have reached.

    A trial that has not come so far is worth its last loss and the median change, from its epoch to that one, of those
    that have: who was left behind stays behind, and says where not to search. Those that have failed are `inf`;
    one whose own code has ended it keeps its last loss; one that begins anew after a loss of its worker is worth the
    median.

    O(trials × epochs at which leases have ended).
    """
    trials = [history.trials[id] for id in ids]
    sound = [trial for trial in trials if not trial.failed and trial.losses]
    if not sound:
        return np.full(len(trials), math.inf)
    epoch = sorted(trial.epoch for trial in sound)[-min(_ENOUGH, len(sound))]
    full = [trial.losses for trial in sound if trial.epoch >= epoch]
    early = {trial.epoch for trial in sound if trial.epoch < epoch}
    change = {at: float(np.median([losses[epoch - 1] - losses[at - 1] for losses in full])) for at in early}
    found = np.array([_loss(trial, epoch, change) for trial in trials])
    unknown = np.isnan(found)
    found[unknown] = np.median(found[~unknown])
    return found


def _loss(trial: Trial, epoch: int, change: dict[int, float]) -> float:
    if trial.failed or not trial.losses:
        return math.inf if trial.failed else math.nan
    if trial.epoch >= epoch:
        return trial.losses[epoch - 1]
    return trial.loss if trial.ended == FINISHED else trial.loss + change[trial.epoch]
