"""Runs of the race: each a fresh process, remembered as soon as it is over, ended from outside where time is up."""

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.article.entrants import ENTRANTS, ROOT
from benchmarks.article.task import NAMES, TOTAL, Given
from benchmarks.machine import noise
from welltempered.demo.data import read_idx

WORK = ROOT / "benchmarks" / ".work" / "article"
Run = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """A run to make.

    Attributes:
        who: name of the entrant.
        seed: of its search.
        seconds: after which it is ended from outside; `None` if it ends by itself, after `TOTAL` epochs.
        images: to learn from; a fifth as many to validate.
        cores: how many of the machine's.
        total: epochs, if `seconds` is `None`.
    """

    who: str
    seed: int
    seconds: float | None = None
    images: int = 50_000
    cores: int = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    total: int = TOTAL

    @property
    def key(self) -> str:
        """What the run depends on, as a digest."""
        parts = {**asdict(self), "version": ENTRANTS[self.who].version}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]


def prepare(folder: Path, images: int, work: Path = WORK) -> Path:
    """The folder with the arrays of the race, made once: the first images to learn from, the last ones to validate."""
    parts = work / f"data-{images}"
    if not all((parts / f"{name}.npy").is_file() for name in NAMES):
        parts.mkdir(parents=True, exist_ok=True)
        x = read_idx(folder / "train-images-idx3-ubyte.gz", (60_000, 28, 28))
        y = read_idx(folder / "train-labels-idx1-ubyte.gz", (60_000,))
        arrays = (x[:images], y[:images], x[-images // 5 :], y[-images // 5 :])
        for name, array in zip(NAMES, arrays, strict=True):
            np.save(parts / f"{name}.npy", array)
    return parts


def race(jobs: Sequence[Job], data: Path, work: Path = WORK, *, fresh: bool = False) -> Iterator[tuple[Job, Run]]:
    """All runs in turn; what is remembered is not made again unless it is to be `fresh`."""
    for number, job in enumerate(jobs, 1):
        path = work / "runs" / f"{job.key}.json"
        if path.is_file() and not fresh:
            yield job, json.loads(path.read_text())
            continue
        run = made(job, data)
        path.parent.mkdir(parents=True, exist_ok=True)
        if "error" not in run:
            path.write_text(json.dumps(run))
        text = run.get("error") or f"{run['wall']:.1f} s, {len(run['epochs'])} epochs, best {best_of(run):.4f}"
        print(f"{number} of {len(jobs)}: {job.who}, seed {job.seed}: {text}", file=sys.stderr, flush=True)
        yield job, run


def made(job: Job, data: Path) -> Run:
    """Make a run.

    Returns:
        `wall`, from the start of the process to its end; `cpu`, seconds of all cores together, if it was not ended;
        `marks`, when what was over; `epochs` as (wall, trial, epoch, validation accuracy, seconds); `compiled` as
        (wall, seconds) where JAX tells it; `facts` that the program has told; `noise` of the machine before. Or
        `error`.
    """
    who = ENTRANTS[job.who]
    command, before, used = who.command, noise(), _processor()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = folder / "lines"
        out.touch()
        (folder / "own").mkdir()
        total = job.total if job.seconds is None else None
        given = Given(data, folder / "own", out, time.time(), job.seed, total, job.cores)
        with (folder / "errors").open("w") as errors:
            with _confined(job.cores):
                process = subprocess.Popen(
                    [*command, given.text, *who.arguments],
                    cwd=folder,
                    env=dict(who.environment(folder)),
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    start_new_session=True,  # so that what it starts can be ended with it
                )
            ended = _wait(process, job.seconds)
        wall = time.time() - given.began
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        if process.returncode and not ended:
            return {"error": (folder / "errors").read_text()[-4_000:] or f"exit status {process.returncode}"}
    cpu = None if ended or who.daemons else round(_processor() - used, 3)
    return {"wall": round(wall, 3), "cpu": cpu, **_read(lines), "noise": before}


def _processor() -> float:
    """Seconds that processes started here, and theirs, have computed; of those that are over."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _confined(cores: int) -> Iterator[None]:
    """Let processes started here have some of the cores; libraries start as many threads as they see."""
    if sys.platform != "linux":
        yield
        return
    all_ = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(all_)[:cores])
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_)


def _wait(process: subprocess.Popen[bytes], seconds: float | None) -> bool:
    """Whether it had to be ended."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return False


def _read(lines: Sequence[Mapping[str, Any]]) -> Run:
    marks: dict[str, float] = {}
    for line in lines:
        if line["what"] not in ("epoch", "compiled"):
            marks.setdefault(line["what"], line["at"])
    facts = [line["facts"] for line in lines if "facts" in line]
    names = ("at", "trial", "epoch", "accuracy", "seconds")
    epochs = [[line[name] for name in names] for line in lines if line["what"] == "epoch"]
    compiled = [[line["at"], line["seconds"]] for line in lines if line["what"] == "compiled"]
    return {"marks": marks, "epochs": epochs, "compiled": compiled, "facts": facts[-1] if facts else {}}


def best_of(run: Run) -> float:
    """The highest validation accuracy after any epoch."""
    return max((accuracy for _, _, _, accuracy, _ in run["epochs"]), default=0.0)


def time_to(run: Run, accuracy: float) -> float | None:
    """Wall seconds until a validation accuracy was reached; `None` if it never was."""
    return next((at for at, _, _, found, _ in run["epochs"] if found >= accuracy), None)
