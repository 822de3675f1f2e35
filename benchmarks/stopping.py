"""What stopping rules save and what they lose: `python -m benchmarks.stopping --data DIR --json FILE`.

Whole studies in virtual time, on learning curves that were measured once: RNN text classifiers of TaskSet (each with
1,000 random settings of Adam, 50 epochs, many that diverge or learn nothing) and the noisy multilayer perceptrons of
`fashion_curves`. Columns, all of them means or sums over the studies of a group:

- saved: epochs not trained, of those that all trials would take; what divergence alone saves is included and named;
- lost: trials of the study's top 5 %, by their last value, that were not trained to the end: stopped, or not promoted;
- best lost: studies that have lost the very best;
- regret: by how much the best that the study holds is worse than that trial at its end, in units of the distance to the
  median trial; below zero if it was better before its end;
- leases: per trial, each of which costs a checkpoint.
"""

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import welltempered as wt
from benchmarks.machine import circumstances

FORMAT = 1
ROOT = Path(__file__).parents[1]
CURVES = ROOT / "benchmarks" / "records" / "fashion_curves.json"
STUDIES = 5
"""Studies per task: on TaskSet five of 200 settings each, which together hold each of the 1,000 once; on Fashion-MNIST,
where there are only 90, five orders of all."""
TOP = 0.05
"""Share of the trials, best at the end, that should not be stopped."""
CHOSEN = ("patch128_LSTM128_avg_bs64", "patch32_GRU64_avg_bs128", "patch32_LSTM128_bs128")
"""Tasks on which the numbers of the defaults were chosen, every other one by name; the rest was not looked at for that.

The form of the rules (that trials keep their place after they have gone, the benefit of jitter and trend) came of
looking at all tasks, and at Fashion-MNIST.
"""

Curves = Sequence[Sequence[float]]
Make = Callable[[wt.Searcher], wt.Scheduler]


@dataclass(frozen=True)
class Task:
    """A table of curves; what is not finite is `nan`.

    Attributes:
        name: in the record.
        group: under which the table adds it up.
        curves: one per row, all of one length.
        maximize: whether larger is better.
        number: of the study.
    """

    name: str
    group: str
    curves: Curves
    maximize: bool
    number: int

    def losses(self, row: int) -> list[float]:
        """Lower is better, and `inf` from the first epoch on that is not finite."""
        found = [
            (-value if self.maximize else value) if math.isfinite(value) else math.inf for value in self.curves[row]
        ]
        over = next((epoch for epoch, loss in enumerate(found) if loss == math.inf), len(found))
        return found[:over] + [math.inf] * (len(found) - over)


def settings() -> Iterator[Make]:
    """All that is compared; the first of each kind are the defaults."""
    full = wt.Full
    yield full
    yield lambda searcher: wt.Percentile(full(searcher))
    for percent in (5, 15, 20, 25):
        yield lambda searcher, percent=percent: wt.Percentile(full(searcher), percent=percent)
    yield lambda searcher: wt.Percentile(full(searcher), grace=5)
    for every in (1, 5):
        yield lambda searcher, every=every: wt.Percentile(full(searcher), every=every)
    for noise, trend in ((0, 0), (0, 1), (1, 0), (2, 1), (1, 0.5), (1, 2)):
        yield lambda searcher, n=noise, t=trend: wt.Percentile(full(searcher), noise=n, trend=t)
    yield lambda searcher: wt.Median(full(searcher))
    yield lambda searcher: wt.Median(full(searcher), noise=0)
    yield lambda searcher: wt.Median(full(searcher), noise=0, trend=0)
    yield lambda searcher: wt.Slack(full(searcher))
    for factor in (0.5, 0.75, 0.9):
        yield lambda searcher, factor=factor: wt.Slack(full(searcher), factor=factor)
    yield lambda searcher: wt.Slack(full(searcher), noise=0)
    yield lambda searcher: wt.Slack(full(searcher), grace=5)
    yield lambda searcher: wt.Plateau(full(searcher))
    yield lambda searcher: wt.Plateau(full(searcher), noise=0)
    for share in (0.0, 0.33, 0.67):
        yield lambda searcher, share=share: wt.Plateau(full(searcher), share=share, noise=0)
    yield lambda searcher: wt.Plateau(full(searcher), patience=10, share=0.0, noise=0)
    yield lambda searcher: wt.Plateau(wt.Percentile(full(searcher)))
    yield wt.Halving
    yield lambda searcher: wt.Percentile(wt.Halving(searcher))
    yield wt.Hyperband
    yield lambda searcher: wt.Percentile(wt.Hyperband(searcher))
    yield lambda searcher: wt.Median(wt.Hyperband(searcher))


