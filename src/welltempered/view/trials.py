"""Trials in a table: filtered, sorted, as many columns as fit."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from welltempered.errors import InvalidInput
from welltempered.expression import Expression
from welltempered.history import History
from welltempered.trial import Trial
from welltempered.view.text import number

STATES = (
    *("running", "interrupted", "paused", "complete", "finished", "stopped"),
    *("diverged", "failed", "crashed", "out of memory", "time limit"),
)
"""See `Trial.state`."""
_FIRST, _LAST = ("trial", "epoch", "value", "state"), ("seconds", "bracket", "device")
"""Columns before and after those of params and metrics."""
_LINEAGE = ("parent", "inherited")
"""Columns where trials have parents."""
_HEAD = 12
"""Widest heading that is not folded."""
_GAP = 2


def names(history: History) -> list[str]:
    """What trials can be sorted and filtered by; `value` is the objective."""
    metrics = {name for trial in history.trials for name in (trial.reports[-1].metrics if trial.reports else ())}
    objective = history.objective.metric
    lineage = _LINEAGE if any(trial.inherited for trial in history.trials) else ()
    return list(dict.fromkeys([*_FIRST, *history.space, *sorted(metrics), *lineage, *_LAST, objective]))


def values(trial: Trial) -> dict[str, Any]:
    """What is known of a trial, by name; a param hides a metric of its name, and neither hides a column of all."""
    known: dict[str, Any] = dict(trial.reports[-1].metrics) if trial.reports else {}
    known |= trial.params
    known |= {"trial": trial.id, "epoch": trial.epoch, "value": trial.value, "state": trial.state}
    if (parent := trial.parent) is not None:
        known |= {"parent": parent.trial, "inherited": parent.epoch}
    known |= {"seconds": round(trial.seconds, 3), "bracket": trial.bracket, "device": trial.device}
    return {name: value for name, value in known.items() if value is not None}


def choose(history: History, where: Iterable[str], state: str | None) -> list[Trial]:
    """The trials that pass all tests; one that lacks what a test mentions does not.

    Raises:
        InvalidInput: if a test cannot be read or computed, or mentions what no trial has.
    """
    if state is not None and state not in STATES:
        raise InvalidInput(f"state must be one of {', '.join(map(repr, STATES))}, got {state!r}")
    tests = [Expression(text) for text in where]
    known = names(history) if tests else []
    for test in tests:
        for name in sorted(test.names):
            check("where", name, known)
    chosen = (trial for trial in history.trials if state in (None, trial.state))
    return [trial for trial in chosen if _passes(tests, trial)]


def check(option: str, name: str, known: Sequence[str]) -> None:
    """Refuse a name that no trial has.

    Raises:
        InvalidInput: with those there are.
    """
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InvalidInput(f"{option} must use names of the study ({', '.join(known)}), got {name!r}{hint}")


def ordered(trials: Sequence[Trial], history: History, column: str, *, reverse: bool) -> list[Trial]:
    """The trials by a column, smallest first, but best first by the objective; those that lack it come last.

    Raises:
        InvalidInput: if no trial has such a column.
    """
    check("sort", column, names(history))
    best = column in ("value", history.objective.metric)
    keys: dict[int, Any] = {}
    for trial in trials:
        if best and trial.value is not None:
            keys[trial.id] = (trial.failed, trial.loss, -trial.epoch)
        elif not best and column in (known := values(trial)):
            keys[trial.id] = _key(known[column])
    having = sorted((trial for trial in trials if trial.id in keys), key=lambda trial: keys[trial.id], reverse=reverse)
    return having + [trial for trial in trials if trial.id not in keys]


def table(trials: Sequence[Trial], history: History, width: int, columns: Sequence[str] = ()) -> RenderableType:
    """The trials, a line each.

    Args:
        trials: what to show.
        history: where they are from.
        width: columns of the terminal; what does not fit is named below the table.
        columns: names to show; default what is most worth knowing, as far as it fits.

    Raises:
        InvalidInput: if no trial has such a column.
    """
    known = names(history)
    for name in columns:
        check("columns", name, known)
    objective = history.objective.metric
    wanted = list(columns) or [name for name in known if name != objective]
    cells = [{name: number(value) for name, value in values(trial).items()} for trial in trials]
    if not columns:
        wanted = [name for name in wanted if name in _FIRST or any(name in row for row in cells)]
    widths = {name: _width(name, cells, objective) for name in wanted}
    shown = wanted if columns else _fitting(widths, width)
    drawn = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for name in shown:
        text = isinstance(next((value for t in trials if (value := values(t).get(name)) is not None), ""), str)
        heading = objective if name == "value" else name
        drawn.add_column(Text(heading), justify="left" if text else "right", overflow="fold", min_width=1)
    for row in cells:
        drawn.add_row(*(Text(row.get(name, "–")) for name in shown))
    hidden = [name for name in wanted if name not in shown]
    if not hidden:
        return drawn
    return Group(drawn, Text(f"\nno room for {', '.join(hidden)}; --columns chooses"))


def _passes(tests: Iterable[Expression], trial: Trial) -> bool:
    known = values(trial)
    return all(test.holds(known, missing=False) for test in tests)


def _key(value: Any) -> tuple[str, Any]:
    """Numbers by size, all else as text."""
    return ("", value) if isinstance(value, int | float) else ("text", str(value))


def _width(name: str, cells: Sequence[Mapping[str, str]], objective: str) -> int:
    heading = objective if name == "value" else name
    widest = max((cell_len(row.get(name, "–")) for row in cells), default=0)
    return max(widest, min(cell_len(heading), _HEAD))


def _fitting(widths: Mapping[str, int], room: int) -> list[str]:
    """The first columns and whichever of the others fit beside them."""
    shown = []
    for name, width in widths.items():
        if name in _FIRST or width <= room:
            shown.append(name)
            room -= width + _GAP
    return shown
