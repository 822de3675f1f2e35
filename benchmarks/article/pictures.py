"""Best validation accuracy over wall time, of a group of the record."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.article.entrants import ENTRANTS
from welltempered.plots.style import BLUE, FAINT, RED

_GREY = "#6b7782"
_DASHES = ("solid", "dashed", "dotted", "dashdot", (0, (1, 3)), (0, (5, 5)), (0, (3, 1, 1, 1)))
_FROM = 0.8
"""Lower accuracies are left out: all programs pass them within an epoch or two."""


def draw(group: Mapping[str, Any]) -> Figure:
    """A line per run on a logarithmic axis of seconds from the start of the process: ours blue, peers grey."""
    figure = Figure((9.6, 4.8), layout="constrained")
    axes = figure.subplots()
    peers = [who for who in ENTRANTS if not ENTRANTS[who].ours]
    ours = [who for who in ENTRANTS if ENTRANTS[who].ours]
    for names, ink in ((peers, _GREY), (ours, BLUE)):
        for who, dashes in zip(names, _DASHES, strict=False):
            runs = [run for run in group["runs"] if run["who"] == who and run.get("epochs")]
            _lines(runs, axes, color=ink, linestyle=dashes, label=ENTRANTS[who].title)
    if group["target"] is not None:
        axes.axhline(group["target"], color=RED, linewidth=0.8, zorder=0)
        note = "KerasTuner's best, mean of its seeds"
        axes.annotate(
            note, (1, group["target"]), (-4, 4), ("axes fraction", "data"), "offset points", color=RED, ha="right"
        )
    axes.set_xscale("log")
    axes.set_ylim(bottom=_FROM)
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.set_xlabel("seconds since the program was started")
    axes.set_ylabel("best validation accuracy so far")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right", fontsize="small")
    return figure


def anytime(run: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Seconds at which the best accuracy grew, and what it was then; the last point is the end of the run."""
    at, accuracy = (np.array([epoch[column] for epoch in run["epochs"]]) for column in (0, 3))
    best = np.maximum.accumulate(accuracy)
    return np.append(at, run["wall"]), np.append(best, best[-1])


def _lines(runs: Sequence[Mapping[str, Any]], axes: Axes, *, label: str, **style: Any) -> None:
    for number, run in enumerate(runs):
        axes.step(*anytime(run), where="post", linewidth=1.2, alpha=0.9, label=None if number else label, **style)
