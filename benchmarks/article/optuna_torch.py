"""The example in Optuna: TPE with Hyperband around a plain PyTorch loop; runs in Optuna's environment.

In one process the study is in memory, which is the fastest. With a number on the command line as Optuna's page on
parallel studies has it: a process per core, with one thread each, on a journal.
"""

import subprocess
import sys
from typing import Any

import optuna
import torch

from benchmarks.article.task import EPOCHS, FACTOR, RATES, UNITS, Given, Meter, load, serve
from benchmarks.article.torch_net import Parts, tensors, train


def objective(trial: Any, parts: Parts, given: Given, meter: Meter) -> float:
    """Train a trial; it is pruned where the pruner says so, and cut where the epochs are used up."""
    low, high, step = UNITS
    params = {
        "units": trial.suggest_int("units", low, high, step=step),
        "lr": trial.suggest_float("lr", *RATES, log=True),
    }
    best = 0.0
    for epoch, accuracy, seconds in train(params, parts, 1_000 * given.seed + trial.number):
        meter.epoch(trial.number, epoch, accuracy, seconds)
        best = max(best, accuracy)
        trial.report(accuracy, epoch)
        if meter.full:
            trial.study.stop()
            break
        if trial.should_prune():
            raise optuna.TrialPruned
    return best


def study_of(given: Given, storage: Any = None, part: int = 0) -> Any:
    """The study, with the name that Hyperband needs to be reproducible."""
    return optuna.create_study(
        study_name=f"article-{given.seed}",
        direction="maximize",
        storage=storage,
        load_if_exists=True,
        sampler=optuna.samplers.TPESampler(seed=100 * given.seed + part),
        pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=EPOCHS, reduction_factor=FACTOR),
    )


def search(given: Given, meter: Meter) -> dict[str, Any]:
    """In this process, or in as many as there are cores."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    several = len(sys.argv) > 2
    storage = None
    if several:
        torch.set_num_threads(1)
        journal = optuna.storages.journal.JournalFileBackend(str(given.folder / "journal.log"))
        storage = optuna.storages.JournalStorage(journal)
    part = int(sys.argv[2]) if several else 0
    study = study_of(given, storage, part)
    others = []
    if several and part == 0:
        command = [sys.executable, "-m", "benchmarks.article.optuna_torch", given.text]
        others = [subprocess.Popen([*command, str(number)]) for number in range(1, given.cores)]
    parts = tensors(load(given.data))
    meter.mark("loaded")
    study.optimize(lambda trial: objective(trial, parts, given, meter))
    for other in others:
        other.wait()
    return {"threads": torch.get_num_threads(), "best": study.best_value, "params": study.best_params}


if __name__ == "__main__":
    serve(search)
