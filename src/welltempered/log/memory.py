"""A log that lives and dies with its process."""

from collections.abc import Sequence

from welltempered.errors import Conflict
from welltempered.events import Record
from welltempered.log.base import check_gap, closed


class Memory:
    """A list of records: for studies without a path, and for tests."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._closed = False

    def append(self, seq: int, records: Sequence[Record]) -> None:
        """See `Log.append`."""
        if self._closed:
            raise closed("the log")
        check_gap(seq, len(self._records))
        if seq < len(self._records):
            raise Conflict(seq)
        self._records.extend(records)

    def read(self, since: int = 0, most: int | None = None) -> Sequence[Record]:
        """See `Log.read`."""
        if self._closed:
            raise closed("the log")
        return self._records[since : None if most is None else since + most]

    def close(self) -> None:
        """See `Log.close`."""
        self._closed = True
