"""Training code that tests share, light enough for a worker process to import it at once; and how to run programs."""

import math
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import welltempered as wt

SPACE = wt.Space(x=wt.Float(0, 1))
RANDOM = wt.Random()
FULL = wt.Full(RANDOM)
EVERY_EPOCH = wt.Limits(saving=math.inf)
"""Limits under which a checkpoint follows every epoch, however short."""
SECONDS = 60
"""Patience with a program that should be over soon, on a busy machine."""


def steady(run, seconds=0.0):
    """Train for no time at all, in a way that shows at once if state or seeds were lost."""
    state = {"total": 0.0, "epochs": 0}
    run.keep(state=(lambda: dict(state), state.update))
    for epoch in run:
        time.sleep(seconds)
        state["epochs"] += 1
        assert state["epochs"] == epoch
        state["total"] = state["total"] / 2 + random.random()
        run.report(loss=run.params["x"] + state["total"])


def slow(run):
    """Train as `steady`, at twenty epochs per second."""
    steady(run, 0.05)


def broken(run):
    """Train like people who have mistyped something."""
    for _ in run:
        raise ZeroDivisionError("the net has no layers")


@dataclass(frozen=True)
class Pieces:
    """A scheduler that trains each trial in pieces: one trial after the other, or all to the end of a piece first."""

    searcher: wt.Random | wt.Grid = RANDOM
    first: int = 3
    trials: int = 2
    together: bool = False

    def next(self, history, held):
        """Continue whoever is due, else start another trial."""
        due = [trial for trial in history.trials if not trial.running and trial.ended is None]
        unfinished = [trial for trial in due if trial.epoch < history.epochs]
        full = len(history.trials) == self.trials
        if unfinished and (full or not self.together):
            return wt.Resume(unfinished[0].id, history.epochs)
        return wt.Wait() if full else wt.Start(self.searcher.suggest(history), self.first)

    def keeps(self, history):
        """All that are not fully trained."""
        return [trial.id for trial in history.trials if trial.epoch < history.epochs]


def experiment(train=steady, **settings):
    """Return an experiment that minimizes `loss` over nine epochs."""
    return wt.Experiment(train, **{"space": SPACE, "minimize": "loss", "epochs": 9} | settings)


def tune(train=steady, **settings):
    """Tune without a word: by default one full training in this process."""
    defaults = {"space": SPACE, "minimize": "loss", "epochs": 9, "budget": "1 trials", "method": FULL, "workers": 0}
    return wt.tune(train, **defaults | {"progress": False} | settings)


def reports(study):
    """Return what every trial reported, without how long it took."""
    return [[report.metrics for report in trial.reports] for trial in study.trials]


def leases(study):
    """Return (params, epoch, state) of every trial."""
    return [(trial.params, trial.epoch, trial.state) for trial in study.trials]


def kinds(study, kind):
    """Return the study's events of a kind."""
    return [event for event in study.history.events if isinstance(event, kind)]


def environment(**more):
    """Return the environment for a program that imports what we can import."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **more}


def program(folder, text, *arguments, name="program.py", shared=False):
    """Start a Python program of which this is the text; lines that it prints can be read from `stdout`.

    It ends with the test that started it at the latest, unless it is shared by several.
    """
    file = Path(folder) / name
    file.write_text(textwrap.dedent(text), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(file), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment(),
        start_new_session=True,
    )
    if not shared:
        _started.append(process)
    return process


_started = []


def end_programs():
    """End what is left of the programs of a test."""
    while _started:
        end(_started.pop())


def output(process, *, code=0):
    """Wait for a program and return what it printed."""
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        print(*process.communicate())
        raise
    assert process.returncode == code, err
    return out


def end(process):
    """Kill a program as the system would, and take note of its death."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def interrupt(process):
    """Press Ctrl-C in the terminal of a program: everything that runs in it is told."""
    os.killpg(process.pid, signal.SIGINT)


def eventually(condition, seconds=SECONDS):
    """Wait until a condition holds, and return what it returned."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)
    return found


def children(pid):
    """Return the processes whose parent is this one, as pid -> state; Linux only."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # gone meanwhile
        if int(parent) == pid:
            found[int(stat.parent.name)] = state
    return found


def alive(pid):
    """Say whether a process runs; one that is dead and waits for its parent does not. Linux only."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def spent(folder):
    """Return the epochs that a study has trained so far, which may be running or not even made yet."""
    try:
        with wt.Study.open(folder, readonly=True) as study:
            return study.history.spent
    except wt.WelltemperedError:
        return 0


def same(one, other):
    """Whether two states are equal bit for bit, types included; NaN equals NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    raw_one, raw_other = map(_raw, (one, other))
    return raw_one == raw_other


def _raw(value):
    if hasattr(value, "numpy"):  # a tensor
        return (str(value.dtype), *_raw(value.numpy()))
    return (value.dtype, value.shape, value.tobytes()) if hasattr(value, "tobytes") else value
