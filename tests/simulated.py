"""Whole studies in virtual time: spaces, learning curves and executors that all tests share."""

import atexit
import random
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import msgspec

from welltempered import header as headers
from welltempered.events import WORKER_LOST, Ended, Started
from welltempered.execute.simulate import Simulator
from welltempered.experiment import Experiment
from welltempered.history import History
from welltempered.log.memory import Memory
from welltempered.run import Lost
from welltempered.schedule.full import Full
from welltempered.space import Choice, Float, Int, Space
from welltempered.study import Study

SPACES = {
    "continuous": Space(lr=Float(1e-5, 1e-1, scale="log"), dropout=Float(0, 0.5)),
    "nested conditions": Space(
        nesterov=Choice(True, False).when("momentum > 0.9"),
        optimizer=Choice("sgd", "adam", "lion"),
        lr=Float(1e-4, 1, scale="log"),
        momentum=Float(0.5, 0.999, scale="one_minus_log").when(optimizer="sgd"),
        warmup=Int(1, 5).when("nesterov == True or optimizer == 'lion'"),
    ),
    "constrained": Space(first=Int(1, 99), second=Int(1, 99), rate=Float(0, 1)).where("second <= first"),
    "zero or log": Space(decay=Float(1e-6, 1e-2, scale="zero_or_log"), lr=Float(1e-4, 1, scale="log")),
    "one minus log": Space(momentum=Float(0.5, 0.9999, scale="one_minus_log")),
    "stepped": Space(
        units=Int(32, 512, step=32), rate=Float(0, 1, step=0.01), batch=Int(16, 4096, scale="log", step=2)
    ),
    "finite": Space(units=Int(1, 10), depth=Int(1, 3), activation=Choice("relu", "tanh", "gelu")),
    "finite with conditions": Space(
        depth=Int(1, 4),
        skip=Choice(True, False).when("depth > 1"),
        every=Int(1, 3).when(skip=True),
    ),
    "finite with constraint": Space(first=Int(1, 12), second=Int(1, 12)).where("second <= first"),
    "named choices": Space(schedule=Choice({"short": range(3), "long": range(300)}), size=Choice([[8], [8, 16]])),
}
ENDLESS = 5000  # epochs; a study that should end and does not is to fail, not to hang
FOLDERS = tempfile.TemporaryDirectory(prefix="welltempered-tests-")
atexit.register(FOLDERS.cleanup)

FINITE = {name: space for name, space in SPACES.items() if space.size < 1000}


def chance(*what):
    """Return a number in [0, 1) that depends on nothing but `what`: the same on every machine."""
    return crc32(msgspec.json.encode(what, order="sorted")) / 2**32


def calm(params, epoch):
    """Return learning curves that cross each other."""
    return {"loss": round(chance(params, "last") + chance(params, "first") / epoch, 9), "epoch": epoch}


def curve(params, epoch):
    """Return the same, but for one in ten, which ends in NaN."""
    if epoch > 2 and chance(params, "diverges") < 0.1:
        return {"loss": float("nan"), "epoch": epoch}
    return calm(params, epoch)


def uneven(params):
    """Return seconds per epoch, 0.5 to 1.5, so that leases end in another order than they begin."""
    return round(0.5 + chance(params, "seconds"), 3)


def header_of(space, method, *, epochs=9, seed=0, resumable=True):
    """Return the header of a study that minimizes `loss`, without the date and the version of today."""
    experiment = Experiment(curve, space, minimize="loss", epochs=epochs, method=method, seed=seed, resumable=resumable)
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


@dataclass(frozen=True)
class Mishap:
    """What befalls a lease at the end of `epoch`: the trial fails, or its worker dies and the lease is lost."""

    epoch: int
    fails: bool
    reports: bool = False  # whether the epoch itself is still reported


class Mishaps:
    """An executor that hands leases on to a simulator, and spoils those for which `fate` returns a `Mishap`."""

    def __init__(self, simulator, fate):
        self.slots, self.clock = simulator.slots, simulator.clock
        self.cut, self.close, self.device = simulator.cut, simulator.close, simulator.device
        self._simulator = simulator
        self._fate = fate
        self._ahead = {}  # trial -> what will befall it

    def assign(self, slot, lease):
        mishap = self._fate(lease)
        if mishap is not None and lease.trial.epoch < mishap.epoch <= lease.stop:
            self._ahead[lease.trial.id] = mishap
            lease = replace(lease, stop=mishap.epoch)
        self._simulator.assign(slot, lease)

    def poll(self, timeout):
        report, *cut = self._simulator.poll(timeout)
        trial = report.trial
        mishap = self._ahead.get(trial)
        if mishap is None or report.epoch != mishap.epoch:
            return (report, *cut)
        del self._ahead[trial]
        end = (
            Ended(trial, "failed", "RuntimeError: out of luck")
            if mishap.fails
            else Lost(trial, WORKER_LOST, "worker died")
        )
        return (report, end) if cut and mishap.reports else (end,)


def bad_luck(seed, *, share=0.3):
    """Return a fate that spoils this share of the leases at random, half of them for good.

    It spares the first trial: a study in which nothing has ever worked is given up after three failures.
    """
    rng = random.Random(seed)

    def fate(lease):
        if lease.trial.id == 0 or rng.random() >= share:
            return None
        epoch = rng.randint(lease.trial.epoch + 1, lease.stop)
        return Mishap(epoch, fails=rng.random() < 0.5, reports=rng.random() < 0.5)

    return fate


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
