"""Does the horizon of a learning-rate schedule mislead at low fidelity? `python -m benchmarks.horizon --json FILE`.

The same configurations are trained with a cosine over the full training and read off early, and with a cosine over a
short lease alone; which early ranking agrees better with the final one? README.md says how it is measured.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr
from torch import Tensor, nn

import welltempered as wt
from benchmarks.machine import circumstances, noise
from welltempered.demo.data import DIGITS, FASHION_MNIST, FOLDER_VARIABLE, load
from welltempered.frameworks.torch import Annealing

FORMAT = 1
"""Version of the record."""

EPOCHS = 27
LEASES = (1, 3, 9)
"""Rungs of halving with η = 3 below the full training."""

SPACE = wt.Space(
    lr=wt.Float(1e-3, 1.0, scale="log"),
    momentum=wt.Float(0.8, 0.99, scale="one_minus_log"),
    units=wt.Int(16, 256, scale="log"),
)
SIZES = {DIGITS: (1_000, 360), FASHION_MNIST: (2_000, 2_000)}
"""Images to learn from, and to validate on."""

BATCH = 64
RESAMPLES = 1_000

FULL, AGAIN, LEASE, STRETCHED = "full", "again", "lease", "stretched"
"""Ways to train: the horizon is the full training; the same with another seed; the horizon is the lease, from the start
for each lease; the horizon is the lease, and the trial is resumed with a longer one, as `horizon="lease"` does it.
"""


@dataclass(frozen=True, eq=False)
class Images:
    """An image set as tensors."""

    x: Tensor
    y: Tensor
    x_validation: Tensor
    y_validation: Tensor


def main() -> int:
    """Train, write the record, print the tables."""
    options = _options()
    torch.set_num_threads(1)
    begin, record = time.perf_counter(), {"format": FORMAT, **circumstances(Path()), "noise": {"begin": noise()}}
    record |= {"quick": options.quick, "epochs": EPOCHS, "leases": LEASES, "batch": BATCH}
    names = [DIGITS, FASHION_MNIST] if options.data else [DIGITS]
    record["tasks"] = [_task(name, options.data, 3 if options.quick else options.configurations) for name in names]
    record |= {"seconds": round(time.perf_counter() - begin, 1)}
    record["noise"]["end"] = noise()
    print("\n\n".join(map(table, record["tasks"])))
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(compact(record) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.horizon", description=str(__doc__).splitlines()[0])
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        default=os.environ.get(FOLDER_VARIABLE) or None,
        help="folder with Fashion-MNIST; without it digits alone are trained",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the record")
    parser.add_argument("--quick", action="store_true", help="three configurations, to see that everything works")
    parser.add_argument("--configurations", type=int, metavar="N", default=48, help="how many to train; default 48")
    return parser.parse_args()


def _images(name: str, folder: Path | None) -> Images:
    data, (train, validation) = load(name, folder), SIZES[name]
    order = np.random.default_rng(0).permutation(len(data.train.y))[:train]
    parts = [data.train.x[order], data.train.y[order], data.validation.x[:validation], data.validation.y[:validation]]
    return Images(*map(torch.from_numpy, parts))


def _task(name: str, folder: Path | None, count: int) -> dict[str, Any]:
    """Train all configurations in all ways, and compare their rankings."""
    images, rng = _images(name, folder), np.random.default_rng(1)
    configurations, curves = [], []
    for number in range(count):
        params = SPACE.decode(rng.random(len(SPACE)))
        configurations.append(params)
        curves.append(_curves(images, params, number))
        print(f"{name}: {number + 1} of {count}", file=sys.stderr, flush=True)
    return {
        "name": name,
        "sizes": [len(images.y), len(images.y_validation)],
        "configurations": configurations,
        "curves": curves,
        "rows": rows_of(curves, rates_of(configurations)),
    }


def _curves(images: Images, params: Mapping[str, Any], seed: int) -> dict[str, list[float]]:
    """The validation error after each epoch, in each way; of single leases (`lease`) after their end."""
    return {
        FULL: train(images, params, seed, [EPOCHS]),
        AGAIN: train(images, params, 10_000 + seed, [EPOCHS]),
        LEASE: [train(images, params, seed, [lease])[-1] for lease in LEASES],
        STRETCHED: train(images, params, seed, [*LEASES, EPOCHS]),
    }


def train(images: Images, params: Mapping[str, Any], seed: int, leases: Sequence[int]) -> list[float]:
    """Train a configuration lease after lease, each with its end as horizon; its validation error after each epoch."""
    torch.manual_seed(seed)
    n_in, classes = images.x.shape[1], int(images.y.max()) + 1
    model = nn.Sequential(nn.Linear(n_in, params["units"]), nn.ReLU(), nn.Linear(params["units"], classes))
    optimizer = torch.optim.SGD(model.parameters(), params["lr"], momentum=params["momentum"], nesterov=True)
    errors: list[float] = []

    def horizon() -> int:
        return next(lease for lease in leases if lease > len(errors) or lease == leases[-1])

    steps = len(images.y) // BATCH
    annealing = Annealing(wt.CosineDecay(), optimizer, lambda: len(errors), horizon, steps)
    for _ in range(leases[-1]):
        annealing.begin()
        for batch in torch.randperm(len(images.y))[: steps * BATCH].split(BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images.x[batch]), images.y[batch])
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            wrong = model(images.x_validation).argmax(1) != images.y_validation
        errors.append(round(wrong.float().mean().item(), 4))
    return errors


def rates_of(configurations: Sequence[Mapping[str, Any]]) -> NDArray[Any]:
    """The length of steps that go on in one direction, the learning rate / (1 - momentum), of each configuration."""
    return np.array([params["lr"] / (1 - params["momentum"]) for params in configurations])


def rows_of(
    curves: Sequence[Mapping[str, Sequence[float]]], rates: NDArray[Any], resamples: int = RESAMPLES
) -> list[dict[str, Any]]:
    """How well the ranking at each lease agrees with the final one, for each way to anneal."""
    final = np.array([curve[FULL][-1] for curve in curves])
    again = np.array([curve[AGAIN][-1] for curve in curves])
    stretched = np.array([curve[STRETCHED][-1] for curve in curves])
    rows = []
    for i, lease in enumerate(LEASES):
        early = {
            FULL: np.array([curve[FULL][lease - 1] for curve in curves]),
            LEASE: np.array([curve[LEASE][i] for curve in curves]),
            STRETCHED: np.array([curve[STRETCHED][lease - 1] for curve in curves]),
        }
        finals = {FULL: final, LEASE: final, STRETCHED: stretched}
        rows += [
            {"lease": lease, "horizon": way, **_agreement(found, finals[way], again), "rate": _rate(found, rates)}
            for way, found in early.items()
        ]
        rows[-2]["advantage"] = _interval(early[LEASE], early[FULL], final, resamples)
    rows.append({"lease": EPOCHS, "horizon": AGAIN, **_agreement(again, final, final), "rate": _rate(again, rates)})
    rows.append(
        {"lease": EPOCHS, "horizon": STRETCHED, **_agreement(stretched, final, again), "rate": _rate(stretched, rates)}
    )
    good = np.argsort(again, kind="stable")[: max(1, len(again) // 3)]  # by the other seed, so that luck is not chosen
    difference = stretched - final
    rows[-1]["costs"] = [round(float(value), 4) for value in (difference.mean(), difference[good].mean())]
    return rows


def _agreement(early: NDArray[Any], final: NDArray[Any], again: NDArray[Any]) -> dict[str, float]:
    """Of an early ranking with a final one, and with the final one of another seed.

    `kept` is the share of the best third at the end that is in the best third of the early ranking, `regret` what the
    best of that early third is worse at the end than the best of all.
    """
    third = max(1, len(final) // 3)
    promoted = np.argsort(early, kind="stable")[:third]
    best = np.argsort(final, kind="stable")[:third]
    return {
        "kendall": round(_tau(early, final), 3),
        "spearman": round(float(spearmanr(early, final).statistic), 3),
        "kendall_again": round(_tau(early, again), 3),
        "kept": round(len(set(promoted) & set(best)) / third, 3),
        "regret": round(float(final[promoted].min() - final.min()), 4),
    }


def _rate(errors: NDArray[Any], rates: NDArray[Any]) -> float:
    """The geometric mean of the rates of the best quarter."""
    best = np.argsort(errors, kind="stable")[: max(1, len(errors) // 4)]
    return float(f"{np.exp(np.log(rates[best]).mean()):.3g}")


def _tau(one: NDArray[Any], other: NDArray[Any]) -> float:
    return float(kendalltau(one, other).statistic)


def _interval(one: NDArray[Any], other: NDArray[Any], final: NDArray[Any], resamples: int) -> list[float]:
    """By how much Kendall's tau of one ranking is above another's, between the ends of its 95 % interval.

    The interval is that of resampled configurations.
    """
    rng = np.random.default_rng(2)
    drawn = [rng.integers(len(final), size=len(final)) for _ in range(resamples)]
    found = [_tau(one[at], final[at]) - _tau(other[at], final[at]) for at in drawn]
    low, high = np.nanquantile(found, [0.025, 0.975])
    return [round(float(value), 3) for value in (low, _tau(one, final) - _tau(other, final), high)]


def table(task: Mapping[str, Any]) -> str:
    """The rows of a task in Markdown."""
    lines = [f"{task['name']}: {len(task['curves'])} configurations, {task['sizes'][0]} images", ""]
    lines += [
        "| epochs | horizon | Kendall | Spearman | other seed | best third kept | regret | rate |",
        "|" + "---|" * 8,
    ]
    for row in task["rows"]:
        cells = [row["lease"], row["horizon"], row["kendall"], row["spearman"], row["kendall_again"], row["kept"]]
        lines.append(f"| {' | '.join(map(str, cells))} | {row['regret']:.4f} | {row['rate']} |")
        if "advantage" in row:
            low, middle, high = row["advantage"]
            lines[-1] += f" lease - full: {middle:+.3f} [{low:+.3f}, {high:+.3f}]"
        if "costs" in row:
            every, good = row["costs"]
            lines[-1] += f" stretched - full: {every:+.4f} in the mean of all, {good:+.4f} of the best third"
    return "\n".join(lines)


def compact(record: Mapping[str, Any]) -> str:
    """A record as JSON in which each configuration, curve and row is one line."""
    tasks = []
    for task in record["tasks"]:
        parts = {key: value for key, value in task.items() if not isinstance(value, list) or key == "sizes"}
        lists = {key: value for key, value in task.items() if key not in parts}
        body = [f'"{key}": {json.dumps(value)}' for key, value in parts.items()]
        body += [f'"{key}": [\n' + ",\n".join(map(json.dumps, value)) + "\n]" for key, value in lists.items()]
        tasks.append("{\n" + ",\n".join(body) + "\n}")
    head = [f'"{key}": {json.dumps(value)}' for key, value in record.items() if key != "tasks"]
    return "{\n" + ",\n".join([*head, '"tasks": [' + ",\n".join(tasks) + "]"]) + "\n}"


if __name__ == "__main__":
    sys.exit(main())
