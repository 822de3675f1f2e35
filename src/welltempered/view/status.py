"""Sentences on how a study stands: in one line, who runs it, and how it goes on."""

import os
import shlex
from pathlib import Path

from welltempered import method as methods
from welltempered.budget import Budget, duration
from welltempered.events import INTERRUPTED, UNWRITTEN, Header
from welltempered.history import History
from welltempered.lock import Note
from welltempered.study import Study
from welltempered.view.picture import Picture
from welltempered.view.text import number, percent

ENDING = "ending the leases at this epoch and saving; Ctrl-C again to leave at once"
_FULL = "checkpoints cannot be written; ending the leases at this epoch"


def method(header: Header) -> str:
    """The method of a study, and if it was chosen, why: "FreezeThaw(): trials can be resumed, and ..."."""
    return methods.describe(header.method) + (f": {header.why}" if header.why else "")


def line(picture: Picture) -> str:
    """How a study goes, in one line."""
    history = picture.history
    best = history.best
    parts = [f"{picture.share:4.0%}"] if picture.bounded else []
    if best is not None:
        parts.append(f"best {best.metric} {number(best.value)} (trial {best.id})")
    parts += [f"{len(history.trials)} trials", f"{history.spent} epochs", duration(history.clock)]
    if failed := sum(picture.failed.values()):
        parts.append(f"{failed} failed")
    if (eta := picture.eta) is not None:
        parts.append(f"ETA {duration(round(eta))}")
    return " · ".join(parts)


def budget_of(note: Note | None) -> Budget:
    """The budget of the present or last run."""
    return Budget(**note.budget) if note is not None and note.budget else Budget()


def who(note: Note | None, history: History) -> str:
    """Who runs a study, or how it goes on: "running in process 123 on HOST: 40 % of 200 epochs, 2 workers"."""
    budget = budget_of(note)
    share = budget.share(*history.used)
    if note is not None and note.holds:
        parts = [f"{percent(share)} of {budget}"] if budget.bounds else []
        parts += [_count(note.workers, "worker")] if note.workers is not None else []
        here = note.host == os.uname().nodename
        seen = "" if here else ", which cannot be seen from here"
        return f"running in process {note.pid} on {note.host}{seen}" + (": " if parts else "") + ", ".join(parts)
    if note is not None and note.finished:
        used = f"the budget of {budget} is used" if share >= 1 else "the method has nothing left to do"
        return f"finished: {used}"
    if (again := _again(note)) is None:
        return "not running" + ("" if note is None else "; run the same again to continue")
    return f"not running; to continue: {again}"


def ending(stopping: str | None) -> str | None:
    """Why the leases are being ended, if they are."""
    return {None: None, INTERRUPTED: ENDING, UNWRITTEN: _FULL}.get(stopping, f"ending the leases: {stopping}")


def farewell(study: Study, *, at_once: bool) -> str:
    """What is said when a run was interrupted."""
    saved = "left at once; epochs that were not saved are trained again" if at_once else "interrupted; nothing is lost"
    note = study.note
    if note is None:
        return "interrupted; the study is in memory only, path=... would keep it for another time"
    again = _again(note)
    return f"{saved}. " + (f"To continue: {again}" if again else "Run the same again to continue.")


def _again(note: Note | None) -> str | None:
    """The command that continues, to be typed where the reader is."""
    if note is None or note.command is None:
        return None
    here = note.host == os.uname().nodename and Path(note.folder) == Path.cwd()
    return note.command if here else f"cd {shlex.quote(note.folder)} && {note.command}"


def _count(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")
