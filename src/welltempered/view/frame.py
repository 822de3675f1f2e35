"""The live view: a picture of a study as lines for a terminal of any size.

Colours are left to the terminal, so that it reads on light and dark: bold names, and red where something went wrong.
"""

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Group
from rich.text import Text

from welltempered.budget import duration
from welltempered.limits import size
from welltempered.trial import Trial
from welltempered.view.picture import Picture
from welltempered.view.text import bar, counts, last_line, number, one_line, percent, sparkline

_LABEL = 12
"""Width of the names on the left."""
_BAR = 30
"""Widest bar of the budget."""
_CURVE = 40
"""Widest curve of a trial."""
_ROWS = 4
"""Running trials that are shown before all brackets are."""


class _Line(NamedTuple):
    """A line, and how soon it may go if there is no room: those of rank 0 last."""

    text: Text
    rank: int = 0


def frame(picture: Picture, heading: Iterable[str], width: int, height: float = math.inf) -> Group:
    """The whole view, no line wider and not more lines than there is room for.

    Args:
        picture: what to show.
        heading: sentences that stand above.
        width: columns of the terminal.
        height: lines of the terminal. Default: as many as it takes.
    """
    lines = [_Line(Text(part)) for text in heading for part in textwrap.wrap(one_line(text), width)]
    lines += [*_budget(picture, width), *_best(picture, width), *_stopped(picture), *_trouble(picture)]
    if picture.disk:
        lines.append(_line("on disk", f"{size(picture.disk)} of checkpoints", rank=3))
    busy = min(_ROWS, len(picture.history.running))
    lines = _dropped(lines, len(lines) + busy + 1 - height)
    # What changes from moment to moment stands at the end, so that nothing else moves.
    lines += _rungs(picture, width, height - len(lines) - busy - 1)
    lines += _running(picture, width, height - len(lines) - 1)
    texts = [line.text for line in lines]
    for text in texts:
        text.no_wrap = True
        text.truncate(width, overflow="ellipsis")
    return Group(*(texts if height == math.inf else texts[: int(height)]))


def _dropped(lines: list[_Line], excess: float) -> list[_Line]:
    """The lines without so many of those that matter least."""
    if excess <= 0:
        return lines
    going = sorted((number for number, line in enumerate(lines) if line.rank), key=lambda n: (-lines[n].rank, -n))
    gone = set(going[: int(excess)])
    return [line for number, line in enumerate(lines) if number not in gone]


def _line(label: str, text: str | Text, *, rank: int = 0, style: str = "bold") -> _Line:
    return _Line(Text.assemble((label.ljust(_LABEL), style), text), rank)


def _budget(picture: Picture, width: int) -> list[_Line]:
    history, budget = picture.history, picture.budget
    used = {"epochs": history.spent, "trials": len(history.trials), "seconds": picture.now}
    if not picture.bounded:
        return [_line("spent", f"{_amounts(used)}, no bound")]
    eta = "" if picture.eta is None else f"   ETA {duration(round(picture.eta))}"
    share = f" {percent(picture.share)}{eta}"
    lines = [_line("budget", bar(picture.share, max(4, min(_BAR, width - _LABEL - len(share)))) + share)]
    for name, bound in budget.bounds.items():
        left = max(0.0, bound - used[name])
        if name == "seconds":
            text = f"{duration(used[name])} of {duration(bound)}, {duration(left)} left"
        else:
            text = f"{used[name]} of {bound:.0f} {name}, {left:.0f} left"
        lines.append(_line("", text))
    if "seconds" not in budget.bounds and lines[-1].text.cell_len + 20 <= width:
        lines[-1].text.append(f", after {duration(picture.now)}")
    return lines


def _amounts(used: dict[str, float]) -> str:
    return f"{used['epochs']} epochs, {used['trials']} trials, {duration(used['seconds'])}"


def _best(picture: Picture, width: int) -> list[_Line]:
    history, best = picture.history, picture.history.best
    if best is None:
        what = "no finite value reported yet" if history.trials else "no trial has started yet"
        return [_line("best", what)]
    value = Text.assemble(f"{one_line(best.metric)} ", (number(best.value), "bold"))
    trial = f"trial {best.id} of {len(history.trials)}, epoch {best.epoch}"
    when = f"found after {duration(best.reports[-1].at)}"
    lines = [_line("best", value)]
    if _LABEL + value.cell_len + 3 + len(trial) + 2 + len(when) <= width:
        value.append(f"   {trial}, {when}")
        lines = [_line("best", value)]
    elif _LABEL + len(trial) + 2 + len(when) <= width:
        lines.append(_line("", f"{trial}, {when}"))
    else:
        lines += [_line("", trial), _line("", when, rank=2)]
    params = [f"{name}={number(value)}" for name, value in best.params.items()]
    return lines + [_line("", text, rank=1) for text in _folded(params, width - _LABEL, 2)]


