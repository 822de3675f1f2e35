"""The progress of a study, said by the process that runs it."""

import sys
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from welltempered.budget import Budget
from welltempered.events import INTERRUPTED, Event
from welltempered.study import Study
from welltempered.trial import Trial
from welltempered.view.picture import Camera, Picture
from welltempered.view.status import ending, farewell, line, method

if TYPE_CHECKING:
    from welltempered.view.screen import Screen

_LOOK_SECONDS = 0.3
"""Between two looks at the study: the view is drawn again, or a line is printed if there is news."""
SPARE = 20
"""Looks may take this part of the time at most; with 100,000 trials one takes 0.1 s."""
_PLAIN_SECONDS, _NEWS_SECONDS = 10.0, 2.0
"""Between two lines where the output is no terminal, and if the best has changed."""
_HINT = "Ctrl-C ends the leases at their next epoch and saves"


class Lines:
    """Says in a line now and then how a study goes.

    Args:
        write: prints a line.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._best: Trial | None = None
        self._said = time.monotonic()

    def look(self, picture: Picture) -> None:
        """Say it if it is time: soon where there is a new best."""
        silent = time.monotonic() - self._said
        if silent >= _PLAIN_SECONDS or (silent >= _NEWS_SECONDS and picture.history.best != self._best):
            self.say(picture)

    def say(self, picture: Picture) -> None:
        """Say it now."""
        self._best, self._said = picture.history.best, time.monotonic()
        self._write(line(picture))


class Progress:
    """Says on standard error how a study goes: a live view in a terminal, a line now and then elsewhere.

    Used as a context manager that gives the function to watch events with. Everything is drawn in the thread that
    calls it, which is the only one in which the history may be looked at.

    Args:
        study: the study about to run.
        budget: its budget.
        quiet: say nothing.
        lines: say lines in a terminal, too: where training code prints into the same one, or waits at a breakpoint.
    """

    def __init__(self, study: Study, budget: Budget, *, quiet: bool = False, lines: bool = False) -> None:
        self._study = study
        self._budget = budget
        self._quiet = quiet
        self._only_lines = lines
        self._camera = Camera(study)
        self._lines = Lines(self._write)
        self._screen: Screen | None = None
        self._due = time.monotonic() + _LOOK_SECONDS
        self._told: str | None = None

    def __enter__(self) -> Self:
        if not self._quiet and not self._only_lines and sys.stderr.isatty():
            from welltempered.view.screen import Screen, drawable

            if drawable(sys.stderr):
                self._screen = Screen(sys.stderr)
                self._draw(self._take())
        if self._screen is None and self._study.header.why:
            self._write(method(self._study.header))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._screen is not None:
            self._screen.close(keep=False)
            self._screen = None
        self._write(line(self._take(runs=False)))
        left = kind is not None and issubclass(kind, KeyboardInterrupt | SystemExit)
        if left or (kind is None and self._study.stopping == INTERRUPTED):
            self._write(farewell(self._study, at_once=left))

    def __call__(self, event: Event) -> None:
        """Take note of an event; costs nothing but a look at the clock most of the time."""
        # When a lease has just closed a slot is free for a moment; the view would be shorter then, and jump.
        if getattr(event, "trial", None) in self._study.history.running or ending(self._study.stopping) != self._told:
            self.idle()

    def idle(self) -> None:
        """Look at the study if it is time."""
        began = time.monotonic()
        ended = ending(self._study.stopping)
        if began < self._due and ended == self._told:
            return
        if self._screen is not None:
            self._draw(self._take())
        elif ended is not None and ended != self._told:
            self._write(ended)
        else:
            self._lines.look(self._take())
        self._told = ended
        now = time.monotonic()
        self._due = now + max(_LOOK_SECONDS, SPARE * (now - began))

    def _take(self, *, runs: bool = True) -> Picture:
        return self._camera.take(self._budget, runs=runs)

    def _draw(self, picture: Picture) -> None:
        from welltempered.view.frame import frame

        header = self._study.header
        heading = [f"{header.objective} · {method(header)}", ending(self._study.stopping) or _HINT]
        assert self._screen is not None  # or nobody would draw
        try:
            self._screen.draw(partial(frame, picture, heading))
        except OSError:  # the terminal is gone, which is no reason to stop training
            self._screen, self._quiet = None, True

    def _write(self, text: str) -> None:
        if not self._quiet:
            try:
                sys.stderr.write(f"{text}\n")
                sys.stderr.flush()
            except OSError:  # as above
                self._quiet = True
