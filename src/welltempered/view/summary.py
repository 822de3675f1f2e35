"""A study at a glance."""

import os
import sys
import textwrap
from collections import Counter

from rich.console import Console, Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from welltempered.budget import duration
from welltempered.errors import InvalidInput
from welltempered.history import History
from welltempered.limits import size
from welltempered.lock import Note
from welltempered.searchers.zoom import zooms
from welltempered.searchers.zoomed import Zoomed
from welltempered.study import Study
from welltempered.table import stages
from welltempered.trial import Trial
from welltempered.view.status import method, who
from welltempered.view.text import counts, number

_FILE_COLUMNS = 1000
"""Widest line in a file."""
_TOP = 10
"""Trials a summary lists."""


def show(study: Study) -> None:
    """Print the summary of a study."""
    put(summary(study))


def put(what: RenderableType) -> None:
    """Print something of rich's; a param's value may look like markup and is none."""
    console = Console(markup=False, emoji=False, highlight=False, width=terminal_width())
    with console.capture() as captured:
        console.print(what)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
    sys.stdout.flush()


def terminal_width() -> int:
    """Columns of the terminal; a file has room for all that there is, unless `COLUMNS` says otherwise."""
    return Console().width if sys.stdout.isatty() or "COLUMNS" in os.environ else _FILE_COLUMNS


def say(text: str) -> None:
    """Print sentences, folded between words in a terminal; what is indented is code and stays, and so does a file."""
    if sys.stdout.isatty():
        text = "\n".join(_folded(line, terminal_width()) for line in text.splitlines())
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _folded(line: str, width: int) -> str:
    whole = line.startswith(" ") or not line
    return line if whole else textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)


def summary(study: Study) -> RenderableType:
    """What a study is of, what it has spent, who runs it, its best trials."""
    history, header = study.history, study.header
    note = study.note
    states = Counter(_state(trial, note) for trial in history.trials)
    facts = _pairs()
    facts.add_row("objective", f"{header.objective}, {header.epochs} epochs, seed {header.seed}")
    facts.add_row("method", method(header))
    facts.add_row("space", ", ".join(study.space))
    facts.add_row("spent", f"{history.spent} epochs in {duration(history.clock)}")
    facts.add_row("trials", f"{len(history.trials)}" + (f": {counts(states)}" if states else ""))
    for zoomed in zooms_of(history):
        facts.add_row("zoom", zoomed.line.removeprefix("zoom "))
    if disk := study.checkpoints.size():
        facts.add_row("on disk", f"{size(disk)} of checkpoints")
    if note is not None:
        facts.add_row("status", who(note, history))
    if (best := study.best) is None:
        return Group(facts, Text("\nno trial has reported a finite objective yet"))
    table = Table("trial", "epoch", header.objective.metric, "state", title="best trials", title_justify="left")
    for column in (0, 1, 2):
        table.columns[column].justify = "right"
    ranked = sorted((t for t in history.trials if t.reports and not t.failed), key=lambda t: (t.loss, -t.epoch, t.id))
    for trial in ranked[:_TOP]:
        table.add_row(str(trial.id), str(trial.epoch), number(trial.value), _state(trial, note))
    params = _pairs()
    for name, value in best.params.items():
        params.add_row(f"  {name}", number(value))
    if best.inherited:
        params.add_row("  lineage", lineage(best))
    found = f"{_average(history, best)}found after {duration(best.reports[-1].at)}"
    heading = f"\nbest: trial {best.id}, {best.metric} {number(best.value)} after epoch {best.epoch}, {found}"
    return Group(facts, Text(), table, Text(heading), params)


def _average(history: History, best: Trial) -> str:
    """What trials with the params of the best one come to, if there are others."""
    same = [history.trials[id] for id in history.replicates(best.id)]
    values = [trial.value for trial in same if trial.epoch == best.epoch and trial.value is not None]
    return f"{number(sum(values) / len(values))} on average of {len(values)} trainings, " if len(values) > 1 else ""


def lineage(trial: Trial) -> str:
    """Who has trained a trial until which epoch, oldest first."""
    parts = [f"trial {stage['trial']} to epoch {stage['last']}" for stage in stages(trial)]
    return ", ".join(parts)


def zooms_of(history: History) -> tuple[Zoomed, ...]:
    """The zooms of a study; none if the method is somebody's and not to be found here, as looking needs it not."""
    try:
        return zooms(history)
    except InvalidInput:
        return ()


def _state(trial: Trial, note: Note | None) -> str:
    """The state of a trial, knowing whether somebody trains it."""
    return "left open" if trial.running and note is not None and not note.holds else trial.state


def _pairs() -> Table:
    """A table of names and values; what is wider than the terminal is folded, never cut."""
    return Table.grid(Column(overflow="fold"), Column(overflow="fold"), padding=(0, 2))
