"""The same measurements of Optuna, in its own environment and set up as its documentation advises.

Distributions are made once and handed to `Study.ask`, which is its faster way; logging is at WARNING; studies have a
name, without which Hyperband is not reproducible.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import optuna  # type: ignore[import-not-found]  # it lives in an environment of its own
import sqlalchemy

from benchmarks.task import CHOICES, EPOCHS, ETA, FLOATS, INTS, loss
from benchmarks.timing import Result, import_time, seconds_of, serve, slowest_of, step_times

DISTRIBUTIONS = {
    **{name: optuna.distributions.FloatDistribution(low, high, log=True) for name, (low, high) in FLOATS.items()},
    **{name: optuna.distributions.IntDistribution(low, high) for name, (low, high) in INTS.items()},
    **{name: optuna.distributions.CategoricalDistribution(options) for name, options in CHOICES.items()},
}
NAME = "engine"


def ask_tell(*, sampler: str, storage: str, folder: str, trials: int, cap: float) -> Result:
    """Ask for a trial and tell its value."""
    first = slowest_of(partial(_step, _study(sampler, _storage(storage, _new(folder)))))
    result = step_times(partial(_step, _study(sampler, _storage(storage, _new(folder)))), trials, cap)
    return Result([{**result.repetitions[0], "first": first}], result.facts)


def _step(study: Any) -> None:
    trial = study.ask(DISTRIBUTIONS)
    study.tell(trial, loss(trial.params, 1))


def reopen(*, storage: str, folder: str, trials: int, repeats: int) -> Result:
    """Open a study on disk and look at each of its trials; the value is in ms."""
    path = _new(folder)
    study = _study("random", _storage(storage, path))
    for _ in range(trials):
        if storage == "journal":
            _step(study)
        else:  # the same rows in the tables, at a tenth of the time
            study.add_trial(_finished())

    def look() -> None:
        list(optuna.load_study(study_name=NAME, storage=_storage(storage, path)).trials)

    look()
    return Result([{"wall": 1e3 * seconds_of(look)} for _ in range(repeats)], {"trials": trials})


def _finished() -> Any:
    source = optuna.create_study(sampler=optuna.samplers.RandomSampler())
    trial = source.ask(DISTRIBUTIONS)
    return optuna.trial.create_trial(params=trial.params, distributions=DISTRIBUTIONS, value=loss(trial.params, 1))


def hyperband(*, storage: str, folder: str, trials: int, repeats: int) -> Result:
    """A whole study on known curves; values in seconds, and ms per epoch."""
    repetitions = []
    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=EPOCHS, reduction_factor=ETA)
    _study("random", _storage(storage, _new(folder)), pruner).optimize(_Objective(), n_trials=20)
    for _ in range(repeats):
        study = _study("random", _storage(storage, _new(folder)), pruner)
        objective = _Objective()
        wall = seconds_of(partial(study.optimize, objective, n_trials=trials))
        repetitions.append({"wall": wall, "per_epoch": 1e3 * wall / objective.epochs, "epochs": objective.epochs})
    return Result(repetitions, {"trials": trials})


class _Objective:
    """Training as Optuna's users write it; counts its epochs."""

    def __init__(self) -> None:
        self.epochs = 0

    def __call__(self, trial: Any) -> float:
        params = {name: trial.suggest_float(name, low, high, log=True) for name, (low, high) in FLOATS.items()}
        params |= {name: trial.suggest_int(name, low, high) for name, (low, high) in INTS.items()}
        params |= {name: trial.suggest_categorical(name, options) for name, options in CHOICES.items()}
        value = 0.0
        for epoch in range(1, EPOCHS + 1):
            self.epochs += 1
            value = loss(params, epoch)
            trial.report(value, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return value


def _study(sampler: str, storage: Any, pruner: Any = None) -> Any:
    samplers = {
        "random": partial(optuna.samplers.RandomSampler, seed=0),
        # Choices are drawn at random, which it says again and again unless told not to.
        "qmc": partial(
            optuna.samplers.QMCSampler,
            qmc_type="sobol",
            scramble=True,
            seed=0,
            warn_independent_sampling=False,
            warn_asynchronous_seeding=False,
        ),
    }
    # A pruner costs something even where nothing is reported, so only Hyperband's study has one.
    pruner = optuna.pruners.NopPruner() if pruner is None else pruner
    return optuna.create_study(study_name=NAME, storage=storage, sampler=samplers[sampler](), pruner=pruner)


def _storage(kind: str, path: Path) -> Any:
    if kind == "memory":
        return None
    if kind == "journal":
        return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path / "journal.log")))
    storage = optuna.storages.RDBStorage(f"sqlite:///{path / 'study.db'}")
    if kind == "sqlite-wal":
        # Nothing of Optuna's documentation: the settings of our own log, so that both wait for the disk alike.
        sqlalchemy.event.listen(storage.engine, "connect", _like_ours)
        storage.engine.dispose()
    return storage


def _like_ours(connection: Any, _: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _new(folder: str) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))


def versions() -> Result:
    """What is installed here."""
    return Result([], {package.name: package.version for package in distributions()})


JOBS: dict[str, Callable[..., Result]] = {
    "ask_tell": ask_tell,
    "hyperband": hyperband,
    "reopen": reopen,
    "import": partial(import_time, "optuna"),
    "versions": versions,
}

if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    serve(JOBS)
