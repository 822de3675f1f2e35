"""A lock that dies with its process, however that dies, and a note in it for those who only look."""

import contextlib
import fcntl
import os
import shlex
import shutil
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from welltempered import forks
from welltempered.errors import StudyBusy, WelltemperedError

_BORN = timedelta(minutes=1)
"""What clocks may have been set forward by between the birth of a process and its note."""
_AGAIN_SECONDS = 0.02
"""Until a note that cannot be read, since it is just being written, is read again."""


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the process says of itself that holds a lock, or has held it last.

    Attributes:
        pid: its number.
        host: name of its machine.
        since: when it took the lock.
        folder: the working folder in which it was started.
        command: the command line that does the same again; `None` where there is none, as in a notebook.
        budget: the finite bounds of the budget by their names in `Budget`; `None` if there is no budget, as for `ask`.
        workers: how many trials train side by side.
        released: whether the lock was released in good order.
        finished: whether the study had come to its end then: budget used, or nothing left to do.
    """

    pid: int
    host: str
    since: datetime
    folder: str
    command: str | None
    budget: dict[str, float] | None = None
    workers: int | None = None
    released: bool = False
    finished: bool = False

    @property
    def holds(self) -> bool:
        """Whether the lock is held, as far as that can be told without touching it.

        On this machine by whether the process lives; a younger one with the same number is another one. Of other
        machines what was said last is believed.
        """
        if self.released:
            return False
        if self.host != os.uname().nodename:
            return True
        import psutil  # takes 10 ms, which only those who look should pay

        try:
            process = psutil.Process(self.pid)
            born = datetime.fromtimestamp(process.create_time(), UTC)
            return process.status() != psutil.STATUS_ZOMBIE and born <= self.since + _BORN
        except psutil.Error:
            return False


class Lock:
    """An exclusive lock on a file, held until it is released or the process ends.

    Args:
        path: the file; made if missing, and never deleted.
        what: what is locked, for the message.

    Raises:
        StudyBusy: if somebody else holds it; the message names that process.
        WelltemperedError: if the file cannot be written.
    """

    def __init__(self, path: Path, what: str) -> None:
        try:
            self._file = forks.keep_from_children(os.open(path, os.O_RDWR | os.O_CREAT, 0o644))
        except OSError as error:
            raise WelltemperedError(
                f"{path} must be a file that can be written, got: {error.strerror}; allow writing to run {what}"
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            forks.close(self._file)
            owner = read(path)
            if owner is not None and owner.pid == os.getpid() and owner.host == os.uname().nodename:
                raise StudyBusy(
                    f"{what} is being run by this process through another Study; close that one first"
                ) from None
            raise StudyBusy(
                f"{what} is being run by process {owner.pid if owner else 'unknown'}; look at it with "
                "`welltempered show --follow`, or wait until it ends"
            ) from None
        self._note = Note(
            pid=os.getpid(),
            host=os.uname().nodename,
            since=datetime.now(UTC),
            folder=_text(_folder()),
            command=command(),
        )
        self._write()

    def say(self, *, budget: dict[str, float], workers: int) -> None:
        """Add to the note what is being done."""
        self._note = msgspec.structs.replace(self._note, budget=budget, workers=workers)
        self._write()

    def release(self, *, finished: bool = False, note: Note | None = None) -> None:
        """Let others have it; the note stays for those who want to continue, or another one instead."""
        self._note = note or msgspec.structs.replace(self._note, released=True, finished=finished)
        self._write()
        forks.close(self._file)

    def _write(self) -> None:
        with contextlib.suppress(OSError):  # on a full disk the lock still locks, only nobody can read by whom
            line = msgspec.json.encode(self._note) + b"\n"
            os.pwrite(self._file, line, 0)  # in one go, so that no reader sees half of it
            os.truncate(self._file, len(line))


def read(path: Path) -> Note | None:
    """The note in a lock's file, without touching the lock; `None` if there is none."""
    for _ in range(3):
        try:
            return msgspec.json.decode(path.read_bytes().partition(b"\n")[0], type=Note)
        except OSError:
            return None
        except msgspec.DecodeError:
            time.sleep(_AGAIN_SECONDS)
    return None


def command() -> str | None:
    """The command line of this process, to be typed again; `None` for notebooks, prompts and `python -c`."""
    program = Path(sys.argv[0])
    if program.name == "welltempered":
        found = shutil.which(program.name)
        short = found is not None and Path(found).absolute() == program.absolute()
        return _text(shlex.join([program.name if short else str(program), *sys.argv[1:]]))
    if getattr(sys.modules.get("__main__"), "__file__", None) is None:
        return None
    return _text(shlex.join(sys.orig_argv))


def _folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was deleted
        return "."


def _text(text: str) -> str:
    """The same in Unicode, which names of files need not be."""
    return text.encode("utf-8", "backslashreplace").decode()
