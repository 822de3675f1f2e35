"""What a PyTorch loop gains, step by step: `python -m benchmarks.torch_loop --data DIR --json FILE`.

A naive loop (`DataLoader` over a `TensorDataset`, torch's default optimizer, `.item()` after each step), and the same
with one change after the other. Each is a trial in a worker process, with one thread; the variants take turns.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import welltempered as wt
from benchmarks.machine import circumstances, noise
from welltempered.demo.data import read_idx

LOOPS = ("naive", "no sync", "batches", "fused", "compiled")
"""Each has the change that it is named after and those before it; `compiled` compiles the step of `fused`."""
NETS: dict[str, Callable[[], nn.Module]] = {
    "784-128-10": lambda: nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)),
    "784-256-256-10": lambda: nn.Sequential(
        nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)
    ),
    "cnn": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 28)),
        *(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 10)),
    ),
}
SIZES = (32, 128)
IMAGES = {"784-128-10": 20_000, "784-256-256-10": 15_000, "cnn": 4_000}
"""Per epoch, so that an epoch takes about half a second, and the loops take turns often."""
EPOCHS = 4
"""Of which the first counts apart: it warms up, and compiles."""


@dataclass(frozen=True)
class Train:
    """Train one variant; the time of each epoch is what the run itself measures."""

    data: Path

    def __call__(self, run: wt.Run) -> None:
        """Report the mean loss, which must be alike for all loops."""
        loop, net, size = (run.params[name] for name in ("loop", "net", "batch_size"))
        x, y = _data(self.data, IMAGES[net])
        model = NETS[net]() if net == "cnn" else nn.Sequential(nn.Flatten(), *NETS[net]())
        groups = [{"params": model.parameters()}]
        if loop in {"fused", "compiled"}:
            optimizer = run.build_optimizer(groups, optimizer="adam")
        else:
            optimizer = torch.optim.Adam(model.parameters())
        loader: Any = DataLoader(TensorDataset(x, y), size, shuffle=True)
        batches = loader if loop in {"naive", "no sync"} else wt.batches(run, x, y)

        def losses(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            return functional.cross_entropy(model(images), labels)

        step = torch.compile(losses) if loop == "compiled" else losses
        for _ in run:
            begin = time.process_time()
            total: Any = 0.0
            for images, labels in batches:
                optimizer.zero_grad()
                loss = step(images, labels)
                loss.backward()
                optimizer.step()
                total += loss.item() if loop == "naive" else loss.detach()
            loss = float(total) / len(batches)
            run.report(loss=loss, cpu=time.process_time() - begin, threads=torch.get_num_threads())


_loaded: dict[tuple[Path, int], tuple[torch.Tensor, torch.Tensor]] = {}


def _data(folder: Path, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images as floats in 0 .. 1 and labels, read once per process."""
    if (folder, count) not in _loaded:
        images = read_idx(folder / "fashion-mnist" / "train-images-idx3-ubyte.gz", (60_000, 28, 28))[:count]
        labels = read_idx(folder / "fashion-mnist" / "train-labels-idx1-ubyte.gz", (60_000,))[:count]
        _loaded[folder, count] = torch.tensor(images).float() / 255, torch.tensor(labels).long()
    return _loaded[folder, count]


def main() -> int:
    """Measure, print, and write the record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.torch_loop", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("WELLTEMPERED_DATA"), metavar="DIR")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the record")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="studies, one after the other; default 3")
    parser.add_argument("--nets", nargs="+", choices=NETS, default=[*NETS])
    parser.add_argument("--loops", nargs="+", choices=LOOPS, default=LOOPS)
    options = parser.parse_args()
    if options.data is None:
        parser.error("give --data DIR or set WELLTEMPERED_DATA: the folder that holds fashion-mnist/")
    record = {"format": 1, **circumstances(Path.cwd()), "noise": {"begin": noise()}}
    space = wt.Space(net=wt.Choice(*options.nets), batch_size=wt.Choice(*SIZES), loop=wt.Choice(*options.loops))
    trials = [trial for seed in range(options.rounds) for trial in _trials(Train(options.data), space, seed)]
    record["rows"] = [
        _row(net, size, loop, [t for t in trials if t.params == {"net": net, "batch_size": size, "loop": loop}])
        for net in options.nets
        for size in SIZES
        for loop in options.loops
    ]
    record["noise"]["end"] = noise()
    if options.json is not None:
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    return 0


def _trials(train: Train, space: wt.Space, seed: int) -> tuple[wt.Trial, ...]:
    settings = {"epochs": EPOCHS, "budget": None, "method": wt.Full(wt.Grid()), "resumable": False}
    with wt.tune(train, space, minimize="loss", seed=seed, **settings) as study:
        return tuple(study.trials)


def _row(net: str, size: int, loop: str, trials: list[wt.Trial]) -> dict[str, Any]:
    """Thousands of examples per second of the processor, in the median epoch of all but the first ones.

    The processor's time, since a machine that is shared makes the clock's longer by chance.
    """
    cpu = [[report.metrics["cpu"] or 0.0 for report in trial.reports] for trial in trials]
    wall = [[report.seconds for report in trial.reports] for trial in trials]
    later = [one for epochs in cpu for one in epochs[1:]]
    row = {
        "net": net,
        "batch_size": size,
        "loop": loop,
        "thousand_per_second": round(IMAGES[net] / median(later) / 1e3, 1),
        "first_epoch": round(median(epochs[0] for epochs in wall), 3),
        "cpu": [[round(one, 4) for one in epochs] for epochs in cpu],
        "wall": [[round(one, 4) for one in epochs] for epochs in wall],
        "loss": round(median(trial.reports[-1].metrics["loss"] or 0.0 for trial in trials), 4),
    }
    shown = {key: value for key, value in row.items() if key not in {"cpu", "wall"}}
    sys.stdout.write(json.dumps(shown) + "\n")
    return row


if __name__ == "__main__":
    sys.exit(main())
