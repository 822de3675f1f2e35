"""What a log is: numbered records, appended by compare-and-swap, never changed."""

from collections.abc import Sequence
from typing import Protocol

from welltempered.events import Record


class Log(Protocol):
    """The only memory of a study. Record 0 is its header, record n its n-th event."""

    def append(self, seq: int, records: Sequence[Record]) -> None:
        """Write records as numbers `seq`, `seq + 1`, ...: all or none; when it returns they are durable.

        Raises:
            Conflict: if number `seq` is taken, because somebody else wrote meanwhile.
        """
        ...

    def read(self, since: int = 0, most: int | None = None) -> Sequence[Record]:
        """The records from number `since` on, all or at most so many; never waits for a writer."""
        ...

    def close(self) -> None:
        """Release files and connections."""
        ...