def _folded(items: Sequence[str], width: int, most: int) -> list[str]:
    """The items in at most so many lines; the last line is cut by whoever shows it."""
    lines = [""]
    for item in items:
        longer = f"{lines[-1]}, {item}" if lines[-1] else item
        if lines[-1] and cell_len(longer) > width and len(lines) < most:
            lines[-1] += ","
            lines.append(item)
        else:
            lines[-1] = longer
    return lines


def _stopped(picture: Picture) -> list[_Line]:
    """How many trials the method has stopped, and why the last one."""
    tally = picture.tally
    if tally.last_stop is None:
        return []
    why = f"last, trial {tally.last_stop.trial}: {last_line(tally.last_stop.error)}"
    return [
        _line("stopped", f"{tally.stopped} of {len(picture.history.trials)} trials", rank=1),
        _line("", why, rank=3),
    ]


def _trouble(picture: Picture) -> list[_Line]:
    """Which trials have failed and which leases were cut, each with what the last one died of."""
    tally, lines = picture.tally, []
    if picture.failed:
        lines.append(_line("failures", Text(counts(picture.failed), "red")))
        if tally.last_error is not None:
            text = last_line(picture.history.trials[tally.last_error].error)
            lines.append(_line("", f"last, trial {tally.last_error}: {text}", rank=2))
    if (cut := tally.last_cut) is not None:
        lines.append(_line("cut short", counts(tally.cuts), rank=1))
        lines.append(_line("", f"last, trial {cut.trial}: {last_line(cut.error) or cut.reason}", rank=3))
    return lines


def _running(picture: Picture, width: int, room: float) -> list[_Line]:
    """A line per running trial, with its curve in what is left of the width."""
    ids = sorted(picture.history.running)
    if not ids or room < 1:
        return []
    shown = ids if len(ids) <= room else ids[: int(room) - 1]
    trials = [picture.history.trials[id] for id in shown]
    metric = one_line(picture.history.objective.metric)
    cells = [("epoch", metric[:12], "device"), *map(_cells, trials)]
    epochs, values, devices = (max(map(cell_len, column)) for column in zip(*cells, strict=True))
    curve = min(_CURVE, width - _LABEL - epochs - values - devices - 6)
    if curve < 8:  # a narrow terminal has no room for the device
        curve, cells = curve + devices + 2, [(epoch, value, "") for epoch, value, _ in cells]
    labels = ["running" if picture.runs else "left open", *(f" trial {trial.id}" for trial in trials)]
    curves = ["", *(sparkline(trial.curve, curve) for trial in trials)]
    lines = []
    for label, drawn, (epoch, value, device) in zip(labels, curves, cells, strict=True):
        text = f"{epoch:>{epochs}}  {value:>{values}}  {drawn:<{max(0, curve)}}  {device}"
        lines.append(_line(label, text.rstrip(), style="" if label.startswith(" ") else "bold"))
    more = len(ids) - len(shown)
    return lines + ([_Line(Text(f" and {more} more"))] if more else [])


def _cells(trial: Trial) -> tuple[str, str, str]:
    return f"{trial.epoch}/{trial.until}", number(trial.value), one_line(trial.device)


def _rungs(picture: Picture, width: int, room: float) -> list[_Line]:
    """A line per bracket: how many trials have reached each rung, and `+` how many are on the way to it."""
    tally = picture.tally
    brackets, ends = tally.rungs(picture.history)
    if len(ends) < 2 or room < 3:  # where all trials are simply trained fully, there are no rungs
        return []
    shown = brackets if len(brackets) <= room - 1 else brackets[-int(room - 2) :]
    on_way = tally.under_way(picture.history)
    rows = [[_rung(tally.reached[bracket, end], on_way[bracket, end]) for end in ends] for bracket in shown]
    columns = [[f"at {end}", *cells] for end, cells in zip(ends, zip(*rows, strict=True), strict=True)]
    while len(columns) > 1 and sum(max(map(len, column)) + 2 for column in columns) > width - _LABEL:
        del columns[0]  # the lowest rungs say least
    labels = ["rungs", *(f" bracket {bracket}" for bracket in shown)]
    lines = []
    for row, label in enumerate(labels):
        text = "  ".join(column[row].ljust(max(map(len, column))) for column in columns)
        lines.append(_line(label, text.rstrip(), style="" if row else "bold"))
    hidden = len(brackets) - len(shown)
    return [*lines, *([_Line(Text(f" and {hidden} before"))] if hidden else [])]


def _rung(reached: int, on_way: int) -> str:
    return " ".join([str(reached)] * (reached > 0) + [f"+{on_way}"] * (on_way > 0)) or "·"
