"""The curve of the loss against the learning rate: how it is smoothed, where it falls, is steepest, ends and diverges.

Pure, NumPy only; `result.py` draws the conclusions.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from welltempered.sweep.points import Sweep, coarse_steps, finer_steps, ladder, noise_in
from welltempered.sweep.smooth import Floats, lowess

_GRID = 15
"""Points of the curve per decade, so the rates that are read from it are within a factor of 1.2."""

_APART = 0.2
"""Decades between the points by which a diverged sweep of a single point is continued."""

_MEDIAN = math.pi / 2
"""Variance of a median of normal values, in units of that of their mean."""

_FALLS = 4.0
"""Standard errors that the fall must have; it may be anywhere on seven decades, so three would be found in noise."""

_RISES = 3.0
"""Standard errors that a rise must have to be a divergence."""

_BEGUN = 0.1
"""The fall has begun when this share of it is done."""

_DONE = 0.8
"""The fall is done, but for its tail, when this share of it is."""

_HALF = 0.5
"""The loss has diverged where half of what it had gained is lost again, for good."""

_BEFORE, _AFTER = 2.5, 0.5
"""Decades that later sweeps begin before the divergence, and may go beyond it."""

_LEAD = 0.5
"""Decades that later sweeps begin before the fall, where there is no divergence."""

ROOM = 0.5
"""Decades of the swept rates that must lie below the divergence: with fewer there is no curve."""


@dataclass(frozen=True)
class Shape:
    """What a curve looks like. Rates are logarithms (base 10).

    Attributes:
        at: places of the smoothed curve, ascending.
        losses: the curve there. What has diverged counts as the initial loss and twice the fall.
        initial: the loss before training.
        noise: standard deviation of a single loss.
        start: where the fall begins.
        steepest: where it is steepest.
        done: where most of the fall is done.
        divergence: from where on the loss has diverged, `None` if it did not.
        falls: whether the fall is more than noise.
    """

    at: Floats
    losses: Floats
    initial: float
    noise: float
    start: float
    steepest: float
    done: float
    divergence: float | None
    falls: bool


def has_room(sweeps: Sequence[Sweep], low: float) -> bool:
    """Whether the sweeps came far enough for a curve before they diverged; `low` is where they began."""
    ends = [sweep.rates[-1] for sweep in sweeps if sweep.rates]
    return bool(ends) and math.log10(max(ends) / low) >= ROOM


def shape_of(sweeps: Sequence[Sweep]) -> Shape:
    """Read the curve of all sweeps together; they must have room (`has_room`)."""
    sweeps = [sweep for sweep in sweeps if sweep.rates]
    noise = noise_in(sweeps)
    before = [*(s.initial for s in sweeps), *sweeps[0].plateau]
    initial = float(np.median(before))
    x, y = _pooled(sweeps)
    at = np.linspace(x.min(), x.max(), round(_GRID * (x.max() - x.min())) + 1)
    # First with a low ceiling, so that explosions do not hide how far the loss falls, then with one in proportion.
    rough, _ = lowess(at, x, np.minimum(y, initial + 2 * _RISES * noise), rounds=0)
    gained = max(initial - float(rough.min()), _RISES * noise)
    y = np.minimum(y, initial + 2 * gained)
    losses, errors = lowess(at, x, y)
    errors = noise * np.sqrt(errors**2 + _MEDIAN / len(before))
    lost = float(losses.min()) + max(_HALF * (initial - float(losses.min())), _RISES * float(np.median(errors)))
    last = int(np.flatnonzero(losses <= lost)[-1])  # a spike that it recovers from is none
    bottom = int(np.argmin(losses[: last + 1]))
    fall = initial - float(losses[bottom])
    begun = np.flatnonzero(losses[: bottom + 1] >= initial - _BEGUN * fall)
    start = int(begun[-1]) if len(begun) else 0
    slope = np.gradient(losses, at)[start : bottom + 1]
    beyond = y[x > at[last]]
    diverged = len(beyond) > 1 and beyond.mean() > lost + _RISES * noise / math.sqrt(len(beyond))
    return Shape(
        at=at,
        losses=losses,
        initial=initial,
        noise=noise,
        start=float(at[start]),
        steepest=float(at[start + int(np.argmin(slope))]),
        done=float(at[int(np.argmax(losses <= losses[bottom] + (1 - _DONE) * max(fall, 0.0)))]),
        divergence=float(at[last]) if diverged else None,
        falls=bool(np.any(initial - losses[: last + 1] > _FALLS * errors[: last + 1])),
    )


def _pooled(sweeps: Sequence[Sweep]) -> tuple[Floats, Floats]:
    """All points; a sweep that has diverged goes on so, or the luckiest one would be all there is at large rates."""
    top = math.log10(max(s.rates[-1] for s in sweeps))
    x, y = [], []
    for sweep in sweeps:
        at = np.log10(sweep.rates)
        pace = at[1] - at[0] if len(at) > 1 else _APART
        beyond = np.arange(at[-1] + pace, top + pace / 2, pace) if sweep.diverged else np.zeros(0)
        x += [at, beyond]
        y += [np.asarray(sweep.losses), np.full(len(beyond), np.inf)]
    return np.concatenate(x), np.concatenate(y)


def disagreement(sweeps: Sequence[Sweep]) -> float:
    """Decades by which the divergence moves when any one of the later sweeps is left out (the jackknife).

    `inf` if there are fewer than two of them, or without one there is no divergence.
    """
    first, *later = sweeps
    if len(later) < 2:
        return math.inf
    found = [shape_of([first, *later[:i], *later[i + 1 :]]).divergence for i in range(len(later))]
    places = [place for place in found if place is not None]
    return max(places) - min(places) if len(places) == len(later) else math.inf


def next_rates(sweeps: Sequence[Sweep], left: int, swept: tuple[float, float]) -> Floats:
    """The rates of the next sweep; none if the test is over.

    The first sweep goes through all rates. The later ones go through those around the fall and the divergence, as far
    as they are known by then; they are as many as the steps that are left allow.
    """
    low, high = (math.log10(rate) for rate in swept)
    if not sweeps:
        return ladder(low, high, coarse_steps(left, high - low))
    if not has_room(sweeps, swept[0]):
        return ladder(low, high, 0)
    shape = shape_of(sweeps)
    begin, end = low, high
    if shape.divergence is not None:
        begin, end = max(low, shape.divergence - _BEFORE), min(high, shape.divergence + _AFTER)
    elif shape.falls:
        begin = max(low, shape.start - _LEAD)
    return ladder(begin, end, finer_steps(left, len(sweeps) - 1, end - begin))