def main() -> int:
    """Run all studies, write the record, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stopping", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("WELLTEMPERED_DATA"), metavar="DIR")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the record")
    parser.add_argument("--only", metavar="TEXT", default="", help="only settings whose description holds this")
    options = parser.parse_args()
    tasks = [*_taskset(options.data), *_fashion()]
    rows = []
    for make in settings():
        setting = describe(make)
        if options.only in setting:
            print(setting, file=sys.stderr, flush=True)
            rows.append({"setting": setting, "studies": [measure(task, make) for task in tasks]})
    record = {"format": FORMAT, **circumstances(ROOT), "top": TOP}
    record |= {"tasks": {task.name: task.group for task in tasks}, "rows": rows}
    print(table(record))
    if options.json is not None:
        options.json.write_text(json.dumps(_compact(record), separators=(",", ":")) + "\n")
    return 0


def _compact(record: dict[str, Any]) -> dict[str, Any]:
    """The record without the names of the columns in each study."""
    rows = [{**row, "studies": [list(study.values()) for study in row["studies"]]} for row in record["rows"]]
    return {**record, "columns": list(record["rows"][0]["studies"][0]), "rows": rows}


def describe(make: Make) -> str:
    """A setting as one would write it, without what is default."""
    return _described(make(wt.Random()))


def _described(method: Any) -> str:
    fields = {name: value for name, value in vars(method).items() if name not in ("scheduler", "searcher")}
    default = vars(type(method)(*(value for name, value in vars(method).items() if name in ("scheduler", "searcher"))))
    parts = [f"{name}={value:g}" for name, value in fields.items() if value != default[name]]
    within = vars(method).get("scheduler")
    return f"{type(method).__name__}({', '.join([*([_described(within)] if within else []), *parts])})"


def _taskset(folder: Path | None) -> list[Task]:
    paths = sorted((Path(folder) / "taskset").glob("*.npz")) if folder is not None else []
    if not paths:
        print("no TaskSet in --data DIR: measuring on Fashion-MNIST alone", file=sys.stderr)
    found = []
    for path in paths:
        name = path.stem.partition("imdb_")[2]
        group = "TaskSet, chosen on" if name in CHOSEN else "TaskSet, others"
        curves = np.load(path)["valid_loss"][:, 1:].astype(float).tolist()  # the first value is from before training
        order = np.random.default_rng(0).permutation(len(curves))
        for number, rows in enumerate(np.split(order, STUDIES)):
            found.append(Task(name, group, [curves[row] for row in rows], maximize=False, number=number))
    return found


def _fashion() -> list[Task]:
    record = json.loads(CURVES.read_text())
    found = []
    for metric in ("val_accuracy", "val_loss"):
        curves = [_filled(curve[metric], record["epochs"]) for curve in record["curves"]]
        group, maximize = f"Fashion-MNIST, {metric}", metric == "val_accuracy"
        found += [Task(metric, group, curves, maximize, number) for number in range(STUDIES)]
    return found


def _filled(curve: list[float], epochs: int) -> list[float]:
    return [*curve, *[math.nan] * (epochs - len(curve))]


def measure(task: Task, make: Make) -> dict[str, Any]:
    """One study, and what it has saved and lost."""
    epochs = len(task.curves[0])

    def curve(params: Mapping[str, Any], epoch: int) -> dict[str, float | None]:
        return {"metric": task.curves[params["row"]][epoch - 1]}

    direction = {"maximize" if task.maximize else "minimize": "metric"}
    space = wt.Space(row=wt.Int(0, len(task.curves) - 1))
    experiment = wt.Experiment(print, space, epochs=epochs, method=make(wt.Random()), seed=task.number, **direction)
    with wt.Study.create(experiment) as study:
        study.drive(wt.Simulator(curve), budget=f"{len(task.curves)} trials")
        return {"task": task.name, "number": task.number, **_outcome(task, study, epochs)}


def _outcome(task: Task, study: wt.Study, epochs: int) -> dict[str, Any]:
    losses = [task.losses(trial.params["row"]) for trial in study.trials]
    ranked = sorted(range(len(losses)), key=lambda id: losses[id][-1])
    top = ranked[: max(1, round(TOP * len(ranked)))]
    final = sorted(loss[-1] for loss in losses if loss[-1] < math.inf)
    scale = final[len(final) // 2] - final[0]
    lost = [id for id in top if study.trials[id].epoch < epochs]
    spared = sum(max(0, loss.count(math.inf) - 1) for loss in losses)  # the epoch that diverges is trained
    assert study.best is not None
    return {
        "saved": round(1 - study.history.spent / (epochs * len(losses)), 4),
        "diverged": round(spared / (epochs * len(losses)), 4),
        "lost": len(lost),
        "top": len(top),
        "best_lost": top[0] in lost,
        "regret": round((study.best.loss - final[0]) / scale, 5),
        "leases": round(
            sum(isinstance(event, wt.Started | wt.Resumed) for event in study.history.events) / len(losses), 2
        ),
    }


def table(record: Mapping[str, Any]) -> str:
    """Means over the studies of each group, as Markdown."""
    groups = list(dict.fromkeys(record["tasks"].values()))
    lines = []
    for group in groups:
        names = {name for name, of in record["tasks"].items() if of == group}
        lines += ["", f"**{group}**: {', '.join(sorted(names))}", ""]
        lines += [
            "| setting | saved | lost of the top 5 % | best lost | regret | leases per trial |",
            "|---|--:|--:|--:|--:|--:|",
        ]
        for row in record["rows"]:
            studies = [study for study in row["studies"] if study["task"] in names]
            lines.append(f"| `{row['setting']}` | {_cells(studies)} |")
        spared = [study["diverged"] for study in record["rows"][0]["studies"] if study["task"] in names]
        lines += ["", f"Divergence alone saves {np.mean(spared):.1%}, which is included."]
    return "\n".join(lines)


def _cells(studies: Sequence[Mapping[str, Any]]) -> str:
    lost, top = (sum(study[name] for study in studies) for name in ("lost", "top"))
    saved, regret, leases = (
        float(np.mean([study[name] for study in studies])) for name in ("saved", "regret", "leases")
    )
    best = sum(study["best_lost"] for study in studies)
    return f"{saved:.1%} | {lost / top:.1%} ({lost}/{top}) | {best}/{len(studies)} | {regret:+.3f} | {leases:.1f}"


if __name__ == "__main__":
    sys.exit(main())
