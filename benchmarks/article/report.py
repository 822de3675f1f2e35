"""What the runs come to: a row per entrant, and a table of them in Markdown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from benchmarks.article.entrants import ENTRANTS, HERE, REFERENCE
from benchmarks.article.race import Job, Run, best_of, time_to

Runs = Sequence[tuple[Job, Run]]
_PACKAGES = ("keras-tuner", "keras", "tensorflow_cpu", "jax", "optuna", "ray", "torch", "numpy")


def target(runs: Runs) -> float | None:
    """The accuracy to be reached: the mean of KerasTuner's best, over its seeds; `None` if it did not take part."""
    found = [best_of(run) for job, run in runs if job.who == REFERENCE and "error" not in run]
    return fmean(found) if found else None


def rows(runs: Runs, accuracy: float | None) -> list[dict[str, Any]]:
    """A row per entrant, in the order of the table of entrants."""
    there = {job.who for job, _ in runs}
    made = [_row(who, [run for job, run in runs if job.who == who], accuracy) for who in ENTRANTS if who in there]
    walls = {row["who"]: row["wall"]["mean"] for row in made if row["wall"]}
    for row in made:
        row["of_reference"] = None
        if row["wall"] and REFERENCE in walls:
            row["of_reference"] = round(row["wall"]["mean"] / walls[REFERENCE], 4)
    return made


def _row(who: str, all_: Sequence[Run], accuracy: float | None) -> dict[str, Any]:
    runs = [run for run in all_ if "error" not in run]
    times = [None if accuracy is None else time_to(run, accuracy) for run in runs]
    return {
        "who": who,
        "title": ENTRANTS[who].title,
        "versions": versions(ENTRANTS[who].peer),
        "runs": len(runs),
        "failed": len(all_) - len(runs),
        "wall": _spread(run["wall"] for run in runs),
        "cpu": _spread(run["cpu"] for run in runs if run["cpu"] is not None),
        "trials": _spread(len({epoch[1] for epoch in run["epochs"]}) for run in runs),
        "epochs": _spread(len(run["epochs"]) for run in runs),
        "best": _spread(best_of(run) for run in runs),
        "to_target": _spread(seconds for seconds in times if seconds is not None),
        "reached": sum(seconds is not None for seconds in times),
        "split": _split(runs, several=ENTRANTS[who].several),
    }


def _spread(values: Iterable[float]) -> dict[str, float] | None:
    found = [*values]
    if not found:
        return None
    return {"mean": round(fmean(found), 5), "low": min(found), "high": max(found)}


def versions(peer: str) -> dict[str, str]:
    """Of the packages that matter in an environment."""
    pins = (HERE.parent / "pins" / f"{peer}.txt").read_text().splitlines()
    found = dict(line.split("==") for line in pins if "==" in line)
    return {name: found[name] for name in _PACKAGES if name in found}


def _split(runs: Sequence[Run], *, several: bool) -> dict[str, float]:
    """Mean seconds of a run: what it imports, loads, compiles where JAX tells it, and trains without that.

    Of ours, in one process, the rest is split by the study's own log; `begin` is what comes before the first epoch of a
    lease, with all that is compiled there. Where trials run side by side, epochs are sums over all processes, and what
    one compiles while another trains counts to both.
    """
    parts: dict[str, Callable[[Run], float | None]] = {
        "import": lambda run: run["marks"].get("imported"),
        "load": lambda run: run["marks"].get("loaded", 0.0) - run["marks"].get("imported", 0.0),
        "compile": lambda run: seconds_of(spans(run["compiled"])),
        "train": lambda run: trained(run, several=several),
    }
    found = {name: [value for run in runs if (value := part(run)) is not None] for name, part in parts.items()}
    for run in runs:
        for name, seconds in run["facts"].get("split", {}).items():
            found.setdefault(name, []).append(seconds)
    return {name: round(fmean(values), 3) for name, values in found.items() if values}


Span = tuple[float, float]


def spans(told: Iterable[Sequence[float]]) -> list[Span]:
    """From when to when there was something of these (end, seconds); what lies within another counts once."""
    made: list[Span] = []
    for begin, end in sorted((end - seconds, end) for end, seconds in told):
        if made and begin <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((begin, end))
    return made


def seconds_of(of: Iterable[Span]) -> float:
    """How long they are together."""
    return sum(end - begin for begin, end in of)


def trained(run: Run, *, several: bool) -> float:
    """Seconds of all epochs, without what was compiled in them where trials follow each other."""
    epochs = [(epoch[0] - epoch[4], epoch[0]) for epoch in run["epochs"]]
    if several:
        return seconds_of(epochs)
    compiled = spans(run["compiled"])
    shared = (max(0.0, min(end, stop) - max(begin, start)) for begin, end in epochs for start, stop in compiled)
    return seconds_of(epochs) - sum(shared)


def markdown(title: str, rows: Sequence[Mapping[str, Any]], accuracy: float | None) -> str:
    """The rows as a table."""
    reach = "–" if accuracy is None else f"{accuracy:.4f}"
    columns = ["", "wall s", "of KerasTuner's", "cpu s", "trials", "epochs", "best validation accuracy"]
    columns += [f"s to {reach}", "import", "compile", "train", "else"]
    lines = [f"### {title}", "", _line(columns), "|---|" + "--:|" * (len(columns) - 1)]
    return "\n".join([*lines, *(_line(_cells(row)) for row in rows)])


def _cells(row: Mapping[str, Any]) -> list[str]:
    failed = f" ({row['failed']} failed)" if row["failed"] else ""
    if row["wall"] is None:
        return [row["title"] + failed, *["–"] * 11]
    split, wall = row["split"], row["wall"]["mean"]
    known = sum(split.get(name, 0.0) for name in ("import", "load", "compile", "train"))
    rest = "" if ENTRANTS[row["who"]].several else f"{100 * (1 - known / wall):.1f} %"
    reached = "never" if row["to_target"] is None else f"{row['to_target']['mean']:.1f}"
    if row["to_target"] is not None and row["reached"] < row["runs"]:
        reached += f" ({row['reached']} of {row['runs']})"
    return [
        row["title"] + failed,
        _range(row["wall"], ".1f"),
        "" if row["of_reference"] is None else f"{row['of_reference']:.3f}",
        f"{row['cpu']['mean']:.1f}" if row["cpu"] else "",
        f"{row['trials']['mean']:.0f}",
        f"{row['epochs']['mean']:.0f}",
        _range(row["best"], ".4f"),
        reached,
        f"{split['import']:.1f}",
        f"{split['compile']:.1f}" if split["compile"] else "",
        f"{split['train']:.1f}",
        rest,
    ]


def _range(spread: Mapping[str, float], form: str) -> str:
    """A mean, with the lowest and the highest if they differ."""
    mean = f"{spread['mean']:{form}}"
    if spread["low"] == spread["high"]:
        return mean
    return f"{mean} ({spread['low']:{form}}–{spread['high']:{form}})"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
