"""Anytime regret as a picture: ours in colour, the best peers beside them, all else in grey."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import NullFormatter, ScalarFormatter

from benchmarks.tables.report import Row, Standings
from welltempered.plots.style import COLOURS, FAINT, INK, canvas, figure_of

_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)


def draw(standings: Standings, folder: Path) -> Path:
    """Write `<family>-<workers>.svg`: mean regret over epochs, with the quartiles of the first of ours."""
    family, workers = standings.tasks[0].family, standings.workers
    epochs = np.arange(1, standings.curves.shape[-1] + 1)
    coloured = _coloured(standings)
    with canvas(None, 7.2, 4.2) as axes:
        for i in range(len(standings.rows)):
            if i not in coloured:
                axes.plot(epochs, standings.means[i], color=FAINT, linewidth=0.8)
        for i, colour in coloured.items():
            row = standings.rows[i]
            style = "-" if _ours(row) else "--" if row.who.peer is not None else ":"
            axes.plot(epochs, standings.means[i], style, color=colour, label=row.name)
        ours = next((i for i in coloured if _ours(standings.rows[i])), None)
        if ours is not None:
            flat = standings.curves[ours].reshape(-1, len(epochs))
            axes.fill_between(epochs, *np.quantile(flat, (0.25, 0.75), axis=0), color=coloured[ours], alpha=0.15, lw=0)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(min(standings.marks[0] / 5, len(epochs) / 2), len(epochs))
        axes.set_xticks(list(standings.marks))
        axes.set_yticks(_TICKS)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(ScalarFormatter())
            axis.set_minor_formatter(NullFormatter())
        axes.set_ylim(max(_TICKS[0], 0.8 * float(standings.means[:, -1].min())), 1)
        axes.set_xlabel("trials" if standings.tasks[0].epochs == 1 else "epochs trained")
        axes.set_ylabel("mean normalised regret")
        axes.set_title(f"{family}, {workers} worker{'s' if workers > 1 else ''}", color=INK)
        axes.legend()
        path = folder / f"{family}-{workers}.svg"
        folder.mkdir(parents=True, exist_ok=True)
        with mpl.rc_context({"svg.hashsalt": path.name}):  # the same picture from the same runs
            figure_of(axes).savefig(path, metadata={"Date": None})
    return path


def _ours(row: Row) -> bool:
    return row.who.peer is None and not row.who.baseline


def _coloured(standings: Standings) -> dict[int, str]:
    """Rows that get a colour: up to three of ours, then the best peers, then the best baselines."""

    def rank(i: int) -> tuple[int, float]:
        row = standings.rows[i]
        kind = 0 if _ours(row) else 1 if row.who.peer is not None else 2
        return kind, float(standings.means[i, -1])

    order = sorted((i for i, row in enumerate(standings.rows) if row.ranked), key=rank)
    ours = [i for i in order if _ours(standings.rows[i])][:3]
    others = [i for i in order if not _ours(standings.rows[i])][: len(COLOURS) - len(ours)]
    return dict(zip([*ours, *others], COLOURS, strict=False))
