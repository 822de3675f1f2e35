"""What an executor is: slots that train trials on leases."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from welltempered.lease import Lease, Said


@runtime_checkable
class Executor(Protocol):
    """Trains trials in slots; keeps no facts about a trial of its own.

    Attributes:
        slots: how many trials can train at the same time; slots are numbered from 0.
        clock: a function without arguments that gives the time in seconds: `time.monotonic`, or virtual time.
    """

    slots: int
    clock: Callable[[], float]

    def device(self, slot: int) -> str:
        """Where a slot trains: "cpu", or the name of a GPU."""
        ...

    def assign(self, slot: int, lease: Lease) -> None:
        """Train under this lease in a free slot; exactly one event, or a `Lost`, will close it. Returns at once."""
        ...

    def poll(self, timeout: float) -> Sequence[Said]:
        """What has happened since the last call; waits up to `timeout` seconds for something."""
        ...

    def cut(self, reason: str) -> None:
        """End all running leases at their next epoch boundary."""
        ...

    def close(self) -> None:
        """Leave: whatever still runs is abandoned."""
        ...
