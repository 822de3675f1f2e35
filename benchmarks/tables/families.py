"""The families of tasks, read from a folder laid out like the public data; what is missing is left out."""

import csv
import gzip
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

import welltempered as wt
from benchmarks.problems import FIRST, Problem, fcnet, hpobench, lcbench_space, surrogate
from benchmarks.tables.optimum import optimum
from benchmarks.tables.rows import Rows
from benchmarks.tables.task import Params, Task

_ACCURACY = 1
"""Column of the surrogate's output."""
_PIECES = 20
"""Into how many pieces runs are cut whose length is itself a hyperparameter."""


@lru_cache(maxsize=4)
def tasks(data: Path, family: str) -> tuple[Task, ...]:
    """The tasks of a family by name, every second one to choose methods on; none if there are no data of it."""
    found = sorted(FAMILIES[family](data), key=lambda task: task.name)
    return tuple(replace(task, split="judged" if i % 2 else "design") for i, task in enumerate(found))


# ---------------------------------------------------------------------- LCBench


def _lcbench(data: Path) -> Iterator[Task]:
    """Nets on tables, by YAHPO Gym's surrogate; its epochs 2 .. 51 count, and the loss is 100 - validation accuracy."""
    folder = data / "yahpo-lcbench"
    if not folder.is_dir():
        return
    codes = json.loads((folder / "encoding.json").read_text())["OpenML_task_id"]
    session = surrogate(folder)
    digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    table = np.load(folder / "tabulated-1000x52.npz")
    space = _yahpo_space(folder, table["hp_names"].tolist())
    for name, accuracy in zip(table["instances"].tolist(), table["val_accuracy"], strict=True):
        evaluate = partial(_error, session, codes[name])
        best = optimum(lcbench_space(), evaluate, digest, name)
        middle = 100 - float(np.median(accuracy[:, FIRST + 48]))
        yield Task("yahpo-lcbench", name, space, 50, partial(_curve, evaluate, space.names), best, middle)


def _yahpo_space(folder: Path, names: Sequence[str]) -> wt.Space:
    """The space as YAHPO Gym declares it and its table was drawn from: momentum and weight decay on a linear scale."""
    kinds = {"uniform_int": wt.Int, "uniform_float": wt.Float}
    declared = json.loads((folder / "config_space.json").read_text())["hyperparameters"]
    found = {
        one["name"]: kinds[one["type"]](one["lower"], one["upper"], scale="log" if one["log"] else "linear")
        for one in declared
        if one["type"] in kinds
    }
    return wt.Space({name: found[name] for name in names})


def _error(session: Any, code: int, x: np.ndarray) -> np.ndarray:
    """100 - accuracy at rows of the surrogate's epoch and params."""
    y = session.run(None, {"x_cat": np.full((len(x), 1), code, np.int32), "x_cont": x.astype(np.float32)})[0]
    return 100 - np.asarray(y[:, _ACCURACY], float)


def _curve(
    evaluate: Callable[[np.ndarray], np.ndarray],
    names: Sequence[str],
    params: Params,
    seed: int,  # noqa: ARG001 - it has no noise
) -> list[float]:
    point = [params[name] for name in names]
    found: list[float] = evaluate(np.array([[epoch, *point] for epoch in range(FIRST, FIRST + 50)])).tolist()
    return found


def _lcbench_table(data: Path) -> Iterator[Task]:
    """The same surrogate at 1,000 points."""
    folder = data / "yahpo-lcbench"
    if not folder.is_dir():
        return
    table = np.load(folder / "tabulated-1000x52.npz")
    names = table["hp_names"].tolist()
    rows = Rows.of(_yahpo_space(folder, names), dict(zip(names, table["hp"].T.astype(float), strict=True)))
    for name, accuracy in zip(table["instances"].tolist(), table["val_accuracy"].astype(float), strict=True):
        yield _known(("yahpo-lcbench-table", name), rows, 100 - accuracy[:, FIRST - 1 : FIRST + 49])


# ---------------------------------------------------------------------- tables of configurations


def _taskset(data: Path) -> Iterator[Task]:
    """Recurrent nets with Adam: real curves of 50 validation losses, some of which diverge."""
    for path in sorted((data / "taskset").glob("*.npz")):
        table = np.load(path)
        rows = Rows.found(dict(zip(table["hp_names"].tolist(), table["hp"].T, strict=True)))
        yield _known(("taskset", path.stem), rows, table["valid_loss"][:, 1:].astype(float))  # 0 is before training


