"""The standings of a family as part of the record, and as tables in Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.tables.race import Contender, Run
from benchmarks.tables.standings import CHARGED, SPENT, anytime, epochs_to, mean_ranks, rounded, summary, wins
from benchmarks.tables.task import Task

_COSTS = ("median_ms", "p90_ms", "trials", "seconds")


@dataclass(frozen=True)
class Row:
    """A contender under one way of counting epochs.

    Attributes:
        name: in the table.
        who: the contender.
        axis: whether training again counts.
        ranked: whether it is one of those that are ranked: each contender is so once, with its real cost.
    """

    name: str
    who: Contender
    axis: int
    ranked: bool


def rows_of(contenders: Sequence[Contender]) -> list[Row]:
    """One row each; of a peer that trains again what it has trained, one with and one without that charge."""
    found = []
    for who in contenders:
        if who.peer is None or who.peer.resumes:
            found.append(Row(who.name, who, SPENT, ranked=True))
        else:
            found.append(Row(f"{who.name}, charged", who, CHARGED, ranked=True))
            found.append(Row(f"{who.name}, not charged", who, SPENT, ranked=False))
    return found


@dataclass(frozen=True)
class Standings:
    """How contenders stand in a family, with a number of workers.

    Attributes:
        tasks: of the family.
        workers: slots.
        marks: epochs that tables show; the last is the end.
        rows: of the table.
        curves: anytime regret, shape (rows, tasks, seeds, epochs).
        runs: by contender, task and seed.
    """

    tasks: Sequence[Task]
    workers: int
    marks: Sequence[int]
    rows: Sequence[Row]
    curves: np.ndarray
    runs: Mapping[tuple[str, str, int], Run]

    @classmethod
    def of(
        cls,
        tasks: Sequence[Task],
        workers: int,
        budget: int,
        contenders: Sequence[Contender],
        runs: Mapping[tuple[str, str, int], Run],
    ) -> "Standings":
        """The standings after all runs; `budget` as on the command line."""
        rows, marks = rows_of(contenders), tasks[0].marks(budget)
        seeds = 1 + max(seed for _, _, seed in runs)
        curves = [
            [
                [anytime(task, runs[row.who.name, task.name, seed], marks[-1], row.axis) for seed in range(seeds)]
                for task in tasks
            ]
            for row in rows
        ]
        return cls(tasks, workers, marks, rows, np.array(curves), runs)

    @property
    def means(self) -> np.ndarray:
        """Mean anytime regret, shape (rows, epochs)."""
        return np.asarray(self.curves.mean(axis=(1, 2)))

    @property
    def best_peer(self) -> int | None:
        """The row of the peer that is best at the end, charged or not; `None` without peers."""
        peers = [i for i, row in enumerate(self.rows) if row.who.peer is not None]
        return min(peers, key=lambda i: self.means[i, -1], default=None)

    def record(self) -> dict[str, Any]:
        """All figures, as JSON."""
        ranked = [i for i, row in enumerate(self.rows) if row.ranked]
        ends = self.curves[ranked, :, :, -1]
        rows = [self._row(i) for i in range(len(self.rows))]
        for i, rank, won in zip(ranked, mean_ranks(ends), wins(ends), strict=True):
            rows[i] |= {"rank": rank, "wins": won}
        best = self.best_peer
        return {
            "family": self.tasks[0].family,
            "workers": self.workers,
            "unit": "trials" if self.tasks[0].epochs == 1 else "epochs",
            "tasks": {task.name: task.split for task in self.tasks},
            "seeds": self.curves.shape[2],
            "marks": list(self.marks),
            "best_peer": None if best is None else self.rows[best].name,
            "rows": rows,
        }

    def _row(self, i: int) -> dict[str, Any]:
        own = [run for (name, _, _), run in self.runs.items() if name == self.rows[i].who.name]
        regrets = self.curves[i][..., np.array(self.marks) - 1]
        best = self.best_peer
        return {
            "name": self.rows[i].name,
            "failed": sum("error" in run for run in own),
            "regret": summary(regrets),
            "tasks": {task.name: rounded(regrets[k].mean(axis=0)) for k, task in enumerate(self.tasks)},
            "to_best_peer": None if best is None else epochs_to(self.means[i], float(self.means[best, -1])),
            **{name: _median(own, name) for name in _COSTS},
        }


def _median(runs: Sequence[Run], name: str) -> float | None:
    values = [run[name] for run in runs if name in run]
    return round(float(np.median(values)), 3) if values else None


def markdown(record: Mapping[str, Any]) -> str:
    """A family as two tables: means with ranks and costs, then medians with quartiles."""
    unit, workers = record["unit"], record["workers"]
    sizes = f"{len(record['tasks'])} tasks × {record['seeds']} seeds"
    marks = [str(mark) for mark in record["marks"]]
    best = record["best_peer"]
    reached = [f"{unit} to the end of {best}"] if best else []
    columns = ["method", *marks, "rank (95 %)", "wins", *reached, "ms per decision: median / p90"]
    first = [_line(columns), _rule(columns), *(_line(_cells(row, has_peers=bool(best))) for row in record["rows"])]
    columns = ["method", *marks]
    second = [_line(columns), _rule(columns), *(_line(_spans(row)) for row in record["rows"])]
    lines = [
        *(f"### {record['family']}, {workers} worker{'s' if workers > 1 else ''}", ""),
        *(f"Mean normalised regret after {unit}; {sizes}.", "", *first, ""),
        *(f"Median and quartiles of the same after {unit}.", "", *second),
    ]
    return "\n".join(lines)


def _cells(row: Mapping[str, Any], *, has_peers: bool) -> list[str]:
    rank, failed = row.get("rank"), f" ({row['failed']} failed)" if row["failed"] else ""
    return [
        row["name"] + failed,
        *(f"{value:.3f}" for value in row["regret"]["mean"]),
        f"{rank['mean']:.2f} ({rank['low']:.2f}–{rank['high']:.2f})" if rank else "",
        str(row.get("wins", "")),
        *([str(row["to_best_peer"] or "–")] if has_peers else []),
        f"{row['median_ms']} / {row['p90_ms']}",
    ]


def _spans(row: Mapping[str, Any]) -> list[str]:
    found = row["regret"]
    spans = zip(found["median"], found["low"], found["high"], strict=True)
    return [row["name"], *(f"{middle:.3f} [{low:.3f}, {high:.3f}]" for middle, low, high in spans)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: Sequence[str]) -> str:
    return "|---|" + "--:|" * (len(columns) - 1)
