"""Measure what the engine costs and compare it with its peers: `python -m benchmarks.engine --json FILE`.

README.md says how it is measured and what the record means.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.machine import circumstances, noise
from benchmarks.peers import python_of
from benchmarks.rows import GROUPS, GROWTH, OPTUNA, OURS, QUICK, Group, Row, Sizes, groups
from benchmarks.table import table
from benchmarks.timing import MARKS

FORMAT = 1
"""Version of the record; README.md describes it."""

ROOT = Path(__file__).parents[1]
WORK = ROOT / "benchmarks" / ".work"
"""Where studies are measured: on the disk of the project, since a temporary folder may be in memory."""

PROGRAMS = {OURS: "benchmarks.ours", OPTUNA: "benchmarks.optuna_peer"}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
LONGEST = 1_800
"""Seconds after which a measurement is taken to hang."""


class Failed(Exception):
    """A measurement ended with an error; the message is what it said."""


def main() -> int:
    """Measure, write the record, print the table; 1 if a measurement failed (a missed target is none)."""
    options = _options()
    sizes = QUICK if options.quick else Sizes()
    WORK.mkdir(exist_ok=True)
    pythons = {OURS: Path(sys.executable)} | ({} if options.no_peers else {OPTUNA: python_of(OPTUNA)})
    record = {"format": FORMAT, **circumstances(WORK), "quick": options.quick, "rounds": options.rounds}
    versions = {who: _measure({"job": "versions"}, who, pythons[who])["facts"] for who in pythons if who != OURS}
    record |= {"peers": versions, "noise": {"begin": noise()}}
    _warn(record["noise"]["begin"]["load"], record["machine"]["cores"])
    record["groups"] = [
        _measure_group(group, pythons, options.rounds) for group in groups(sizes) if group.name in options.only
    ]
    record["noise"]["end"] = noise()
    print(table(record))
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    failures = [row for group in record["groups"] for row in group["rows"] if row["error"]]
    for row in failures:
        print(f"\n{row['who']}: {row['setup']} failed:\n{row['error']}", file=sys.stderr)
    return 1 if failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description="Measure what the engine costs.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the record")
    parser.add_argument("--quick", action="store_true", help="a few trials only, to see that everything works")
    parser.add_argument("--no-peers", action="store_true", help="measure welltempered alone, install nothing")
    parser.add_argument("--rounds", type=int, metavar="N", help="repetitions of each row; default 3, with --quick 1")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=GROUPS, help="measure these groups only")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    return options


def _warn(load: float, cores: int) -> None:
    if load > cores / 2:
        print(
            f"The machine is busy (load {load} on {cores} cores). That hurts slow steps more than fast ones, "
            "so the comparison is not fair; run it again when it is quiet.",
            file=sys.stderr,
        )


def _measure_group(group: Group, pythons: Mapping[str, Path], rounds: int) -> dict[str, Any]:
    """Measure the rows of a group in turn, round after round, so that all of them see the same machine."""
    rows = [row for row in group.rows if row.who in pythons]
    results: list[list[dict[str, Any]]] = [[] for _ in rows]
    noises: list[list[dict[str, float]]] = [[] for _ in rows]
    errors: list[str | None] = [None for _ in rows]
    for number in range(rounds):
        for i, row in enumerate(rows):
            print(f"{group.name}, round {number + 1} of {rounds}: {row.who}, {row.setup}", file=sys.stderr, flush=True)
            try:
                results[i].append(_measure(row.job, row.who, pythons[row.who]))
            except Failed as error:
                errors[i] = str(error)
            noises[i].append(noise())
    return {
        "name": group.name,
        "title": group.title,
        "better": "higher" if group.higher else "lower",
        "columns": group.columns,
        "rows": [
            {**_entry(row, found, higher=group.higher), "noise": seen, "error": error}
            for row, found, seen, error in zip(rows, results, noises, errors, strict=True)
        ],
    }


def _measure(job: Mapping[str, Any], who: str, python: Path) -> dict[str, Any]:
    """Do one job in a fresh process and an empty folder; returns its `Result` as JSON."""
    # Byte code must be kept, or imports are slow; a path meant for us must not reach into a peer's environment.
    dropped = {"PYTHONDONTWRITEBYTECODE"} | ({"PYTHONPATH"} if who != OURS else set())
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    environment |= {**dict.fromkeys(THREADS, "1"), "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        command = [str(python), "-m", PROGRAMS[who], json.dumps(_arguments(job, folder))]
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=LONGEST
            )
        except subprocess.CalledProcessError as error:
            raise Failed(error.stderr) from None
        except subprocess.TimeoutExpired as error:
            raise Failed(str(error)) from None
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _arguments(job: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """The job with its folder. `disk` says whether our study has one; a peer decides by its storage."""
    arguments = {name: value for name, value in job.items() if name != "disk"}
    if "storage" in job or "disk" in job:
        arguments["folder"] = folder if job.get("disk", True) else None
    return arguments


def _entry(row: Row, results: list[dict[str, Any]], *, higher: bool) -> dict[str, Any]:
    """What the rounds of a row come to."""
    repetitions = [repetition for result in results for repetition in result["repetitions"]]
    names = dict.fromkeys(name for repetition in repetitions for name in repetition)
    values = {name: _value([r[name] for r in repetitions if name in r], higher=higher) for name in names}
    last = max((mark for mark in MARKS if f"median@{mark}" in values), default=0)
    if last > 1_000:
        values[GROWTH] = _value([values[f"median@{last}"]["best"] / values["median@1000"]["best"]], higher=False)
    targets = [_target(name, values[name]["best"], most=bound) for name, bound in row.most.items() if name in values]
    targets += [_target(name, values[name]["best"], least=bound) for name, bound in row.least.items() if name in values]
    return {
        "who": row.who,
        "setup": row.setup,
        "job": dict(row.job),
        "values": values,
        "targets": targets,
        "facts": results[-1]["facts"] if results else {},
    }


def _value(found: list[float], *, higher: bool) -> dict[str, Any]:
    """All repetitions and the best of them: whatever else runs on a machine only makes a measurement worse."""
    best = max(found) if higher else min(found)
    return {"best": _rounded(best), "spread": _rounded(max(found) / min(found)), "all": [_rounded(x) for x in found]}


def _target(name: str, best: float, *, most: float | None = None, least: float | None = None) -> dict[str, Any]:
    met = best <= most if most is not None else least is not None and best >= least
    return {"value": name, "bound": f"<= {most:,}" if most is not None else f">= {least:,}", "best": best, "met": met}


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


if __name__ == "__main__":
    sys.exit(main())
