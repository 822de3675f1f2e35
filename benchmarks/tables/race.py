"""All runs of a race: those that are remembered, and those that are still to be made."""

import hashlib
import importlib.util
import json
import re
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import welltempered as wt
from benchmarks.tables.families import tasks
from benchmarks.tables.peer import Peer, run_peer
from benchmarks.tables.play import described, play

VERSION = 3
"""Of what a run means; whoever changes that counts it up, and nothing older is used again."""
MEMORY = Path(__file__).parents[1] / ".work" / "tables"
Run = dict[str, Any]
_STEADY = ("budget", "checks", "decide", "errors", "events", "expression", "history", "objective", "space", "trial")


@dataclass(frozen=True)
class Contender:
    """Who takes part.

    Attributes:
        name: in the tables.
        method: one of ours, as text; blank for a peer.
        peer: how to start it; `None` for ours.
        speed: how many times the budget it gets; each of its epochs counts for so much less.
        baseline: whether it is neither what we offer nor a peer.
    """

    name: str
    method: str = ""
    peer: Peer | None = None
    speed: int = 1
    baseline: bool = False

    @property
    def key(self) -> str:
        """What its results depend on: the method with its hyperparameters, and the code."""
        if self.peer is not None:
            return json.dumps([self.peer.name, self.peer.resumes, self.peer.version])
        method = json.dumps(described(self.method), sort_keys=True)
        return json.dumps([method, sources(method), self.speed])


@dataclass(frozen=True)
class Job:
    """A run to be made; `budget` in epochs, before the contender's speed."""

    data: Path
    family: str
    task: str
    who: Contender
    seed: int
    workers: int
    budget: int

    def key(self, who: str) -> str:
        """What the run depends on, as a digest; `who` is the contender's key."""
        parts = [VERSION, self.family, self.task, who, self.seed, self.workers, self.budget]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]

    def run(self) -> Run:
        """Make the run; an error is a result, too."""
        task = next(task for task in tasks(self.data, self.family) if task.name == self.task)
        who = self.who
        try:
            if who.peer is not None:
                return run_peer(task, who.peer, self.seed, self.workers, self.budget)
            found = play(task, who.method, self.seed, self.workers, self.budget * who.speed)
        except Exception:  # noqa: BLE001 - what is raced may fail in any way, and the race goes on
            return {"error": traceback.format_exc(limit=-4)}
        return {**found, "trace": faster(found["trace"], who.speed)}


def faster(trace: Sequence[Sequence[float]], speed: int) -> list[list[float]]:
    """A trace whose epochs count for less, by this factor."""
    return [[-(-spent // speed), -(-charged // speed), loss] for spent, charged, loss in trace]


@lru_cache(maxsize=64)
def sources(method: str) -> str:
    """A digest of the code of a method, so that what an earlier version of it has found is not taken for its own.

    It counts the modules of the method's classes and what those import, without the words and the state (`_STEADY`)
    that all methods stand on; of "auto" the whole package.
    """
    files: dict[str, bytes] = {}
    waiting = re.findall(r'"([\w.]+):\w+"', method)
    if not waiting:
        files = {str(path): path.read_bytes() for path in Path(wt.__file__).parent.rglob("*.py")}
    while waiting:
        module = waiting.pop()
        spec = importlib.util.find_spec(module)
        if module in files or spec is None or spec.origin is None:
            continue
        files[module] = Path(spec.origin).read_bytes()
        imported = re.findall(r"^\s*from (welltempered\.[\w.]+)", files[module].decode(), re.MULTILINE)
        waiting += [name for name in imported if name.split(".")[1] not in _STEADY]
    return hashlib.sha256(b"".join(files[name] for name in sorted(files))).hexdigest()[:12]


class Memory:
    """The runs of a family on disk, one a line; a line that a crash has cut short is skipped."""

    def __init__(self, path: Path) -> None:
        self.runs: dict[str, Run] = {}
        self._path = path
        for line in path.read_text().splitlines() if path.is_file() else ():
            try:
                found = json.loads(line)
                self.runs[found["key"]] = found["run"]
            except (ValueError, KeyError, TypeError):
                continue

    def keep(self, key: str, job: Job, run: Run) -> None:
        """Append a run, unless it has failed."""
        if "error" in run:
            return
        self.runs[key] = run
        who = {"task": job.task, "who": job.who.name, "seed": job.seed, "workers": job.workers, "budget": job.budget}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(f"\n{json.dumps({'key': key, **who, 'run': run})}\n")  # a line cut short before it ends here


def race(jobs: Sequence[Job], pool: Executor | None, memory: Memory, *, fresh: bool) -> Iterator[tuple[Job, Run]]:
    """All runs as they come: what is remembered first; without a pool the others are made here.

    Args:
        jobs: of one family.
        pool: processes to make them in.
        memory: of the family; takes each run as soon as it is there.
        fresh: whether to make all of them anew.
    """
    keys = {who: who.key for who in {job.who for job in jobs}}
    waiting = {}
    for job in jobs:
        key = job.key(keys[job.who])
        if not fresh and key in memory.runs:
            yield job, memory.runs[key]
        else:
            waiting[job] = key
    for job, run in _made([*waiting], pool):
        memory.keep(waiting[job], job, run)
        yield job, run


def _made(jobs: Sequence[Job], pool: Executor | None) -> Iterator[tuple[Job, Run]]:
    if pool is None:
        yield from ((job, job.run()) for job in jobs)
        return
    futures = {pool.submit(job.run): job for job in jobs}
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        for future in futures:
            future.cancel()
