"""The program of a worker process: `python -m welltempered.execute.worker FD LIFE LOGS`, started by `Child`."""

import fcntl
import os
import select
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from types import FrameType

import cloudpickle

from welltempered.events import FAILED, INTERRUPTED, Ended
from welltempered.execute.memory import give_back
from welltempered.execute.work import work
from welltempered.lease import Lease, Said


class _Pipe:
    """A channel over the pipe to the driver; a thread of its own listens, so that a lost driver ends this process."""

    def __init__(self, connection: Connection, logs: Path) -> None:
        self._connection = connection
        self._logs = logs
        self._trial: int | None = None
        self._leases: SimpleQueue[Lease | None] = SimpleQueue()
        self._reason: str | None = None
        self._terminated = False
        threading.Thread(target=self._listen, daemon=True).start()

    def receive(self) -> Lease | None:
        lease = self._leases.get()
        self._terminated = False
        return lease

    def begin(self, lease: Lease) -> None:
        self._connection.send(None)  # from now on the time counts
        if lease.trial.id != self._trial:
            self._trial = lease.trial.id
            _print_to(self._logs / f"{self._trial}.log")

    def send(self, event: Said) -> None:
        self._connection.send(event)

    def asked_to_cut(self) -> str | None:
        return INTERRUPTED if self._terminated else self._reason

    def terminate(self, number: int, frame: FrameType | None) -> None:
        """SIGTERM, which clusters send to all processes, the driver among them: end the lease at the epoch."""
        self._terminated = True

    def _listen(self) -> None:
        try:
            while True:
                message = self._connection.recv()
                if isinstance(message, str):
                    self._reason = message
                else:
                    self._leases.put(message)
        except (EOFError, OSError):
            os.killpg(0, signal.SIGKILL)  # the driver is gone; whatever trains here, children too, trains for nobody


def _die_with(life: int) -> None:
    """Let the kernel end this process and its children with the driver, even while training code holds the interpreter.

    `life` is a pipe to which the driver holds the only other end. When that is closed, the kernel sends SIGIO to our
    process group, which ends those that do not handle it (Linux; elsewhere the listening thread does the same, later).
    """
    fcntl.fcntl(life, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([life], [], [], 0)[0]:  # it was over before we had asked
        os.killpg(0, signal.SIGKILL)


def _print_to(path: Path) -> None:
    """Send what this process and its children print to a file, line by line, after what it already holds."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def main(fd: int, life: int, logs: Path) -> None:
    """Serve the slot at the other end of a pipe."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # until there is a lease that could be cut
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal, but is the driver's to handle
    _die_with(life)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # they are text files here
    connection = Connection(fd)
    job = connection.recv(), connection.recv()
    channel = _Pipe(connection, logs)
    signal.signal(signal.SIGTERM, channel.terminate)
    # Children that are forked end by SIGTERM as usual, and do not hold our end of the pipe once we are gone.
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    os.register_at_fork(after_in_child=connection.close)
    try:
        train, setting = map(cloudpickle.loads, job)
    except Exception:  # noqa: BLE001 - importing the user's modules may raise anything
        error = traceback.format_exc()
        while (lease := channel.receive()) is not None:
            channel.begin(lease)
            channel.send(Ended(lease.trial.id, FAILED, f"train cannot be loaded in a worker process:\n{error}"))
        return
    work(train, setting, channel, give_back())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
