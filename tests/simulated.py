"""Whole studies in virtual time, made of the spaces and learning curves of the conformance kit."""

import atexit
import tempfile
from pathlib import Path

import msgspec

from welltempered import header as headers
from welltempered.events import Started
from welltempered.execute.simulate import Simulator
from welltempered.experiment import Experiment
from welltempered.history import History
from welltempered.log.memory import Memory
from welltempered.schedulers.full import Full
from welltempered.study import Study
from welltempered.testing.simulation import (  # noqa: F401 - tests take some of them from here
    SMALL,
    SPACES,
    Mishap,
    Mishaps,
    bad_luck,
    calm,
    chance,
    curve,
    uneven,
)

ENDLESS = 5000  # epochs; a study that should end and does not is to fail, not to hang
FOLDERS = tempfile.TemporaryDirectory(prefix="welltempered-tests-")
atexit.register(FOLDERS.cleanup)

FINITE = {name: space for name, space in SPACES.items() if space.size < SMALL}


def untrained(run):
    """Stand for training code where curves are looked up."""


def header_of(space, method, *, epochs=9, seed=0, resumable=True):
    """Return the header of a study that minimizes `loss`, without the date and the version of today."""
    experiment = Experiment(
        untrained, space, minimize="loss", epochs=epochs, method=method, seed=seed, resumable=resumable
    )
    return msgspec.structs.replace(headers.make(experiment), package="0.1.0", created="2026-01-01T00:00:00+00:00")


def history_of(space, method, **settings):
    """Return the empty history of such a study."""
    return History(header_of(space, method, **settings), space)


def study_of(space, method, **settings):
    """Return such a study, its log in memory."""
    log = Memory()
    log.append(0, [header_of(space, method, **settings)])
    return opened(log)


def opened(log):
    """Return the study of a log as another process would see it: knowing nothing but the log."""
    return Study(log, Path(tempfile.mkdtemp(dir=FOLDERS.name)))


def records(study):
    """Return the header and the events of a study."""
    return [study.header, *study.history.events]


def copied(study, events=None):
    """Return a study with the same first events, all of them by default, opened anew."""
    log = Memory()
    log.append(0, records(study)[: None if events is None else 1 + events])
    return opened(log)


def simulate(study, *, slots=1, budget=None, curve=curve, seconds=uneven, fate=None):
    """Run a study in virtual time, without a budget to its own end; `fate` decides which leases come to grief."""
    executor = Simulator(curve, slots=slots, seconds=seconds)
    study.drive(executor if fate is None else Mishaps(executor, fate), budget=budget or f"{ENDLESS} epochs")
    assert budget or study.history.spent < ENDLESS, "the study does not end by itself"
    return study


def doomed(lease):
    """Spoil one trial in six, a fate that depends on its params alone and so not on who trains it when."""
    params = lease.trial.params
    return Mishap(1 + int(9 * chance(params, "when")), fails=True) if chance(params, "doomed") < 1 / 6 else None


def kinds(history, *types):
    """Return the events of these types."""
    return [event for event in history.events if isinstance(event, types)]


def leases(history):
    """Return the set of (trial, until) of all leases granted."""
    return {(event.trial, event.until) for event in history.events if hasattr(event, "until")}


def params_of(history):
    """Return the params of all trials in the order in which they started."""
    return [trial.params for trial in history.trials]


def suggested(searcher, space, count, seed=0):
    """Return the first params that a searcher suggests, each of which starts a trial; fewer if it has no more."""
    history = history_of(space, Full(searcher), seed=seed)
    while len(history.trials) < count and (params := searcher.suggest(history)) is not None:
        history.apply(Started(len(history.trials), params, 1))
    return params_of(history)


class Unwalkable(list):
    """A list that may be indexed and appended to, but not walked through: O(1) must stay O(1)."""

    def __iter__(self):
        raise AssertionError("somebody walks through all trials or events")

    def __getitem__(self, index):
        assert not isinstance(index, slice), "somebody copies all trials or events"
        return super().__getitem__(index)


def forbid_walking(history):
    """Make a history fail as soon as somebody walks through all its trials or events."""
    history._rows = Unwalkable(history._rows)
    history.events = Unwalkable(history.events)
