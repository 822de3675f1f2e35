"""Learning curves of a study."""

import math
from typing import TYPE_CHECKING

from welltempered.history import History
from welltempered.plots.style import BLUE, FAINT, ORANGE, RED, canvas, check_history, figure_of
from welltempered.trial import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST = 0.9
"""Share of all losses that the picture shows in any case."""

_MARGIN = 0.05
"""Of the height below the best curve, as matplotlib leaves it."""


def curves(history: History, *, axes: "Axes | None" = None) -> "Figure":
    """The objective of every trial after each of its epochs; full trainings dark, the best one on top.

    A dot ends the curve of a trial that went no further, a cross that of one that failed. Losses far beyond those of
    nearly all are left out.

    Args:
        history: of a study, `study.history`.
        axes: where to draw. Default: a figure of its own.

    Raises:
        InvalidInput: if it is no history, or matplotlib is not installed.
    """
    check_history(history)
    best = history.best
    with canvas(axes) as axes_:
        from matplotlib.ticker import MaxNLocator

        for trial in history.trials:
            values = [report.metrics[trial.metric] for report in trial.reports]
            known = [
                (report.epoch, value) for report, value in zip(trial.reports, values, strict=True) if value is not None
            ]
            if not known:
                continue
            epochs, finite = zip(*known, strict=True)
            top = best is not None and trial.id == best.id
            colour = ORANGE if top else BLUE
            alpha = 1.0 if top else 0.6 if trial.epoch == trial.horizon else 0.25
            axes_.plot(epochs, finite, color=colour, alpha=alpha, linewidth=2.2 if top else 1, zorder=3 if top else 2)
            if trial.epoch < trial.horizon or _failed(trial):
                mark, shade = ("x", RED) if _failed(trial) else (".", colour)
                axes_.plot(epochs[-1:], finite[-1:], mark, color=shade, alpha=max(alpha, 0.5), markersize=5, zorder=2)
        if best is not None:
            axes_.annotate(
                f"trial {best.id}", (best.epoch, best.value), (4, 4), textcoords="offset points", color=ORANGE
            )
        shown = [loss for trial in history.trials for loss in trial.losses if loss < math.inf]
        if shown and max(shown) > (bar := _bar(shown)):
            ends = (min(shown) - _MARGIN * (bar - min(shown)), bar)
            axes_.set_ylim(sorted(-end if history.objective.maximize else end for end in ends))
        axes_.set(xlabel="epoch", ylabel=history.objective.metric, xlim=(0.5, history.epochs))
        axes_.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes_.grid(axis="y", color=FAINT, linewidth=0.5, alpha=0.5)
        return figure_of(axes_)


def _bar(losses: list[float]) -> float:
    """The loss at which the picture ends: far beyond nearly all, so that an explosion does not flatten the others."""
    lowest, most = min(losses), sorted(losses)[int(_MOST * (len(losses) - 1))]
    return most + (most - lowest) / 2


def _failed(trial: Trial) -> bool:
    return bool(trial.reports) and trial.loss == math.inf
