"""A small process over curves, and its covariance written down as the textbook does."""

import numpy as np

from welltempered.space import Choice, Float, Int, Space
from welltempered.surrogates.course import own, shapes
from welltempered.surrogates.curve_fit import prior
from welltempered.surrogates.curves import JITTER, Layout, Observed, bent
from welltempered.surrogates.features import Features
from welltempered.surrogates.kernel import matern

SPACE = Space(a=Float(0, 1), b=Float(1e-3, 1, scale="log"), c=Choice("x", "y", "z"), d=Int(1, 5).when("c == 'x'"))
LAYOUT = Layout(Features(SPACE))
HORIZON = 20


def features(count, seed=0):
    points = np.random.default_rng(seed).random((count, len(SPACE)))
    return LAYOUT.features.of(SPACE.encode_many([SPACE.decode(point) for point in points]))


def observed(epochs, seed=0):
    """Return points of curves: for each trial the epochs at which it was looked at."""
    trial = np.repeat(np.arange(len(epochs)), [len(each) for each in epochs])
    return Observed(features(len(epochs), seed), trial, np.array([t for each in epochs for t in each], float), HORIZON)


def beliefs(seed=1):
    mean, _ = prior(LAYOUT)
    return mean + 0.3 * np.random.default_rng(seed).standard_normal(len(mean))


def covariance(beliefs, rows, epochs, other, others, same):
    """Return the covariances of trials with these features after these epochs with others, without noise."""
    weights = np.exp(-beliefs[LAYOUT.lengths])[LAYOUT.features.group]
    a, b = (np.exp(beliefs[part]) for part in LAYOUT.bends)

    def scaled(rows):
        moved = rows.copy()
        moved[:, LAYOUT.features.numbers] = bent(rows[:, LAYOUT.features.numbers], a, b)
        return moved * weights

    near = matern(((scaled(rows)[:, None] - scaled(other)) ** 2).sum(axis=2))
    shared = shapes(epochs, others, HORIZON)
    course = sum(w * shape for w, shape in zip(np.exp(2 * beliefs[LAYOUT.shared]), shared, strict=True))
    alone = sum(w * shape for w, shape in zip(np.exp(2 * beliefs[LAYOUT.own]), own(shared), strict=True))
    return near * course + same * alone


def noisy(beliefs, seen):
    """Return the covariance of the points seen."""
    rows, same = seen.features[seen.trial], seen.trial[:, None] == seen.trial
    noise = np.exp(2 * beliefs[LAYOUT.noise]) + JITTER
    return covariance(beliefs, rows, seen.epoch, rows, seen.epoch, same) + noise * np.eye(len(rows))
