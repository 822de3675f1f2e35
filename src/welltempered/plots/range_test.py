"""The loss against the learning rate, as a range test has measured it."""

import math
import textwrap
from typing import TYPE_CHECKING

import numpy as np

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.plots.style import BLUE, FAINT, RED, canvas, figure_of
from welltempered.sweep.result import RangeTest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_RANGE = "#DCEFE6"
"""Behind the suggested range: light enough for what is drawn on it."""

_MARGIN = 0.12
"""Share of the curve's height that is left below it, and twice that above, where the labels are."""


def range_test(result: RangeTest, *, axes: "Axes | None" = None) -> "Figure":
    """The loss against the learning rate: points of all seeds, the smoothed curve, and what follows from it.

    Losses far above the curve are left out of the picture, so that an explosion does not flatten the rest.

    Args:
        result: of `range_test`.
        axes: where to draw. Default: a figure of its own.

    Raises:
        InvalidInput: if the result is something else, or matplotlib is not installed.
    """
    if not isinstance(result, RangeTest):
        raise InvalidInput(f"result must be a RangeTest, as range_test returns it, got result={shown(result)}")
    with canvas(axes) as axes_:
        axes_.set(xscale="log", xlim=result.swept, xlabel="learning rate", ylabel="training loss")
        if not result.curve:
            axes_.set_yticks([])
            axes_.text(
                0.5, 0.5, _wrapped(result.reason), transform=axes_.transAxes, ha="center", va="center", color=RED
            )
            return figure_of(axes_)
        bottom, top = _limits(result)
        axes_.set_ylim(bottom, top)
        _points(result, axes_)
        axes_.plot(*zip(*result.curve, strict=True), color=BLUE, linewidth=2, zorder=3)
        if result.confidence == "none":
            axes_.set_title(_wrapped(result.reason), fontsize="small", color=RED)
        else:
            _marks(result, axes_, top)
        return figure_of(axes_)


def _points(result: RangeTest, axes: "Axes") -> None:
    """The measured losses; those that are not finite are not in the picture."""
    for sweep in result.sweeps:
        axes.plot(sweep.rates, sweep.losses, ".", color=FAINT, markersize=4, alpha=0.7, zorder=2)


def _marks(result: RangeTest, axes: "Axes", top: float) -> None:
    """The range, the suggested rate, the steepest point and the divergence, each with its name beside it."""
    rates, losses = (np.array(values) for values in zip(*result.curve, strict=True))
    axes.axvspan(result.low, result.high, color=_RANGE, zorder=0)
    label = f"range {result.low:.2g} to {result.high:.2g}"
    axes.text(math.sqrt(result.low * result.high), top, label, ha="center", va="bottom", fontsize="small", color=BLUE)
    axes.axvline(result.suggested, color=BLUE, linestyle="--", linewidth=1, zorder=1)
    axes.annotate(
        f"try {result.suggested:.2g} ", (result.suggested, top), xytext=(0, -4), textcoords="offset points",
        ha="right", va="top", fontsize="small", color=BLUE,
    )  # fmt: skip
    if result.steepest is not None:
        height = float(np.interp(math.log(result.steepest), np.log(rates), losses))
        axes.plot([result.steepest], [height], "v", color=BLUE, markersize=7, zorder=4)
        axes.annotate(
            "steepest ", (result.steepest, height), xytext=(-6, -10), textcoords="offset points",
            ha="right", va="top", fontsize="small", color=BLUE,
        )  # fmt: skip
    if result.divergence is not None:
        axes.axvline(result.divergence, color=RED, linewidth=1, zorder=1)
        axes.annotate(
            " diverges", (result.divergence, top), xytext=(2, -4), textcoords="offset points",
            ha="left", va="top", fontsize="small", color=RED,
        )  # fmt: skip


def _limits(result: RangeTest) -> tuple[float, float]:
    losses = np.array([loss for _, loss in result.curve])
    lowest, highest = float(losses.min()), float(max(losses.max(), result.initial + 2 * result.noise))
    height = max(highest - lowest, 1e-12 * max(abs(highest), 1.0))
    return lowest - 2 * result.noise - _MARGIN * height, highest + 2 * _MARGIN * height


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 60)
