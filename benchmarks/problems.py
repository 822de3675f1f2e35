"""Tuning problems whose answers are known beforehand: a surrogate of learning curves, and tables of final values."""

import importlib
import importlib.util
import json
import math
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import welltempered as wt

Params = dict[str, Any]
FIRST = 2
"""Epoch of the surrogate that counts as the first: at 1 a net is untrained, and 52 is a copy of 51."""


@dataclass(frozen=True)
class Problem:
    """What is tuned.

    Attributes:
        name: family and task.
        space: what is searched.
        epochs: of a full training.
        loss: of params after an epoch, as one study sees it; the last argument is the study's seed.
        truth: loss of params after a full training, without noise.
        best: the lowest truth in its table.
        middle: the truth of the median point of its table.
    """

    name: str
    space: wt.Space
    epochs: int
    loss: Callable[[Params, int, int], float]
    truth: Callable[[Params], float]
    best: float
    middle: float


def lcbench(data: Path) -> list[Problem]:
    """MLPs on tables (LCBench), by YAHPO Gym's surrogate; the loss is the validation cross-entropy."""
    folder = data / "yahpo-lcbench"
    codes = json.loads((folder / "encoding.json").read_text())["OpenML_task_id"]
    session = surrogate(folder)
    table = np.load(folder / "tabulated-1000x52.npz")
    space = lcbench_space()
    tasks = [str(task) for task in table["instances"]]
    problems = []
    for task in tasks:
        curve = partial(_curve, session, codes[task], {})
        final = table["val_cross_entropy"][tasks.index(task), :, 50]
        problems.append(
            Problem(
                f"lcbench {task}",
                space,
                50,
                lambda params, epoch, seed, curve=curve: curve(params)[epoch - 1],  # noqa: ARG005 - it has no noise
                lambda params, curve=curve: curve(params)[-1],
                float(final.min()),
                float(np.median(final)),
            )
        )
    return problems


def lcbench_space() -> wt.Space:
    """What LCBench searches, with momentum on the scale on which it acts."""
    return wt.Space(
        batch_size=wt.Int(16, 512, scale="log"),
        learning_rate=wt.Float(1e-4, 1e-1, scale="log"),
        momentum=wt.Float(0.1, 0.99, scale="one_minus_log"),
        weight_decay=wt.Float(1e-5, 1e-1, scale="log"),
        num_layers=wt.Int(1, 5),
        max_units=wt.Int(64, 1024, scale="log"),
        max_dropout=wt.Float(0, 1),
    )


def surrogate(folder: Path) -> Any:
    """YAHPO Gym's net, as a session with one thread."""
    onnxruntime = _onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])


def _onnxruntime() -> Any:
    """The runtime of the surrogate; no package of the project needs it, so it is put into a folder of its own."""
    folder = Path(__file__).parent / ".peers" / "onnxruntime"
    if importlib.util.find_spec("onnxruntime") is None:
        if not folder.exists():
            pins = Path(__file__).parent / "pins" / "onnxruntime.txt"
            command = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(folder), "-r", str(pins)]
            subprocess.run(command, check=True, stdout=sys.stderr)
        sys.path.append(str(folder))
    return importlib.import_module("onnxruntime")


def _curve(session: Any, code: int, known: dict[tuple[Any, ...], list[float]], params: Params) -> list[float]:
    """The cross-entropy after each of 50 epochs."""
    names = ("batch_size", "learning_rate", "momentum", "weight_decay", "num_layers", "max_units", "max_dropout")
    point = tuple(params[name] for name in names)
    if point not in known:
        x = np.array([[epoch, *point] for epoch in range(FIRST, FIRST + 50)], np.float32)
        y = session.run(None, {"x_cat": np.full((50, 1), code, np.int32), "x_cont": x})[0]
        known[point] = y[:, 2].tolist()
    return known[point]


def fcnet(data: Path) -> list[Problem]:
    """MLPs of two layers for regression (FCNet): a full grid, four seeds; the loss is the log of the squared error."""
    folder = data / "fcnet"
    values = json.loads((folder / "space.json").read_text())
    files = sorted(folder.glob("*.npz"))
    return [_table(f"fcnet {file.stem}", values, np.log10(np.load(file)["valid_mse"])) for file in files]


def hpobench(data: Path) -> list[Problem]:
    """MLPs on tables (HPOBench): a full grid, five seeds; the loss is one minus the balanced accuracy."""
    folder = data / "hpobench-mlp"
    values = json.loads((folder / "space.json").read_text())
    return [_table(f"hpobench {f.stem}", values, 1 - np.load(f)["bal_acc"]) for f in sorted(folder.glob("*.npz"))]


def _table(name: str, values: Mapping[str, list[Any]], losses: np.ndarray) -> Problem:
    """A grid of which each point was trained with a few seeds; a study sees one of them, and is judged by their mean.

    Numbers are searched by their rank, since the grids are neither linear nor geometric; texts are choices.
    """
    space = wt.Space(
        {
            key: wt.Choice(*some) if isinstance(some[0], str) else wt.Int(0, len(some) - 1)
            for key, some in values.items()
        }
    )
    means = losses.mean(axis=1)

    def row(params: Params) -> int:
        place = 0
        for key, some in values.items():
            place = place * len(some) + (some.index(params[key]) if isinstance(some[0], str) else params[key])
        return place

    def loss(params: Params, epoch: int, seed: int) -> float:  # noqa: ARG001 - there are final values only
        found = float(losses[row(params), seed % losses.shape[1]])
        return found if math.isfinite(found) else math.inf

    return Problem(
        name, space, 1, loss, lambda params: float(means[row(params)]), float(means.min()), float(np.median(means))
    )
