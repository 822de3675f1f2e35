"""The harness's side of a peer: its process, virtual time, and what its trainings cost.

What is said on the wire stands in `benchmarks/adapters/wire.py`.
"""

import heapq
import json
import math
import os
import select
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import welltempered as wt
from benchmarks.tables.play import Trace, result
from benchmarks.tables.task import Params, Task

ROOT = Path(__file__).parents[2]
_PATIENCE = 600.0
"""Seconds after which a peer that does not answer is held to hang."""
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Peer:
    """A method of somebody else.

    Attributes:
        name: that its script knows it by.
        command: that starts its process.
        resumes: whether it continues a trial where it stopped; else it is charged for training it again.
        version: digest of its script and its pins, so that results of others are not taken for its own.
    """

    name: str
    command: tuple[str, ...]
    resumes: bool
    version: str = ""


class PeerFailed(Exception):
    """The peer has ended, hangs, or has said what it may not."""


class Asked(Protocol):
    """Whoever answers the harness; a process, or a stand-in for tests."""

    def ask(self, **message: Any) -> dict[str, Any]:
        """Send a message and read its answer."""


class Process:
    """A peer's process: a line of JSON there, a line back."""

    def __init__(self, command: tuple[str, ...]) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | _THREADS
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `end`
        pipe = subprocess.PIPE
        self._child = subprocess.Popen(
            command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=self._errors, text=True, env=environment
        )

    def ask(self, **message: Any) -> dict[str, Any]:
        """Send a message and read its answer.

        Raises:
            PeerFailed: if there is none; with the last that it has said on stderr.
        """
        stdin, stdout = self._child.stdin, self._child.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(json.dumps(message) + "\n")
            stdin.flush()
            line = stdout.readline() if select.select([stdout], [], [], _PATIENCE)[0] else "nothing"
            answer = json.loads(line)
        except (OSError, ValueError) as error:
            raise PeerFailed(f"no answer to {message}: {error}; it said {self._said()}") from None
        if not isinstance(answer, dict):
            raise PeerFailed(f"it answered {line!r} to {message}")
        return answer

    def _said(self) -> str:
        self._errors.seek(0)
        return self._errors.read()[-2_000:].decode(errors="replace")

    def end(self) -> None:
        """Let it go; kill it if it does not."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            self._child.stdin.write('{"op": "end"}\n')
            self._child.stdin.close()
            self._child.wait(timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()
        self._errors.close()


def run_peer(task: Task, peer: Peer, seed: int, workers: int, budget: int) -> dict[str, Any]:
    """What a peer finds with so many epochs; see `result`.

    Raises:
        PeerFailed: if it ends, hangs or says what it may not.
    """
    begin = time.perf_counter()
    process = Process(peer.command)
    try:
        course = Course(task, peer, seed, budget)
        course.drive(process, workers)
    finally:
        process.end()
    seconds = time.perf_counter() - begin
    return result(course.trace, (course.spent, course.charged), len(course.trained), course.seconds, seconds)


@dataclass
class _Lease:
    """A training in a slot: the epoch it has reached, and how far it goes."""

    trial: int
    epoch: int
    until: int
    losses: list[float]
    params: Params


class Course:
    """A peer's study: slots, the epochs they train in virtual time (one unit each), and what has been spent."""

    def __init__(self, task: Task, peer: Peer, seed: int, budget: int) -> None:
        self.trace = Trace(task)
        self.spent = self.charged = 0
        self.seconds: list[float] = []
        self.trained: dict[int, int] = {}  # the peer's number of a trial -> epochs
        self._task, self._peer, self._seed, self._budget = task, peer, seed, budget
        self._due: list[tuple[int, int, _Lease]] = []  # when the next epoch ends, slot, training
        self._done = False

    def drive(self, peer: Asked, workers: int) -> None:
        """Train until the budget is spent, the peer is done, or all slots wait."""
        told = {"method": self._peer.name, "seed": self._seed, "epochs": self._task.epochs}
        begun = peer.ask(op="begin", **told, workers=workers, budget=self._budget, space=encoded(self._task.space))
        if begun.get("ok") is not True:
            raise PeerFailed(f"it refuses to begin: {begun}")
        now, idle = 0, list(range(workers))
        while self.spent < self._budget:
            idle = [slot for slot in sorted(idle) if not self._filled(peer, slot, now)]
            if not self._due:
                return
            now, slot, lease = heapq.heappop(self._due)
            if self._trained(peer, lease):
                heapq.heappush(self._due, (now + 1, slot, lease))
            else:
                idle.append(slot)

    def _filled(self, peer: Asked, slot: int, now: int) -> bool:
        """Ask what a free slot shall do; whether it has something to do."""
        if self._done:
            return False
        answer = peer.ask(op="next", slot=slot)
        self.seconds.append(answer.get("ms", 0.0) / 1e3)
        self._done = bool(answer.get("done"))
        if self._done or answer.get("wait"):
            return False
        trial, until = answer["trial"], answer["until"]
        known = trial if answer.get("continues") is None else answer["continues"]
        epoch = self.trained.get(known, 0)
        if not epoch < until <= self._task.epochs:
            raise PeerFailed(f"a training must end in {epoch + 1}..{self._task.epochs}, got {answer}")
        params = {name: answer["params"][name] for name in self._task.space}
        self._task.space.check(params)
        self.trained[trial] = epoch
        self.charged += 0 if self._peer.resumes else epoch
        losses = list(self._task.losses(params, self._seed))
        heapq.heappush(self._due, (now + 1, slot, _Lease(trial, epoch, until, losses, params)))
        return True

    def _trained(self, peer: Asked, lease: _Lease) -> bool:
        """An epoch has ended; whether the slot goes on with the trial. One that has diverged never does."""
        lease.epoch += 1
        self.trained[lease.trial] = lease.epoch
        self.spent += 1
        self.charged += 1
        found = lease.losses[lease.epoch - 1]
        loss = found if math.isfinite(found) else None
        self.trace.take((self.spent, self.charged), loss, lambda: lease.params)
        answer = peer.ask(op="report", trial=lease.trial, epoch=lease.epoch, loss=loss)
        return bool(answer.get("go")) and loss is not None and lease.epoch < lease.until


def encoded(space: wt.Space) -> list[dict[str, Any]]:
    """A space as the protocol says it."""
    found: list[dict[str, Any]] = []
    for name, one in space.items():
        if isinstance(one, wt.Choice):
            found.append({"name": name, "kind": "choice", "values": list(one.values())})
        else:
            assert isinstance(one, wt.Float | wt.Int)
            kind = "int" if isinstance(one, wt.Int) else "float"
            found.append({"name": name, "kind": kind, "low": one.low, "high": one.high, "scale": one.scale})
    return found
