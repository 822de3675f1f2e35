"""Compare zooming with plain quasi-random search: `python -m benchmarks.coarse_to_fine --data DIR --json FILE`.

README.md says how it is measured and what the record means.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

import welltempered as wt
from benchmarks.machine import circumstances
from benchmarks.problems import Problem, fcnet, hpobench, lcbench

FORMAT = 1
SEEDS = 10
MARKS = {"Full": (20, 50, 100, 200), "Hyperband": (20, 50, 100)}
"""Full trainings after which the best so far is looked at."""
PLAIN, ZOOM = "Sobol", "Zoom(Sobol)"
SETTINGS = {
    "default": {},
    "risk=0.05": {"risk": 0.05},
    "risk=0.3": {"risk": 0.3},
    "quantile=0.2": {"quantile": 0.2},
    "growth=1.5": {"growth": 1.5},
    "wide=10": {"wide": 10},
    "start=40": {"start": 40},
}
"""What the defaults were chosen from, on the first half of LCBench's tasks."""
SCHEDULERS = {"Full": wt.Full, "Hyperband": wt.Hyperband}
Job = tuple[str, str, str, str, int]
"""Folder of the data, problem, scheduler, searcher, seed."""


@lru_cache(maxsize=1)
def problems(data: str) -> dict[str, Problem]:
    """All problems by name, those of LCBench first; without those of which there are no data."""
    families = {"yahpo-lcbench": lcbench, "fcnet": fcnet, "hpobench-mlp": hpobench}
    there = [family for folder, family in families.items() if (Path(data) / folder).is_dir()]
    return {problem.name: problem for family in there for problem in family(Path(data))}


def searcher(name: str) -> wt.Searcher:
    """`Sobol`, or a zoom with one of the settings."""
    return wt.Sobol() if name == PLAIN else wt.Zoom(wt.Sobol(), **SETTINGS[name.removeprefix(f"{ZOOM} ")])


def truths(job: Job) -> list[float]:
    """What the incumbent of a study reaches in a full training, at each mark."""
    data, name, scheduler, who, seed = job
    problem = problems(data)[name]
    epochs = problem.epochs if scheduler == "Hyperband" else 1  # else there is nothing to look at in between

    def curve(params: dict[str, Any], epoch: int) -> dict[str, float | None]:
        return {"loss": problem.loss(params, epoch if epochs > 1 else problem.epochs, seed)}

    method = SCHEDULERS[scheduler](searcher(who))
    experiment = wt.Experiment(print, problem.space, minimize="loss", epochs=epochs, method=method, seed=seed)
    found: list[float] = []
    marks = MARKS[scheduler]
    with wt.Study.create(experiment) as study:

        def watch(event: wt.Event) -> None:  # noqa: ARG001 - what counts is what has been spent
            if len(found) < len(marks) and study.history.spent >= marks[len(found)] * epochs:
                assert study.best is not None  # something was reported
                found.append(problem.truth(study.best.params))

        study.drive(wt.Simulator(curve), budget=wt.Budget(epochs=marks[-1] * epochs), watch=watch)
    return found


