"""What a trial printed, and what else is known of how it went."""

import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from welltempered.budget import duration
from welltempered.errors import InvalidInput
from welltempered.study import Study
from welltempered.trial import Trial
from welltempered.view.summary import say

_POLL_SECONDS = 0.3
"""Between two looks at a log that grows."""
_BLOCK = 2**16


def logs(study: Study, trial: int, *, tail: int | None = None, follow: bool = False) -> None:
    """Print what a trial printed, then its error and why its leases were cut.

    Args:
        study: the study, opened only to look.
        trial: number of the trial.
        tail: only so many lines at the end. Default: all.
        follow: also what it prints from now on, until it is over or nobody runs the study any more.

    Raises:
        InvalidInput: if there is no such trial.
    """
    count = len(study.trials)
    if not 0 <= trial < count:
        ids = f"0..{count - 1}" if count else "none has started yet"
        raise InvalidInput(f"trial must be one of the study's, {ids}, got {trial}")
    path = study.log_path(trial)
    printed = _print(path, tail)
    if follow:
        try:
            printed = _follow(study, trial, path, printed)
        except KeyboardInterrupt:
            say("")
            return
    for text in _remarks(study.trials[trial], printed=printed > 0):
        say(text)


def _print(path: Path, tail: int | None) -> int:
    """Print the end of a file, and return up to where it has been printed."""
    try:
        with path.open("rb") as file:
            if tail is None:
                while block := file.read(_BLOCK):
                    _put(block)
            else:
                _put(b"".join(deque(file, maxlen=tail)))
            return file.tell()
    except FileNotFoundError:
        return 0


def _follow(study: Study, trial: int, path: Path, printed: int) -> int:
    """Print what is added to the file."""
    while True:
        note = study.note
        study.refresh()
        now = study.trials[trial]
        over = now.ended is not None or now.epoch == now.horizon or note is None or not note.holds
        if path.exists():
            with path.open("rb") as file:
                file.seek(printed)
                _put(file.read())
                printed = file.tell()
        if over:
            return printed
        time.sleep(_POLL_SECONDS)


def _put(data: bytes) -> None:
    sys.stdout.write(data.decode("utf-8", "replace"))
    sys.stdout.flush()


def _remarks(trial: Trial, *, printed: bool) -> Iterator[str]:
    if not printed:
        yield f"trial {trial.id} has printed nothing; with workers=0 it prints where the study runs"
    for cut in trial.cuts:
        why = f"{cut.reason}: {cut.error.strip()}" if cut.error else cut.reason
        yield f"trial {trial.id} was cut short after {duration(cut.at)}, to go on from epoch {cut.epoch}: {why}"
    if trial.error is not None:
        yield f"trial {trial.id} has ended after epoch {trial.epoch}: {trial.ended}\n{trial.error.rstrip()}"
