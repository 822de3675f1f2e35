"""A part of a terminal that is drawn again and again."""

import os
import sys
from collections.abc import Callable
from typing import TextIO

from rich.console import Console, Group
from rich.control import Control
from rich.live import Live
from rich.text import Text

Draw = Callable[[int, int], Group]
"""Gives what is to be seen in a terminal with so many columns and lines."""
_SIZE = 80, 24
"""Of terminals that do not know theirs."""


class Screen:
    """Draws in place, in the thread that calls; what others print meanwhile appears above.

    Args:
        file: a terminal, see `drawable`.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._console = Console(file=file, markup=False, emoji=False, highlight=False)
        self._width = 0
        self._live = Live(
            console=self._console,
            auto_refresh=False,  # the history changes, and may only be looked at by its own thread
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=sys.stderr.isatty(),
        )
        self._live.start()
        self._console.show_cursor(True)  # noqa: FBT003 - rich's signature. A process that is killed cannot bring it back

    def draw(self, draw: Draw) -> None:
        """Draw anew, at the size that the terminal has now."""
        self._fit()
        width, height = self._console.size
        # The cursor waits on a line of its own, where the ^C of a terminal makes no other line longer.
        self._live.update(Group(draw(width, height - 2), Text()), refresh=True)

    def close(self, *, keep: bool) -> None:
        """Stop drawing; leave what was drawn last, or erase it."""
        self._fit()
        self._live.transient = not keep
        self._live.stop()

    def _fit(self) -> None:
        """Learn the size. A terminal made narrower has folded the old lines, and nobody knows how: clear it."""
        size = os.get_terminal_size(self._file.fileno())
        width, height = (now or usual for now, usual in zip(size, _SIZE, strict=True))
        if width < self._width:
            self._console.control(Control.clear(), Control.home())
        self._width = width
        self._console.width, self._console.height = width, height


def drawable(file: TextIO) -> bool:
    """Whether a cursor can be moved there."""
    return file.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")
