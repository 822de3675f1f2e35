"""Files that processes forked from this one must not hold: what means "this process lives" would outlive it there."""

import contextlib
import os

_OURS: set[int] = set()


def keep_from_children(file: int) -> int:
    """Close this open file in every child that is forked from now on; returns the file."""
    _OURS.add(file)
    return file


def close(file: int) -> None:
    """Close it here."""
    _OURS.discard(file)
    os.close(file)


def _close_all() -> None:
    while _OURS:
        with contextlib.suppress(OSError):
            os.close(_OURS.pop())


os.register_at_fork(after_in_child=_close_all)
