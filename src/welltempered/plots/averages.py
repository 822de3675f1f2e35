"""What a momentum means: the article's picture of two averages."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from welltempered.checks import number, shown
from welltempered.errors import InvalidInput
from welltempered.plots.style import COLOURS, FAINT, canvas, figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STEPS = 365
"""Enough for averages of up to a hundred steps to settle; the lectures' example has a year of temperatures."""


def averages(
    betas: Sequence[float] = (0.9, 0.98), *, series: Sequence[float] | None = None, axes: "Axes | None" = None
) -> "Figure":
    """Exponentially weighted averages of a noisy series: the larger β, the smoother and the later.

    v_t = β v_{t-1} + (1 - β) x_t, divided by 1 - β^t against the start at zero (Kingma & Ba, "Adam", ICLR 2015,
    algorithm 1); it averages about 1 / (1 - β) steps.

    Args:
        betas: each in [0, 1). Default 0.9 and 0.98, the article's two.
        series: what to average. Default: a wave with noise.
        axes: where to draw. Default: a figure of its own.

    Raises:
        InvalidInput: if a β is out of range, the series is no list of numbers, or matplotlib is not installed.
    """
    if not isinstance(betas, Iterable) or isinstance(betas, str) or not (given := list(betas)):
        raise InvalidInput(f"betas must be a list of at least one number, such as [0.9], got betas={shown(betas)}")
    betas = [number("betas", beta, "at least 0 and below 1", 0, 1) for beta in given]
    values = _noisy_wave() if series is None else _floats(series)
    with canvas(axes) as axes_:
        axes_.plot(values, ".", color=FAINT, markersize=4)
        for beta, colour in zip(betas, COLOURS * len(betas), strict=False):
            smooth = average(values, beta)
            steps = 1 / (1 - beta)
            axes_.plot(smooth, color=colour, label=f"β = {beta:g} averages about {steps:.3g} steps")
        axes_.legend(loc="upper right", labelcolor="linecolor", handlelength=1.2)
        axes_.set(xlabel="step", xlim=(0, len(values)))
        axes_.set_yticks([])
        return figure_of(axes_)


def _floats(series: object) -> np.ndarray:
    try:
        values = np.asarray(series, dtype=float)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.ndim != 1 or not len(values):
        raise InvalidInput(f"series must be a list of numbers, got series={shown(series)}")
    return values


def average(values: np.ndarray, beta: float) -> np.ndarray:
    """The exponentially weighted average after each step, shape as `values`, corrected for its start at zero."""
    total, averaged = 0.0, np.empty(len(values))
    for step, value in enumerate(values.tolist()):
        total = beta * total + (1 - beta) * value
        averaged[step] = total / (1 - beta ** (step + 1))
    return averaged


def _noisy_wave() -> np.ndarray:
    steps = np.arange(_STEPS)
    return np.sin(2 * np.pi * (steps / _STEPS - 0.25)) + np.random.default_rng(0).normal(0, 0.35, _STEPS)
