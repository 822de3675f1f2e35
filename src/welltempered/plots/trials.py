"""Where trials lie, in two of their parameters."""

import math
from typing import TYPE_CHECKING

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.history import History
from welltempered.plots.style import BLUE, FAINT, ORANGE, canvas, check_history, figure_of, scale_axis
from welltempered.space import Space

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def trials(history: History, x: str, y: str, *, axes: "Axes | None" = None) -> "Figure":
    """The trials of a study in two of its parameters, darker the better, each parameter on the scale it is searched on.

    Ticks along the sides show which values of each were tried. The best trial has a ring; trials that lack one of the
    two parameters are left out.

    Args:
        history: of a study, `study.history`.
        x: parameter along the horizontal axis.
        y: parameter along the vertical axis.
        axes: where to draw. Default: a figure of its own.

    Raises:
        InvalidInput: if it is no history, its space has no two such parameters, or matplotlib is not installed.
    """
    check_history(history)
    if x == y:
        raise InvalidInput(f"x and y must be two parameters, got {x=}, {y=}; their names are in study.history.space")
    columns = [_column(history.space, name) for name in (x, y)]
    points = history.matrix()[:, columns]
    drawn = [id for id, (u, v) in enumerate(points) if not (math.isnan(u) or math.isnan(v))]
    order = sorted(drawn, key=lambda id: history.trials[id].loss, reverse=True)  # the best on top
    with canvas(axes, 4.4, 4.0) as axes_:
        shades = [0.15 + 0.85 * (rank + 1) / len(order) for rank in range(len(order))]
        axes_.scatter(*points[order].T, s=36, color=BLUE, alpha=shades or None, linewidths=0)
        best = history.best
        if best is not None and best.id in drawn:
            axes_.scatter(*points[best.id], s=110, facecolors="none", edgecolors=ORANGE, linewidths=2)
        axes_.plot(points[order, 0], [-0.04] * len(order), "|", color=BLUE, markersize=7, alpha=0.7)
        axes_.plot([-0.04] * len(order), points[order, 1], "_", color=BLUE, markersize=7, alpha=0.7)
        axes_.set(xlim=(-0.06, 1.04), ylim=(-0.06, 1.04))
        scale_axis(axes_.xaxis, history.space[x], x)
        scale_axis(axes_.yaxis, history.space[y], y)
        axes_.grid(color=FAINT, linewidth=0.5, alpha=0.5)
        axes_.set_axisbelow(True)
        return figure_of(axes_)


def _column(space: Space, name: str) -> int:
    if name not in space.names:
        raise InvalidInput(f"parameter must be one of {', '.join(space.names)}, got {shown(name)}")
    return space.names.index(name)
