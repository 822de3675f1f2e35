"""What is known of processes from outside, through /proc."""

import os
import signal
import time
from pathlib import Path


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # gone meanwhile
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


def descendants(pid: int) -> list[int]:
    """The same, and what those have started."""
    own = children(pid)
    return own + [other for child in own for other in descendants(child)]


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def seconds_until_gone(pids: list[int], patience: float) -> float | None:
    """How long it takes until none of them runs; `None` if some still do after so many seconds."""
    began = time.monotonic()
    while any(map(alive, pids)):
        if time.monotonic() - began > patience:
            return None
        time.sleep(0.01)
    return time.monotonic() - began


def kill(pid: int) -> bool:
    """Send a real -9; whether there was anybody to get it."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
