"""A log that lives and dies with its process."""

from collections.abc import Sequence

from welltempered.errors import Conflict
from welltempered.events import Record


class Memory:
    """A list of records: for studies without a path, and for tests."""

    def __init__(self) -> None:
        self._records: list[Record] = []

    def append(self, seq: int, records: Sequence[Record]) -> None:
        """See `Log.append`."""
        if seq != len(self._records):
            raise Conflict(seq)
        self._records.extend(records)

    def read(self, since: int = 0, most: int | None = None) -> Sequence[Record]:
        """See `Log.read`."""
        return self._records[since : None if most is None else since + most]

    def close(self) -> None:
        """Nothing to release."""