def main() -> None:
    """Run all studies, write the record, print the tables."""
    options = _options()
    data, seeds = str(options.data), {"Full": options.seeds, "Hyperband": -(-options.seeds // 2)}
    curves = [name for name in problems(data) if name.startswith("lcbench")]
    tables = [name for name in problems(data) if not name.startswith("lcbench")]
    chosen, unseen = curves[::2], curves[1::2]
    zoom = f"{ZOOM} default"
    settings = [f"{ZOOM} {setting}" for setting in SETTINGS]
    studies = [(name, "Full", who) for name in chosen for who in (PLAIN, *settings)]
    studies += [(name, "Full", who) for name in [*unseen, *tables] for who in (PLAIN, zoom)]
    studies += [(name, "Hyperband", who) for name in curves for who in (PLAIN, zoom)]
    jobs = [(data, *study, seed) for study in studies for seed in range(seeds[study[1]])]
    results: dict[tuple[str, str, str], list[list[float]]] = {study: [] for study in studies}
    with ProcessPoolExecutor(options.jobs) as pool:
        for job, found in zip(jobs, pool.map(truths, jobs, chunksize=5), strict=True):
            results[job[1:4]].append(found)
    regrets = dict(_regrets(data, results))
    parts = [
        *[(f"choice, {who}", "Full", chosen, who) for who in settings],
        ("LCBench, tasks the defaults were chosen on", "Full", chosen, zoom),
        ("LCBench, unseen tasks", "Full", unseen, zoom),
        ("FCNet and HPOBench, unseen", "Full", tables, zoom),
        ("LCBench, tasks the defaults were chosen on", "Hyperband", chosen, zoom),
        ("LCBench, unseen tasks", "Hyperband", unseen, zoom),
    ]
    groups = [_group(*part, regrets) for part in parts if part[2]]
    record = {"format": FORMAT, **circumstances(Path.cwd()), "seeds": seeds, "marks": MARKS, "groups": groups}
    print(table(record))
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(record, indent=1) + "\n")


def _regrets(data: str, results: Mapping[tuple[str, str, str], Any]) -> Iterator[tuple[Any, np.ndarray]]:
    """Truths as regrets: 0 at the best that anybody has found, 1 at the median of the problem's table."""
    for name, problem in problems(data).items():
        own = {study: np.array(found) for study, found in results.items() if study[0] == name}
        best = min([problem.best, *(float(found.min()) for found in own.values())])
        for study, found in own.items():
            yield study, (found - best) / (problem.middle - best)


def _group(title: str, scheduler: str, names: Sequence[str], who: str, regrets: Mapping[Any, np.ndarray]) -> Any:
    """Plain search and zooming on some problems: means over seeds, then over problems."""
    pairs = [(regrets[name, scheduler, PLAIN], regrets[name, scheduler, who]) for name in names]
    plain, zoomed = (np.array([pair[i] for pair in pairs]) for i in (0, 1))
    difference = (zoomed - plain).mean(axis=1)  # per problem and mark
    draws = np.random.default_rng(0).integers(len(names), size=(10_000, len(names)))
    interval = np.quantile(difference[draws].mean(axis=1), (0.025, 0.975), axis=0)
    return {
        "title": title,
        "scheduler": scheduler,
        "plain": _rounded(plain.mean(axis=(0, 1))),
        "zoom": _rounded(zoomed.mean(axis=(0, 1))),
        "difference": _rounded(difference.mean(axis=0)),
        "interval": [_rounded(end) for end in interval],
        "runs": _score(zoomed - plain),
        "problems": {
            name: {"plain": _rounded(a.mean(axis=0)), "zoom": _rounded(b.mean(axis=0)), "runs": _score((b - a)[None])}
            for name, (a, b) in zip(names, pairs, strict=True)
        },
    }


def _score(difference: np.ndarray) -> list[str]:
    """Wins, ties and losses of zooming over all runs, per mark."""
    signs = np.sign(np.where(np.abs(difference) < 1e-9, 0, difference))
    return [
        "/".join(str(int(np.sum(signs[:, :, mark] == sign))) for sign in (-1, 0, 1)) for mark in range(signs.shape[2])
    ]


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), 5) for value in values]


def table(record: Mapping[str, Any]) -> str:
    """The record as a table in Markdown."""
    lines = [
        "| problems | scheduler | full trainings | Sobol | Zoom(Sobol) | difference (95 %) | win/tie/loss |",
        "|---|---|---|---|---|---|---|",
    ]
    for group in record["groups"]:
        for i, mark in enumerate(record["marks"][group["scheduler"]]):
            low, high = (end[i] for end in group["interval"])
            cells = [
                group["title"],
                group["scheduler"],
                str(mark),
                f"{group['plain'][i]:.4f}",
                f"{group['zoom'][i]:.4f}",
                f"{group['difference'][i]:+.4f} ({low:+.4f} .. {high:+.4f})",
                group["runs"][i],
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coarse_to_fine", description=__doc__)
    given = os.environ.get("WELLTEMPERED_DATA")
    parser.add_argument("--data", type=Path, default=given, required=given is None, help="folder of the data")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the record")
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help=f"studies of each kind; default {SEEDS}")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes; default 1")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
