"""Measure how often the range test's range holds the good rate: `python -m benchmarks.range_test --json FILE`.

For each of twenty-four problems, the known good learning rate comes from training to the end at four rates per decade;
the range test runs independently of it, with five seeds and an epoch of steps. README.md says what the record means.
"""

import argparse
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import welltempered as wt
from benchmarks.engine import WORK
from benchmarks.machine import circumstances
from benchmarks.range_peers import suggestions
from benchmarks.range_problems import DESIGN, FRESH, HELD, JUDGED, PROBLEMS, WHOLE, Problem, Training, begin

FORMAT = 1
SEEDS = 5
"""Range tests per problem."""

REPEATS = 3
"""Trainings per rate; their median counts."""

CONTENDERS = 9
"""Rates that are trained more than once: the best of the first round. Two decades and a bit, at four per decade."""

PER_DECADE = 4
OURS = "range test"

PRIORS = {"always 1e-3 .. 1e-1": (1e-3, 1e-1), "always 1e-5 .. 1e-1": (1e-5, 1e-1)}


def main() -> int:
    """Measure, write the record, print the table."""
    options = _options()
    torch.set_num_threads(1)
    WORK.mkdir(exist_ok=True)
    started = time.process_time()
    trained = _trained(options.known)
    rows = [_measure(problem, options.data, trained) for problem in PROBLEMS if options.only in problem.name]
    record = {
        "format": FORMAT,
        **circumstances(WORK),
        "cpu_seconds": round(time.process_time() - started),
        "known": options.known is not None,
    }
    whole = [_cost(problem, options.data) for problem in WHOLE if not options.only]
    record |= {"summary": summary(rows), "whole": whole, "problems": rows}
    print(table(record))
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(_compact(record) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.range_test", description="Measure the range test.")
    default = os.environ.get("WELLTEMPERED_DATA")
    parser.add_argument("--data", type=Path, default=default, metavar="DIR", help="where Fashion-MNIST is")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the record")
    parser.add_argument("--known", type=Path, metavar="FILE", help="a record to take the known good rates from")
    parser.add_argument("--only", default="", metavar="TEXT", help="problems whose name contains this")
    return parser.parse_args()


Known = tuple[list[float], list[float]]
"""Rates, and the final validation loss after training with each."""


def _trained(path: Path | None) -> dict[str, Known]:
    """What an earlier record says of the rates of each problem: it does not depend on the range test."""
    rows = json.loads(path.read_text())["problems"] if path else []
    losses = {row["name"]: [math.inf if x is None else x for x in row["losses"].values()] for row in rows}
    return {row["name"]: ([float(rate) for rate in row["losses"]], losses[row["name"]]) for row in rows}


def _measure(problem: Problem, folder: Path | None, trained: Mapping[str, Known]) -> dict[str, Any]:
    print(problem.name, file=sys.stderr, flush=True)
    rates, losses = trained[problem.name] if problem.name in trained else known(problem, folder)
    best = int(np.argmin(losses))
    epoch = statistics.median(_epoch(problem, folder, seed) for seed in range(3))
    return {
        "name": problem.name,
        "half": problem.half,
        "epoch_steps": begin(problem, folder, 0).steps,
        "epoch_seconds": epoch,
        "best": rates[best],
        "good": [rate for rate, loss in zip(rates, losses, strict=True) if loss <= 1.1 * losses[best]],
        "losses": dict(zip(rates, losses, strict=True)),
        OURS: [_ours(problem, folder, seed, epoch) for seed in range(SEEDS)],
        "others": [suggestions(begin(problem, folder, 100 + seed)) for seed in range(SEEDS)],
    }


def known(problem: Problem, folder: Path | None) -> Known:
    """The final validation loss for each of the rates; all of them are trained once, the best ones thrice."""
    low, high = problem.rates
    rates = [float(r) for r in np.geomspace(low, high, round(PER_DECADE * math.log10(high / low)) + 1)]
    found = [[_final(problem, folder, rate, 0)] for rate in rates]
    contenders = sorted(range(len(rates)), key=lambda i: found[i][0])[:CONTENDERS]
    for i in contenders:
        found[i] += [_final(problem, folder, rates[i], seed) for seed in range(1, REPEATS)]
    return rates, [float(statistics.median(each)) for each in found]


def _final(problem: Problem, folder: Path | None, rate: float, seed: int) -> float:
    training = begin(problem, folder, seed)
    for group in training.optimizer.param_groups:
        group["lr"] = rate
    for _ in range(problem.epochs):
        if not math.isfinite(_train_epoch(training)):
            return math.inf
    return training.judge()


def _train_epoch(training: Training) -> float:
    return float(sum(training.step() for _ in range(training.steps)))


def _epoch(problem: Problem, folder: Path | None, seed: int) -> float:
    """Seconds of an epoch, of the processor's time: with one thread that is the time it takes on an idle machine."""
    training = begin(problem, folder, seed)
    for group in training.optimizer.param_groups:
        group["lr"] = math.sqrt(problem.rates[0] * problem.rates[1])
    training.step()
    started = time.process_time()
    for _ in range(training.steps):
        float(training.step())  # as the range test, and most loops, look at each loss
    return time.process_time() - started


def _ours(problem: Problem, folder: Path | None, seed: int, epoch: float) -> dict[str, Any]:
    training = begin(problem, folder, 100 + seed)
    started = time.process_time()
    found = wt.range_test(training.step, training.model, training.optimizer, steps=training.steps, seed=seed)
    seconds = time.process_time() - started
    names = ("low", "high", "suggested", "steepest", "divergence", "confidence", "steps")
    return {name: getattr(found, name) for name in names} | {"epochs_of_time": seconds / epoch}


def _cost(problem: Problem, folder: Path | None) -> dict[str, Any]:
    """What range tests cost beside an epoch that is as long as those people train."""
    print(problem.name, file=sys.stderr, flush=True)
    epoch = statistics.median(_epoch(problem, folder, seed) for seed in range(3))
    tests = [_ours(problem, folder, seed, epoch) for seed in range(SEEDS)]
    return {
        "name": problem.name,
        "epoch_steps": begin(problem, folder, 0).steps,
        "epoch_seconds": epoch,
        "steps": [test["steps"] for test in tests],
        "epochs_of_time": [test["epochs_of_time"] for test in tests],
    }


# What the rows come to


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Shares of ranges that hold the best rate, per half and in all; a range of "none" counts as a miss."""
    halves = {half: [row for row in rows if row["half"] == half] for half in (DESIGN, JUDGED, FRESH, HELD)} | {
        "all": rows
    }
    return {
        "inside": {
            who: {half: _share(found, who) for half, found in halves.items()}
            for who in (OURS, *rows[0]["others"][0], *PRIORS)
        },
        "widths": _quartiles([math.log10(each["high"] / each["low"]) for row in rows for each in row[OURS]]),
        "steps_per_epoch": _quartiles([each["steps"] / row["epoch_steps"] for row in rows for each in row[OURS]]),
        "epochs_of_time": _quartiles([each["epochs_of_time"] for row in rows for each in row[OURS]]),
        "confidence": {word: _trust(rows, word) for word in ("high", "fair", "low", "none")},
        "suggested": {who: _quartiles(_regrets(rows, who)) for who in (OURS, *rows[0]["others"][0])},
    }


def ranges(row: Mapping[str, Any], who: str) -> list[tuple[float, float]]:
    """The ranges of somebody for each seed; a single suggestion counts as a decade to each side, as wide as ours."""
    if who == OURS:
        return [(each["low"], each["high"]) for each in row[OURS] if each["confidence"] != "none"]
    if who in PRIORS:
        return [PRIORS[who]] * SEEDS
    return [(each[who] / 10, each[who] * 10) for each in row["others"] if each[who] is not None]


def _inside(row: Mapping[str, Any], who: str) -> int:
    return sum(low <= row["best"] <= high for low, high in ranges(row, who))


def _share(rows: Sequence[Mapping[str, Any]], who: str) -> str:
    return f"{sum(_inside(row, who) for row in rows)}/{SEEDS * len(rows)}"


def _trust(rows: Sequence[Mapping[str, Any]], word: str) -> str:
    each = [(row["best"], one) for row in rows for one in row[OURS] if one["confidence"] == word]
    return f"{sum(one['low'] <= best <= one['high'] for best, one in each)}/{len(each)}"


def _regrets(rows: Sequence[Mapping[str, Any]], who: str) -> list[float]:
    """Final loss at the trained rate next to the suggested one, relative to the best; `inf` where none was trained."""
    regrets = []
    for row in rows:
        rates = np.array([float(rate) for rate in row["losses"]])
        losses = [math.inf if loss is None else loss for loss in row["losses"].values()]
        for each in row[OURS] if who == OURS else row["others"]:
            rate = each["suggested"] if who == OURS else each[who]
            nearest = int(np.argmin(np.abs(np.log(rates / rate)))) if rate else -1
            regrets.append(losses[nearest] / min(losses) if rate else math.inf)
    return regrets


def _quartiles(values: Sequence[float]) -> dict[str, float]:
    names = {"min": 0, "q25": 25, "median": 50, "q75": 75, "p90": 90, "max": 100}
    return {name: float(np.percentile(values, q, method="nearest")) for name, q in names.items()}


def table(record: Mapping[str, Any]) -> str:
    """The record as Markdown."""
    found = record["summary"]
    lines = ["| problem | half | best | inside | range (median) | steps | time |", "|---|---|---|---|---|---|---|"]
    for row in record["problems"]:
        middle = {name: statistics.median(each[name] for each in row[OURS]) for name in ("low", "high", "steps")}
        spent = statistics.median(each["epochs_of_time"] for each in row[OURS])
        lines.append(
            f"| {row['name']} | {row['half']} | {row['best']:.2g} | {_inside(row, OURS)}/{SEEDS} | "
            f"{middle['low']:.2g} .. {middle['high']:.2g} | {middle['steps']:.0f} of {row['epoch_steps']} | "
            f"{spent:.2f} |"
        )
    halves = list(found["inside"][OURS])
    lines += ["", "| who | " + " | ".join(halves) + " |", "|---|" + "---|" * len(halves)]
    lines += [f"| {who} | " + " | ".join(shares.values()) + " |" for who, shares in found["inside"].items()]
    lines += [""] + [f"{name}: {found[name]}" for name in ("widths", "epochs_of_time", "confidence", "suggested")]
    lines += ["", "| Fashion-MNIST, 50,000 images | epoch | steps | time, in epochs |", "|---|---|---|---|"]
    lines += [
        f"| {row['name']} | {row['epoch_seconds']:.2f} s | "
        f"{statistics.median(row['steps']):.0f} of {row['epoch_steps']} | "
        f"{min(row['epochs_of_time']):.2f} .. {max(row['epochs_of_time']):.2f} |"
        for row in record["whole"]
    ]
    return "\n".join([*lines, f"{record['cpu_seconds']} s of the processor"])


def _compact(record: Mapping[str, Any]) -> str:
    """JSON with four digits, and a line per problem."""
    problems = ",\n  ".join(json.dumps(_rounded(row)) for row in record["problems"])
    rest = json.dumps(_rounded({k: v for k, v in record.items() if k != "problems"}), indent=1)
    return f'{rest[:-2]},\n "problems": [\n  {problems}\n ]\n}}'


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return float(f"{value:.4g}") if math.isfinite(value) else None
        case dict():
            return {f"{k:.4g}" if isinstance(k, float) else k: _rounded(v) for k, v in value.items()}
        case list() | tuple():
            return [_rounded(each) for each in value]
    return value


if __name__ == "__main__":
    sys.exit(main())
