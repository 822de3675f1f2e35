"""The program of a worker process: `python -m welltempered.execute.worker FD LOGS`, started by `Processes`."""

import os
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue

import cloudpickle

from welltempered.events import Cut, Ended, Reported
from welltempered.execute.work import work
from welltempered.run import Lease


class _Pipe:
    """A channel over the pipe to the driver; a thread of its own listens, so that a lost driver ends this process."""

    def __init__(self, connection: Connection, logs: Path) -> None:
        self._connection = connection
        self._logs = logs
        self._trial: int | None = None
        self._leases: SimpleQueue[Lease | None] = SimpleQueue()
        self._reason: str | None = None
        threading.Thread(target=self._listen, daemon=True).start()

    def receive(self) -> Lease | None:
        lease = self._leases.get()
        if lease is not None and lease.trial.id != self._trial:
            self._trial = lease.trial.id
            _print_to(self._logs / f"{self._trial}.log")
        return lease

    def send(self, event: Reported | Cut | Ended) -> None:
        self._connection.send(event)

    def asked_to_cut(self) -> str | None:
        return self._reason

    def _listen(self) -> None:
        try:
            while True:
                message = self._connection.recv()
                if isinstance(message, str):
                    self._reason = message
                else:
                    self._leases.put(message)
        except (EOFError, OSError):
            os._exit(1)  # the driver is gone; whatever trains here trains for nobody


def _print_to(path: Path) -> None:
    """Send what this process and its children print to a file, line by line, after what it already holds."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def main(fd: int, logs: Path) -> None:
    """Serve the slot at the other end of a pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal, but is the driver's to handle
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # they are text files here
    connection = Connection(fd)
    job = connection.recv(), connection.recv()
    channel = _Pipe(connection, logs)
    try:
        train, setting = map(cloudpickle.loads, job)
    except Exception:  # noqa: BLE001 - importing the user's modules may raise anything
        error = traceback.format_exc()
        while (lease := channel.receive()) is not None:
            channel.send(
                Ended(
                    lease.trial.id,
                    "failed",
                    f"train cannot be loaded in a worker process:\n{error}",
                )
            )
        return
    work(train, setting, channel)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
