"""Who may change a study: one process at a time, by a lock that dies with it, and in it one run at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from welltempered.errors import InvalidInput, StudyBusy, WelltemperedError
from welltempered.lock import Lock, read


class Turn:
    """Whose turn it is to change something: first among processes, then within this one.

    Args:
        path: the file that is locked, see `Lock`; `None` where no other process can come.
        what: what is changed, for messages.

    Attributes:
        readonly: whether nobody may.
        finished: whether what was done alone has come to its end, for the note in the file.
    """

    def __init__(self, path: Path | None, what: str) -> None:
        self.path = path
        self.readonly = False
        self._what = what
        self._closed = False
        self._lock: Lock | None = None
        self._running = threading.Lock()
        self.finished = False

    def take(self) -> None:
        """Keep other processes out from now on.

        Raises:
            StudyBusy: if one of them was first.
            InvalidInput: if it is not to be changed.
            WelltemperedError: if it was closed, or the file cannot be written.
        """
        if self._closed:
            raise WelltemperedError(f"{self._what} must be open, but was closed; make or open it again")
        if self.readonly:
            raise InvalidInput(f"{self._what} must be open to be changed, got readonly=True; open it without that")
        if self._lock is None and self.path is not None:
            self._lock = Lock(self.path, self._what)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep the rest of this process out meanwhile, too; all may come again afterwards.

        Raises:
            StudyBusy: if somebody is at it.
        """
        if not self._running.acquire(blocking=False):
            raise StudyBusy(f"{self._what} is being run by this process already; wait until that run ends")
        self.finished = False
        try:
            yield
        finally:
            self.release()
            self._running.release()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Change something between two runs: the note of the last one stays, since it says how to go on.

        Raises:
            StudyBusy: if somebody runs it.
        """
        if not self._running.acquire(blocking=False):
            raise StudyBusy(f"{self._what} is being run by this process already; wait until that run ends")
        try:
            note, kept = None if self.path is None else read(self.path), self._lock is not None
            self.take()
            try:
                yield
            finally:
                if self._lock is not None and not kept:
                    self._lock.release(note=note)
                    self._lock = None
        finally:
            self._running.release()

    def say(self, *, budget: dict[str, float], workers: int) -> None:
        """Tell those who look what is being done, see `Note`."""
        if self._lock is not None:
            self._lock.say(budget=budget, workers=workers)

    def release(self) -> None:
        """Let other processes have their turn."""
        if self._lock is not None:
            self._lock.release(finished=self.finished)
            self._lock = None

    def close(self) -> None:
        """Never change it again."""
        self._closed = True
        self.release()
