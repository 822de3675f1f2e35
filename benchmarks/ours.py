"""The measurements of welltempered; each runs in a process of its own, started by benchmarks/engine.py."""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import welltempered as wt
from benchmarks.task import CHOICES, EPOCHS, ETA, FLOATS, INTS, loss
from benchmarks.timing import Result, import_time, seconds_of, serve, slowest_of, step_times

SPACE = wt.Space(
    {
        **{name: wt.Float(low, high, scale="log") for name, (low, high) in FLOATS.items()},
        **{name: wt.Int(low, high) for name, (low, high) in INTS.items()},
        **{name: wt.Choice(*options) for name, options in CHOICES.items()},
    }
)

METHODS: dict[str, tuple[wt.Scheduler, int]] = {
    "random": (wt.Full(wt.Random()), 1),
    "sobol": (wt.Full(wt.Sobol()), 1),
    "grid": (wt.Full(wt.Grid(points=4, limit=10**6)), 1),  # 4**7 · 3**3 = 442,368 points
    "halving": (wt.Halving(wt.Random(), eta=ETA), EPOCHS),
    "hyperband": (wt.Hyperband(wt.Random(), eta=ETA), EPOCHS),
}
"""Schedulers, each with the epochs of a full training."""


def ask_tell(*, method: str, folder: str | None, trials: int, cap: float) -> Result:
    """Ask for a lease and tell what its epochs reached; a step is one lease, which is a trial where none is stopped."""
    warm_up = _study(method, folder)
    first = slowest_of(partial(_step, warm_up))
    warm_up.close()
    study = _study(method, folder)
    result = step_times(partial(_step, study), trials, cap)
    events = len(study.history.events)
    study.close()
    values = result.repetitions[0]
    values |= {"first": first, "per_event": values["mean"] * result.facts["steps"] / events}
    return Result([values], {**result.facts, "events": events})


def _step(study: wt.Study) -> None:
    trial = study.ask()
    while trial is not None and trial.running:
        trial = study.tell(trial, loss=loss(trial.params, trial.epoch + 1))


def reopen(*, folder: str, trials: int, repeats: int) -> Result:
    """Open a study on disk and look at each of its trials; the value is in ms."""
    study = _study("random", folder)
    for _ in range(trials):
        _step(study)
    study.close()

    def look() -> None:
        with wt.Study.open(study.path) as found:
            list(found.trials)

    look()
    return Result([{"wall": 1e3 * seconds_of(look)} for _ in range(repeats)], {"trials": trials})


def hyperband(*, folder: str | None, trials: int, repeats: int) -> Result:
    """A whole study on known curves, one slot; values in seconds, and ms per epoch."""
    repetitions = []
    _simulated("hyperband", folder, wt.Budget(trials=20)).close()
    for _ in range(repeats):
        study = _study("hyperband", folder)
        wall = seconds_of(partial(study.drive, wt.Simulator(_curve), budget=wt.Budget(trials=trials)))
        epochs = study.history.spent
        repetitions.append({"wall": wall, "per_epoch": 1e3 * wall / epochs, "epochs": epochs})
        study.close()
    return Result(repetitions, {"trials": trials})


def replay(*, method: str, folder: str, events: int, repeats: int) -> Result:
    """Open a study with a log of so many events, and derive its decisions again; values are events per second."""
    header, log = _log_of(method, events)
    path = Path(folder, "replayed")
    path.mkdir()
    database = wt.Sql(path / "study.db")
    database.append(0, [header, *log])
    repetitions = []
    for _ in range(repeats):
        study = wt.Study.open(path)  # a stranger to it: replays as a new process would
        actions: dict[str, Callable[[], object]] = {
            "open": lambda: wt.Study.open(path).close(),
            "read": partial(database.read, 1),
            "fold": partial(_fold, study, log),
            "verify": partial(_verify, study),
        }
        repetitions.append({name: events / seconds_of(action) for name, action in actions.items()})
        study.close()
    database.close()
    decisions = sum(isinstance(event, wt.Started | wt.Resumed) for event in log)
    return Result(repetitions, {"events": events, "decisions": decisions})


