"""Race methods and live peers on known learning curves: `python -m benchmarks.tables --data DIR --methods auto`.

benchmarks/README.md says what is measured and what the record means.
"""

import argparse
import json
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from benchmarks.machine import circumstances
from benchmarks.tables.families import FAMILIES, tasks
from benchmarks.tables.live import peers
from benchmarks.tables.pictures import draw
from benchmarks.tables.play import NAMES, described
from benchmarks.tables.race import MEMORY, Contender, Job, Memory, Run, race
from benchmarks.tables.report import Standings, markdown
from benchmarks.tables.task import Task

FORMAT = 1
BASELINES = (
    Contender("random", "random", baseline=True),
    Contender("random, twice the budget", "random", speed=2, baseline=True),
    Contender("sobol", "sobol", baseline=True),
    Contender("one epoch, then the top 3", "one-epoch", baseline=True),
    Contender("asha", "asha", baseline=True),
    Contender("hyperband", "hyperband", baseline=True),
)
_NEEDS_CURVES = ("one-epoch", "asha", "hyperband")


def main() -> int:
    """Race, print the tables, write the record and the pictures."""
    options = _options()
    contenders = [] if options.no_baselines else [*BASELINES]
    contenders += [Contender(text, text) for text in options.methods]
    for who in contenders:
        described(who.method)  # what cannot be made is said before anything runs
    contenders += [Contender(peer.name, peer=peer) for peer in peers(options.peers)]
    if not contenders:
        raise SystemExit("nobody takes part: --no-baselines needs --methods or --peers")
    groups = []
    spawn = multiprocessing.get_context("spawn")  # the surrogate's runtime does not survive a fork
    with nullcontext() if options.jobs == 1 else ProcessPoolExecutor(options.jobs, mp_context=spawn) as pool:
        for family in options.families:
            there = [task for task in tasks(options.data, family) if options.split in ("all", task.split)]
            if not there:
                print(f"{family}: no tasks, left out", file=sys.stderr)
                continue
            for workers in options.workers:
                standings = _raced(options, there, contenders, workers, pool)
                groups.append(standings.record())
                print(markdown(groups[-1]), end="\n\n", flush=True)
                if options.figures is not None:
                    draw(standings, options.figures)
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(_record(options, groups), indent=1) + "\n")
    return 0


def _raced(
    options: argparse.Namespace, there: Sequence[Task], all_: Sequence[Contender], workers: int, pool: Executor | None
) -> Standings:
    """The standings of a family, after all runs are there."""
    family, curves = there[0].family, there[0].epochs > 1
    contenders = [who for who in all_ if curves or who.method not in _NEEDS_CURVES]
    budget, seeds = there[0].budget(options.budget), range(options.seeds)
    parts = [(task.name, who, seed) for who in contenders for task in there for seed in seeds]
    jobs = [Job(options.data, family, *part, workers, budget) for part in parts]
    runs: dict[tuple[str, str, int], Run] = {}
    for job, run in race(jobs, pool, Memory(options.memory / f"{family}.jsonl"), fresh=options.fresh):
        runs[job.who.name, job.task, job.seed] = run
        if "error" in run:
            print(f"{job.who.name} failed on {job.task}, seed {job.seed}: {run['error']}", file=sys.stderr)
        if len(runs) % 100 == 0:
            print(f"{family}, workers={workers}: {len(runs)} of {len(jobs)} runs", file=sys.stderr, flush=True)
    return Standings.of(there, workers, options.budget, contenders, runs)


def _record(options: argparse.Namespace, groups: list[dict[str, Any]]) -> dict[str, Any]:
    given = {name: getattr(options, name) for name in ("methods", "peers", "families", "split", "budget", "seeds")}
    return {"format": FORMAT, **circumstances(Path.cwd()), "options": given, "groups": groups}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    given = os.environ.get("WELLTEMPERED_DATA")
    short = ", ".join(f"{name} = {text}" for name, text in NAMES.items())
    add = parser.add_argument
    add("--data", type=Path, default=given, required=given is None, metavar="DIR", help="folder of the data")
    add("--methods", nargs="*", default=[], metavar="METHOD", help=f'such as "Halving(Random())"; short: {short}')
    add("--peers", nargs="*", default=[], metavar="PEER", help='by name, or "all"; default none')
    add("--families", nargs="*", choices=FAMILIES, default=[*FAMILIES], metavar="NAME", help=", ".join(FAMILIES))
    add("--split", choices=("design", "judged", "all"), default="all", help="which tasks; default all")
    add("--budget", type=int, default=1_000, help="epochs, where a full training has 50; default 1,000")
    add("--seeds", type=int, default=20, metavar="N", help="studies of each; default 20")
    add("--workers", type=_numbers, default=[1, 8], metavar="N,N", help="slots; default 1,8")
    add("--jobs", type=int, default=1, metavar="N", help="processes; default 1")
    add("--json", type=Path, metavar="FILE", help="where to write the record")
    add("--figures", type=Path, metavar="DIR", help="where to draw anytime regret")
    add("--memory", type=Path, default=MEMORY, metavar="DIR", help="where runs are remembered; benchmarks/.work/tables")
    add("--fresh", action="store_true", help="make all runs anew")
    add("--no-baselines", action="store_true", help="only who is named")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
