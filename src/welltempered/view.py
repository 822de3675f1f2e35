"""How a study looks in a terminal: its progress while it runs, and its summary."""

import os
import sys
import time
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from welltempered import method as methods
from welltempered.budget import Budget, duration
from welltempered.events import Ended, Event
from welltempered.study import Study
from welltempered.trial import Trial

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

_TOP = 10
"""Trials a summary lists."""
_LOOK_SECONDS = 0.5
"""Between two looks at the study: the line is drawn again, or a line is printed if there is news."""
_PLAIN_SECONDS, _NEWS_SECONDS = 10.0, 2.0
"""Between two lines where the output is no terminal, and if the best has changed."""


class Progress:
    """Says on standard error how a study goes: a line that changes in a terminal, one now and then elsewhere.

    Used as a context manager that gives the function to watch events with.

    Args:
        study: the study about to run.
        budget: its budget.
        quiet: say nothing.
    """

    def __init__(self, study: Study, budget: Budget, *, quiet: bool = False) -> None:
        self._study = study
        self._budget = budget
        self._quiet = quiet
        self._best: Trial | None = None
        self._failed = sum(trial.failed for trial in study.trials)
        self._said = self._looked = time.monotonic()
        self._terminal = sys.stderr.fileno() if not quiet and sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._erase()
        self._say()

    def __call__(self, event: Event) -> None:
        """Take note of an event; costs nothing but a look at the clock most of the time."""
        self._failed += isinstance(event, Ended) and event.error is not None
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        self._draw()
        if self._terminal is None and (
            now - self._said >= _PLAIN_SECONDS or (now - self._said >= _NEWS_SECONDS and self._study.best != self._best)
        ):
            self._said = now
            self._say()

    def _draw(self) -> None:
        """Draw the line again in its place, as much of it as fits."""
        if self._terminal is not None:
            self._erase()
            width = os.get_terminal_size(self._terminal).columns
            self._write(self._line()[: width - 1])

    def _erase(self) -> None:
        if self._terminal is not None:
            self._write("\r\x1b[K")

    def _say(self) -> None:
        self._write(f"{self._line()}\n")

    def _write(self, text: str) -> None:
        if not self._quiet:
            sys.stderr.write(text)
            sys.stderr.flush()

    def _share(self) -> float:
        return self._budget.share(*self._study.history.used)

    def _line(self) -> str:
        history = self._study.history
        self._best = best = history.best
        bounded = self._budget != Budget()
        parts = [f"{self._share():4.0%}"] if bounded else []
        if best is not None:
            parts.append(f"best {best.metric} {_number(best.value)} (trial {best.id})")
        parts += [f"{len(history.trials)} trials", f"{history.spent} epochs", duration(history.clock)]
        if self._failed:
            parts.append(f"{self._failed} failed")
        return " · ".join(parts)


def show(study: Study) -> None:
    """Print the summary of a study."""
    from rich.console import Console

    Console(markup=False, emoji=False).print(summary(study))  # a param's value may look like either


def say(text: str) -> None:
    """Print text as it is: a terminal may fold it, a file gets whole lines."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def summary(study: Study) -> "RenderableType":
    """A study at a glance: what it is of, what it has spent, its best trials."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    history, header = study.history, study.header
    states = Counter(trial.state for trial in history.trials)
    counts = ", ".join(f"{count} {state}" for state, count in states.most_common())
    facts = _pairs()
    facts.add_row("objective", f"{header.objective}, {header.epochs} epochs, seed {header.seed}")
    facts.add_row("method", methods.describe(header.method))
    facts.add_row("space", ", ".join(study.space))
    facts.add_row("spent", f"{history.spent} epochs in {duration(history.clock)}")
    facts.add_row("trials", f"{len(history.trials)}" + (f": {counts}" if counts else ""))
    if (best := study.best) is None:
        return Group(facts, Text("\nno trial has reported a finite objective yet"))
    table = Table(
        "trial",
        "epoch",
        header.objective.metric,
        "state",
        title="best trials",
        title_justify="left",
    )
    for column in (0, 1, 2):
        table.columns[column].justify = "right"
    ranked = sorted((t for t in history.trials if t.reports and not t.failed), key=lambda t: (t.loss, -t.epoch, t.id))
    for trial in ranked[:_TOP]:
        table.add_row(str(trial.id), str(trial.epoch), _number(trial.value), trial.state)
    params = _pairs()
    for name, value in best.params.items():
        params.add_row(f"  {name}", _number(value))
    heading = f"\nbest: trial {best.id}, {best.metric} {_number(best.value)} after epoch {best.epoch}"
    return Group(facts, Text(), table, Text(heading), params)


def _pairs() -> "Table":
    """A table of names and values; what is wider than the terminal is folded, never cut."""
    from rich.table import Column, Table

    return Table.grid(Column(overflow="fold"), Column(overflow="fold"), padding=(0, 2))


def _number(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
