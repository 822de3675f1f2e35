"""The driver's end of a worker process."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from multiprocessing.connection import Pipe
from pathlib import Path

from welltempered import forks
from welltempered.events import INTERRUPTED, OUT_OF_MEMORY, WORKER_LOST
from welltempered.execute.devices import VISIBLE
from welltempered.lease import Lease, Lost, Said

_THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "NPROC",  # of XLA, which computes for JAX
)
_PATIENCE = 5.0
"""Seconds until a killed process must be gone."""


class Child:
    """A worker process; knows the lease it has given, until what closes it has been heard.

    Its process group is its own: Ctrl-C in the terminal does not reach it, and whatever it starts ends with it.

    Args:
        job: training code and setting, pickled.
        logs: folder of the log files.
        threads: threads for numerical libraries.
        gpu: the only GPU it sees; `None` leaves that as it is.
    """

    def __init__(self, job: tuple[bytes, bytes], logs: Path, threads: int, gpu: str | None) -> None:
        self.lease: Lease | None = None
        self.begun = self.used = False
        self.began = self.heard = time.monotonic()
        self.connection, theirs = Pipe()
        their_life, our_life = os.pipe()  # ours is closed when this process ends, however it does
        self._life: int | None = forks.keep_from_children(our_life)
        self._kills = _kernel_kills()
        command = [
            sys.executable,
            "-P",  # the working folder is no place to import from, unless it is for this process
            "-m",
            "welltempered.execute.worker",
            str(theirs.fileno()),
            str(their_life),
            str(logs.absolute()),
        ]
        environment = {**os.environ, **dict.fromkeys(_THREADS, str(threads))}
        environment["PYTHONPATH"] = os.pathsep.join(path or "." for path in sys.path)  # what this process can import
        if gpu is not None:
            environment[VISIBLE] = gpu
        self._process = subprocess.Popen(
            command,
            env=environment,
            pass_fds=[theirs.fileno(), their_life],
            stdin=subprocess.DEVNULL,
            process_group=0,
        )
        theirs.close()
        os.close(their_life)
        for part in job:
            self._send(part)

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def assign(self, lease: Lease) -> None:
        """Send a lease; if the process has just died, `receive` will say so."""
        self.lease = lease
        self.begun = False
        self.heard = time.monotonic()
        self._send(lease)

    def cut(self, reason: str) -> None:
        """Ask to end the lease at the next epoch boundary."""
        self._send(reason)

    def receive(self) -> tuple[list[Said], tuple[str, str] | None]:
        """What the worker has said, and if it is gone the reason and what is known of it."""
        alive = self.alive()  # asked before reading: what a dead worker has sent is all there
        if not alive:
            self.kill()  # its children may hold the pipe open, and half a message would be waited for
        said: list[Said] = []
        try:
            while self.connection.poll():
                message = self.connection.recv()
                self.heard = time.monotonic()
                if message is None:
                    self.begun, self.used, self.began = True, True, self.heard
                    continue
                said.append(message)
                if self.lease is not None and self.lease.closed_by(message):
                    self.lease = None
        except (EOFError, OSError):
            alive = False
        return said, None if alive else self._end()

    def memory(self) -> int:
        """Resident bytes of the process and all it has started."""
        import psutil  # it takes 10 ms to import, and is needed only where memory has a limit

        total = 0
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self._process.pid)
            for member in [process, *process.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    total += member.memory_info().rss
        return total

    def kill(self) -> None:
        """End the process and all it has started, now."""
        if self._life is None:  # it is long gone, and its number may be somebody else's
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses where only zombies are left
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)

    def lost(self, reason: str, error: str) -> Lost | None:
        """Take the lease back, and say that it has cost this worker; `None` if it is closed.

        What happens before its trial has begun in a worker that was used before is the doing of the code that follows
        the loop of the trial before, and speaks not against this one.
        """
        lease, self.lease = self.lease, None
        if lease is None:
            return None
        if self.used and not self.begun:
            return Lost(lease.trial.id, INTERRUPTED, f"before it had begun: {error}")
        return Lost(lease.trial.id, reason, error)

    def leave(self) -> None:
        """Ask the process to end: at once if it is idle, killed if it trains."""
        self._send(None)
        if self.lease is not None:
            self.kill()

    def join(self, deadline: float) -> None:
        """Wait for its end, and enforce it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, deadline - time.monotonic()))
        self.discard()

    def _end(self) -> tuple[str, str]:
        with contextlib.suppress(subprocess.TimeoutExpired):  # it may have closed the pipe and live
            self._process.wait(_PATIENCE)
        self.discard()
        code = self._process.wait()
        if code == -signal.SIGKILL and _kernel_kills() > self._kills:
            return OUT_OF_MEMORY, "its worker was killed by the system, which had no memory left"
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        return WORKER_LOST, f"its worker died ({how})"

    def discard(self) -> None:
        """Make sure that it is gone, and release what connected us."""
        self.kill()
        self.connection.close()
        if self._life is not None:
            forks.close(self._life)
            self._life = None

    def _send(self, message: object) -> None:
        with contextlib.suppress(OSError):  # a dead worker shows when it is read from
            self.connection.send(message)


def _kernel_kills() -> int:
    """How many processes the kernel has killed so far because memory was used up; Linux."""
    with contextlib.suppress(OSError, StopIteration), Path("/proc/vmstat").open() as lines:
        return int(next(line for line in lines if line.startswith("oom_kill ")).split()[1])
    return 0
