"""What a log is: numbered records, appended by compare-and-swap, never changed."""

from collections.abc import Sequence
from typing import Protocol

from welltempered.errors import CorruptLog, WelltemperedError
from welltempered.events import Record


class Log(Protocol):
    """The only memory of a study. Record 0 is its header, record n its n-th event."""

    def append(self, seq: int, records: Sequence[Record]) -> None:
        """Write records as numbers `seq`, `seq + 1`, ...: all or none; when it returns they are durable.

        Raises:
            Conflict: if number `seq` is taken, because somebody else wrote meanwhile.
            CorruptLog: if it would leave a gap.
            WelltemperedError: if the log is closed, or cannot be written.
        """
        ...

    def read(self, since: int = 0, most: int | None = None) -> Sequence[Record]:
        """The records from number `since` on, all or at most so many; never waits for a writer."""
        ...

    def close(self) -> None:
        """Release files and connections; nothing can be read or written any more."""
        ...


def check_gap(seq: int, length: int) -> None:
    """Refuse a record that does not follow the ones there are; whether its number is taken is for others to say.

    Raises:
        CorruptLog: if it would leave a gap.
    """
    if not 0 <= seq <= length:
        raise CorruptLog(f"seq must be the number of the next record, {length}, as a log has no gaps, got seq={seq}")


def closed(what: str) -> WelltemperedError:
    """The error of whoever goes on with what was closed."""
    return WelltemperedError(f"{what} must be open, but was closed; open it again with Study.open or Study.create")