def _opda(data: Path) -> Iterator[Task]:
    """Large nets, whose length of training is searched, too: an epoch is a twentieth of a run, whatever its length."""
    for path in sorted((data / "opda").glob("*.npz")):
        table = np.load(path)
        columns = dict(zip(table["hp_names"].tolist(), table["hp"].T, strict=True))
        if "top_1" in table:
            ends, accuracy = columns["epochs"], table["top_1"]
            moments = np.broadcast_to(np.arange(1.0, 1 + accuracy.shape[1]), accuracy.shape)
            columns["lr_peak"] = columns.pop("lr_peak_epoch") / ends
        else:
            ends, accuracy = columns.pop("total_model_steps"), table["acc_matched"]
            moments = np.where(table["step"] > 0, table["step"], np.inf)
            columns["warmup"] = columns.pop("warmup_steps") / ends
        losses = [_pieces(*run) for run in zip(moments, ends, 1 - accuracy.astype(float), strict=True)]
        yield _known(("opda", path.stem), Rows.found(columns), np.stack(losses))


def _pieces(moments: np.ndarray, end: float, losses: np.ndarray) -> np.ndarray:
    """What the first measurement at or after the end of each piece of a run says."""
    places = np.searchsorted(moments, end * np.arange(1, _PIECES + 1) / _PIECES - 1e-6)
    return np.asarray(losses[np.minimum(places, len(losses) - 1)])


def _finals(family: str, metric: str, data: Path) -> Iterator[Task]:
    """Final scores of configurations, in a table of text whose columns `hp_` are the hyperparameters."""
    for path in sorted((data / family).glob("*.csv.gz")):
        with gzip.open(path, "rt") as file:
            lines = list(csv.DictReader(file))
        names = [name for name in lines[0] if name.startswith("hp_")]
        columns = {name.removeprefix("hp_"): np.array([float(line[name]) for line in lines]) for name in names}
        losses = np.array([[float(line[metric])] for line in lines])
        yield _known((family, path.name.removesuffix(".csv.gz")), Rows.found(columns), losses)


def _known(name: tuple[str, str], rows: Rows, losses: np.ndarray) -> Task:
    """A task of which some configurations are known; `losses` by row and epoch, not finite where it has diverged."""
    losses = np.where(np.logical_and.accumulate(np.isfinite(losses), axis=1), losses, math.inf)
    finals = losses[:, -1]
    middle = float(np.median(finals[np.isfinite(finals)]))
    return Task(*name, rows.space, losses.shape[1], partial(_row, rows, losses), float(losses.min()), middle)


def _row(rows: Rows, losses: np.ndarray, params: Params, seed: int) -> list[float]:  # noqa: ARG001 - there is one run
    found: list[float] = losses[rows.nearest(params)].tolist()
    return found


# ---------------------------------------------------------------------- full grids with several seeds


def _grids(family: str, make: Callable[[Path], list[Problem]], data: Path) -> Iterator[Task]:
    for problem in make(data) if (data / family).is_dir() else ():
        losses = partial(_seen, problem)
        name = problem.name.partition(" ")[2]
        yield Task(family, name, problem.space, 1, losses, problem.best, problem.middle, problem.truth)


def _seen(problem: Problem, params: Params, seed: int) -> list[float]:
    return [problem.loss(params, 1, seed)]


def _nasbench(data: Path) -> Iterator[Task]:
    """Cells of NAS-Bench-201: six choices of five operations; final accuracies of up to three seeds."""
    for path in sorted((data / "nasbench201-final").glob("*.npz")):
        table = np.load(path)
        operations = table["ops"].tolist()
        space = wt.Space({f"edge{i}": wt.Choice(*operations) for i in range(table["arch"].shape[1])})
        rows = {tuple(operations[o] for o in cell): i for i, cell in enumerate(table["arch"].tolist())}
        errors = 100 - table["valid_acc"].astype(float)
        means = np.nanmean(errors, axis=1)
        losses, truth = partial(_cell, rows, errors), partial(_cell_mean, rows, means)
        best, middle = float(means.min()), float(np.median(means))
        yield Task("nasbench201-final", path.stem, space, 1, losses, best, middle, truth)


def _cell(rows: Mapping[tuple[str, ...], int], errors: np.ndarray, params: Params, seed: int) -> list[float]:
    known = errors[rows[tuple(params.values())]]
    known = known[np.isfinite(known)]
    return [float(known[seed % len(known)])]


def _cell_mean(rows: Mapping[tuple[str, ...], int], means: np.ndarray, params: Params) -> float:
    return float(means[rows[tuple(params.values())]])


FAMILIES: dict[str, Callable[[Path], Iterator[Task]]] = {
    "yahpo-lcbench": _lcbench,
    "yahpo-lcbench-table": _lcbench_table,
    "taskset": _taskset,
    "opda": _opda,
    "fcnet": partial(_grids, "fcnet", fcnet),
    "hpobench-mlp": partial(_grids, "hpobench-mlp", hpobench),
    "nasbench201-final": _nasbench,
    "deepar": partial(_finals, "deepar", "metric_CRPS"),
    "xgboost-svmlib": partial(_finals, "xgboost-svmlib", "metric_error"),
}
"""Readers of the families, by name."""
