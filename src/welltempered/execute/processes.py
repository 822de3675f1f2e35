"""Training in processes of their own: one per slot, started when first needed, reused from trial to trial."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Pipe, wait
from pathlib import Path

import cloudpickle

from welltempered.errors import InvalidInput
from welltempered.events import Cut, Ended, Reported
from welltempered.experiment import Train
from welltempered.run import Lease, Setting

_Event = Reported | Cut | Ended
_PATIENCE = 5.0
"""Seconds a worker is given to leave by itself before it is killed."""
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class Processes:
    """One process per slot. A process that dies takes its lease with it and nothing else: it is started anew.

    Training code travels by value where a worker could not import it (scripts, notebooks, closures), so no
    `if __name__ == "__main__"` guard is needed. What it prints is written to `logs/<trial>.log`. Workers ignore Ctrl-C,
    which is the study's to handle, and die with the study's process, however that dies. Linux and macOS.

    Args:
        train: the training code.
        setting: what all its runs have in common.
        slots: how many processes.
        logs: folder of the log files; made if missing.
        threads: threads of each process. Default 1: two processes with one thread each train faster than one with two,
            and processes that compete for cores slow down by an order of magnitude.

    Raises:
        InvalidInput: if `slots` or `threads` is below 1, or the training code cannot be sent to another process.
    """

    def __init__(self, train: Train, setting: Setting, *, slots: int, logs: Path, threads: int = 1) -> None:
        for name, value in (("slots", slots), ("threads", threads)):
            if value < 1:
                raise InvalidInput(f"{name} must be at least 1, got {name}={value}")
        self.slots = slots
        self.clock = time.monotonic
        self._logs = logs
        self._threads = threads
        self._train = _pickled("train", train)
        self._settings = [_pickled("space", replace(setting, slot=slot)) for slot in range(slots)]
        self._checkpoints = setting.checkpoints
        self._workers: dict[int, _Worker] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def assign(self, slot: int, lease: Lease) -> None:
        """See `Executor.assign`."""
        worker = self._workers.get(slot)
        if worker is None or not worker.alive():
            worker = self._workers[slot] = _Worker(self._logs, self._threads, self._train, self._settings[slot])
        worker.assign(lease)

    def poll(self, timeout: float) -> Sequence[_Event]:
        """See `Executor.poll`."""
        workers = {worker.connection: worker for worker in self._workers.values() if worker.lease is not None}
        events: list[_Event] = []
        ready = wait(list(workers), timeout)
        for connection, worker in workers.items():
            if connection not in ready and worker.alive():
                continue
            lost = worker.receive(events)
            if lost and worker.lease is not None:
                events.append(self._lost(worker.lease, lost))
                worker.lease = None
        return events

    def cut(self, reason: str) -> None:
        """See `Executor.cut`."""
        for worker in self._workers.values():
            worker.cut(reason)

    def close(self) -> None:
        """See `Executor.close`."""
        for worker in self._workers.values():
            worker.leave()
        deadline = time.monotonic() + _PATIENCE
        for worker in self._workers.values():
            worker.join(deadline)

    def _lost(self, lease: Lease, how: str) -> Cut:
        """The event of a lease whose worker is gone: the trial goes on from where the lease began."""
        trial = lease.trial
        return Cut(trial.id, self._checkpoints.latest(trial.id, trial.epoch), how)


class _Worker:
    """The driver's end of a worker process; knows the lease it has given, until the event that closes it."""

    def __init__(self, logs: Path, threads: int, *job: bytes) -> None:
        self.lease: Lease | None = None
        self.connection, theirs = Pipe()
        command = [
            sys.executable,
            "-P",  # the working folder is no place to import from, unless it is for this process
            "-m",
            "welltempered.execute.worker",
            str(theirs.fileno()),
            str(logs.absolute()),
        ]
        environment = {**os.environ, **dict.fromkeys(_THREADS, str(threads))}
        environment["PYTHONPATH"] = os.pathsep.join(path or "." for path in sys.path)  # what this process can import
        # A process group of its own: Ctrl-C in the terminal must not reach it before it can ignore it.
        self._process = subprocess.Popen(
            command,
            env=environment,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            process_group=0,
        )
        theirs.close()
        for part in job:
            self._send(part)

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def assign(self, lease: Lease) -> None:
        """Send a lease; if the process has just died, `receive` will say so."""
        self.lease = lease
        self._send(lease)

    def cut(self, reason: str) -> None:
        """Ask to end the lease at the next epoch boundary."""
        self._send(reason)

    def receive(self, events: list[_Event]) -> str | None:
        """Append what the worker has sent; returns how it was lost if it was."""
        alive = self.alive()  # asked before reading: what a dead worker has sent is all there
        try:
            while self.connection.poll():
                event: _Event = self.connection.recv()
                events.append(event)
                if self.lease is not None and self.lease.closed_by(event):
                    self.lease = None
        except (EOFError, OSError):
            alive = False
        return None if alive else f"worker lost ({_status(self._process.wait())})"

    def leave(self) -> None:
        """Ask the process to end: at once if it is idle, killed if it trains."""
        self._send(None)
        if self.lease is not None:
            self._process.kill()

    def join(self, deadline: float) -> None:
        """Wait for its end, and enforce it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, deadline - time.monotonic()))
        self._process.kill()
        self._process.wait()
        self.connection.close()

    def _send(self, message: object) -> None:
        with contextlib.suppress(OSError):  # a dead worker shows when it is read from
            self.connection.send(message)


def _status(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    import signal

    return signal.Signals(-code).name


def _pickled(name: str, value: object) -> bytes:
    try:
        data: bytes = cloudpickle.dumps(value)
    except Exception as error:
        raise InvalidInput(
            f"{name} must be something that can be sent to worker processes, got {value!r:.80}: {error}; "
            "create what cannot be sent inside of train, or use workers=0 to train in this process"
        ) from error
    return data