def _fold(study: wt.Study, log: list[wt.Event]) -> None:
    history = wt.History(study.header, study.space)
    for event in log:
        history.apply(event)


def _verify(study: wt.Study) -> None:
    found = study.replay(verify=True)
    if found.differences:
        raise RuntimeError(f"replay must find no differences, found {found.differences[0]}")


def _log_of(method: str, events: int) -> tuple[wt.Header, list[wt.Event]]:
    """The first events of a study on known curves."""
    epochs = events if METHODS[method][1] > 1 else events // 2 + 1
    study = _simulated(method, None, wt.Budget(epochs=epochs))
    log = study.history.events[:events]
    study.close()
    return study.header, log


def processes(*, folder: str | None, epochs: int, leases: int) -> Result:
    """What one worker process adds to training that costs nothing; values in ms, `startup` in seconds.

    `epoch` is the mean over one lease of many epochs, `lease` what a lease of one epoch takes beyond that; a lease ends
    with a checkpoint of an empty `run.keep()`. The first lease, which waits for the worker to start, is left out.
    """
    long, short = _timed(folder, epochs, 3), _timed(folder, 1, leases)
    starts, reports = zip(*[_moments(long, trial) for trial in range(3)], strict=True)
    per_epoch = min((moments[-1] - moments[0]) / (len(moments) - 1) for moments in reports)
    begins = [_moments(short, trial)[0] for trial in range(leases)]
    whole = (begins[-1] - begins[1]) / (leases - 2)
    values = {"epoch": 1e3 * per_epoch, "lease": 1e3 * (whole - per_epoch), "startup": reports[0][0] - starts[0]}
    return Result([values], {"epochs": epochs, "leases": leases})


def _timed(folder: str | None, epochs: int, trials: int) -> list[tuple[float, wt.Event]]:
    """The events of a study with one worker, each with the moment after it was written."""
    moments: list[tuple[float, wt.Event]] = []
    experiment = wt.Experiment(_train, SPACE, minimize="loss", epochs=epochs, method=wt.Full(wt.Random()))
    with wt.Study.create(experiment, _new(folder)) as study:

        def watch(event: wt.Event) -> None:
            moments.append((time.perf_counter(), event))

        study.run(_train, budget=wt.Budget(trials=trials), workers=1, watch=watch)
    return moments


def _moments(events: list[tuple[float, wt.Event]], trial: int) -> tuple[float, list[float]]:
    """When a trial was started, and when its reports came."""
    own = [(moment, event) for moment, event in events if event.trial == trial]
    return own[0][0], [moment for moment, event in own if isinstance(event, wt.Reported)]


def _train(run: wt.Run) -> None:
    run.keep()
    for _ in run:
        run.report(loss=1.0)


def _study(method: str, folder: str | None) -> wt.Study:
    scheduler, epochs = METHODS[method]
    return wt.Study.create(wt.Experiment(_train, SPACE, minimize="loss", epochs=epochs, method=scheduler), _new(folder))


def _new(folder: str | None) -> str | None:
    return None if folder is None else tempfile.mkdtemp(dir=folder)


def _simulated(method: str, folder: str | None, budget: wt.Budget) -> wt.Study:
    return _study(method, folder).drive(wt.Simulator(_curve), budget=budget)


def _curve(params: dict[str, Any], epoch: int) -> dict[str, float | None]:
    return {"loss": loss(params, epoch)}


JOBS: dict[str, Callable[..., Result]] = {
    "ask_tell": ask_tell,
    "hyperband": hyperband,
    "reopen": reopen,
    "replay": replay,
    "processes": processes,
    "import": partial(import_time, "welltempered"),
}

if __name__ == "__main__":
    serve(JOBS)
