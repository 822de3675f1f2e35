"""A lock that dies with its process, however that dies."""

import fcntl
import os
from pathlib import Path

from welltempered.errors import StudyBusy


class Lock:
    """An exclusive lock on a file, held until it is released or the process ends.

    Args:
        path: the file; made if missing, and never deleted.
        what: what is locked, for the message.

    Raises:
        StudyBusy: if another process holds it; the message names that process.
    """

    def __init__(self, path: Path, what: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(self._file, 32).decode().strip()
            os.close(self._file)
            raise StudyBusy(
                f"{what} is being run by process {owner or 'unknown'}; look at it with `welltempered show`, "
                "or wait until it ends"
            ) from None
        os.truncate(self._file, 0)
        os.write(self._file, str(os.getpid()).encode())

    def release(self) -> None:
        """Let others have it."""
        os.close(self._file)
