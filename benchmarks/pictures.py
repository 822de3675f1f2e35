"""Pictures of records, for the pages: `python -m benchmarks.pictures` draws them into `docs/pictures`."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from welltempered.plots.style import BLUE, FAINT, RED

ROOT = Path(__file__).parents[1]
_FULL, _LEASE = BLUE, RED
"""Horizon of the full training, horizon of the lease."""

_AT = 1
"""Which lease the example is taken from: the second shortest."""


def horizon(record: Mapping[str, Any]) -> Figure:
    """What the horizon of a schedule does to early rankings, on the last task of the record.

    On the left Kendall's tau of each lease, for both horizons, and what another seed of the full training reaches. On
    the right the validation error of every configuration, annealed over the full training, and two of them in colour:
    the one that is best at the end, and the one that a schedule over a short lease took for the best.
    """
    task = record["tasks"][-1]
    figure = Figure((9.6, 3.8), layout="constrained")
    agreement, curves = figure.subplots(ncols=2)
    rows = task["rows"]
    leases = [row["lease"] for row in rows if row["horizon"] == "lease"]
    _agreement(rows, leases, agreement)
    _curves(task["curves"], leases[_AT], curves)
    curves.set_title(task["name"], loc="right", fontsize="medium")
    return figure


def _agreement(rows: Sequence[Mapping[str, Any]], leases: Sequence[int], axes: Axes) -> None:
    for horizon, ink, text in (("full", _FULL, "full training"), ("lease", _LEASE, "lease alone")):
        found = [row["kendall"] for row in rows if row["horizon"] == horizon]
        axes.plot(range(len(leases)), found, color=ink, linewidth=1.8, marker="o")
        axes.annotate(text, (len(leases) - 1, found[-1]), (7, 0), textcoords="offset points", color=ink, va="center")
    (ceiling,) = (row["kendall"] for row in rows if row["horizon"] == "again")
    axes.axhline(ceiling, color=FAINT, linewidth=1, zorder=0)
    axes.annotate("another seed, to the end", (0, ceiling), (0, 4), textcoords="offset points", color="#6b7782")
    axes.set_xticks(range(len(leases)), [str(lease) for lease in leases])
    axes.set_xlim(-0.2, len(leases) - 0.2)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("epochs after which trials are ranked")
    axes.set_ylabel("agreement with the final ranking (Kendall)")
    axes.spines[["top", "right"]].set_visible(False)


def _curves(curves: Sequence[Mapping[str, Sequence[float]]], lease: int, axes: Axes) -> None:
    epochs = range(1, len(curves[0]["full"]) + 1)
    best = min(curves, key=lambda curve: curve["full"][-1])
    taken = min(curves, key=lambda curve: curve["lease"][_AT])
    for curve in curves:
        axes.plot(epochs, curve["full"], color=FAINT, linewidth=0.6, zorder=1)
    for curve, ink in ((best, _FULL), (taken, _LEASE)):
        axes.plot(epochs, curve["full"], color=ink, linewidth=1.8, zorder=2)
    axes.scatter([lease], [taken["lease"][_AT]], color=_LEASE, zorder=3)
    axes.annotate(
        f"best where the schedule\nends after {lease} epochs",
        (lease, taken["lease"][_AT]),
        (30, 70),
        textcoords="offset points",
        color=_LEASE,
        arrowprops={"arrowstyle": "-", "color": _LEASE},
    )
    axes.annotate(
        "best at the end",
        (epochs[-1], best["full"][-1]),
        (-4, -14),
        textcoords="offset points",
        color=_FULL,
        ha="right",
    )
    errors = sorted(curve["full"][-1] for curve in curves)
    top = max(curve["full"][0] for curve in (best, taken))
    axes.set_ylim(0.75 * errors[0], max(1.25 * top, errors[len(errors) // 2]))
    axes.set_xlim(1, epochs[-1])
    axes.set_xlabel("epoch")
    axes.set_ylabel("validation error")
    axes.spines[["top", "right"]].set_visible(False)


PICTURES: Mapping[str, Callable[[Mapping[str, Any]], Figure]] = {"horizon": horizon}
"""Of each record that has one."""


def main() -> None:
    """Draw all of them."""
    mpl.rcParams["svg.hashsalt"] = "welltempered"  # the same file from the same record
    for name, draw in PICTURES.items():
        record = json.loads((ROOT / "benchmarks" / "records" / f"{name}.json").read_text(encoding="utf-8"))
        path = ROOT / "docs" / "pictures" / f"record-{name}.svg"
        path.parent.mkdir(exist_ok=True)
        draw(record).savefig(path, metadata={"Date": None})
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
