"""Race whole programs on the article's example: `python -m benchmarks.article --data DIR --json FILE`.

benchmarks/README.md says what is compared and what the record means. A race that was stopped goes on.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.article.entrants import ENTRANTS, REFERENCE
from benchmarks.article.pictures import draw
from benchmarks.article.race import WORK, Job, prepare, race, time_to
from benchmarks.article.report import Runs, markdown, rows, target
from benchmarks.article.task import BATCH, DROPOUT, EPOCHS, FACTOR, RATES, TOTAL, UNITS
from benchmarks.machine import circumstances

FORMAT = 1
MODES = {
    "same-epochs": f"The same {TOTAL} epochs",
    "same-wall": "The wall time of KerasTuner's Hyperband",
    "to-accuracy": "Until KerasTuner's best validation accuracy, at most its wall time",
}


def main() -> int:
    """Race, print the tables, write the record and the picture."""
    options = _options()
    data = prepare(options.data / "fashion-mnist", options.images, options.work)
    record = {"format": FORMAT, **circumstances(Path.cwd()), "options": _given(options), "groups": []}
    for mode in options.mode:
        runs = _raced(options, mode, data)
        accuracy = target(runs)
        made = rows(runs, accuracy)
        print(markdown(MODES[mode], made, accuracy), end="\n\n", flush=True)
        told = [{"who": job.who, "seed": job.seed, "seconds": job.seconds, **run} for job, run in runs]
        record["groups"].append({"mode": mode, "target": accuracy, "rows": made, "runs": told})
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(record, separators=(",", ":")) + "\n")
    if options.figure is not None:
        draw(record["groups"][0]).savefig(options.figure)
    return 0


def _raced(options: argparse.Namespace, mode: str, data: Path) -> Runs:
    """The runs of a mode. Those of the same epochs come first, since the others are measured by them."""
    jobs = jobs_of(options.entrants, options.seeds, options.images, options.cores)
    if mode == "same-epochs":
        return [*race(jobs, data, options.work, fresh=options.fresh)]
    reference = REFERENCE in options.entrants
    if not reference:
        raise SystemExit(f"--mode {mode} needs {REFERENCE} among the entrants: it is the measure")
    known = [job for job in jobs if mode == "to-accuracy" or job.who == REFERENCE]
    runs = [*race(known, data, options.work)]
    walls = [run["wall"] for job, run in runs if job.who == REFERENCE and "error" not in run]
    accuracy = target(runs)
    if accuracy is None:
        raise SystemExit(f"{REFERENCE} has failed, and it is the measure")
    done = [
        (job, run)
        for job, run in runs
        if job.who == REFERENCE or ("error" not in run and time_to(run, accuracy) is not None)
    ]
    finished = {job for job, _ in done}
    seconds = max(1.0, round(sum(walls) / len(walls)))
    longer = [replace(job, seconds=seconds) for job in jobs if job not in finished]
    return [*done, *race(longer, data, options.work, fresh=options.fresh)]


def jobs_of(entrants: Sequence[str], seeds: int, images: int, cores: int) -> list[Job]:
    """As they are made: seed by seed, each beginning with another entrant, so that the noise of a machine hits all."""
    turns = [[*entrants[seed % len(entrants) :], *entrants[: seed % len(entrants)]] for seed in range(seeds)]
    return [Job(who, seed, None, images, cores) for seed, turn in enumerate(turns) for who in turn]


def _given(options: argparse.Namespace) -> dict[str, Any]:
    names = ("entrants", "seeds", "images", "cores")
    task = {"units": UNITS, "rates": RATES, "dropout": DROPOUT, "batch": BATCH, "epochs": EPOCHS, "factor": FACTOR}
    return {**{name: getattr(options, name) for name in names}, "task": task}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.article", description=__doc__)
    given = os.environ.get("WELLTEMPERED_DATA")
    add = parser.add_argument
    add("--data", type=Path, default=given, required=given is None, metavar="DIR", help="holds fashion-mnist/")
    add("--entrants", nargs="*", choices=ENTRANTS, default=[*ENTRANTS], metavar="NAME", help=", ".join(ENTRANTS))
    add("--seeds", type=int, default=3, metavar="N", help="runs of each; default 3")
    add("--mode", nargs="*", choices=MODES, default=[*MODES], metavar="MODE", help=", ".join(MODES))
    add("--images", type=int, default=50_000, metavar="N", help="to learn from; a fifth as many to validate")
    add("--cores", type=int, default=Job.cores, metavar="N", help="that a program may use; default all")
    add("--json", type=Path, metavar="FILE", help="where to write the record")
    add("--figure", type=Path, metavar="FILE", help="where to draw accuracy over wall time")
    add("--work", type=Path, default=WORK, metavar="DIR", help="where runs are remembered; benchmarks/.work/article")
    add("--fresh", action="store_true", help="make all runs anew")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
