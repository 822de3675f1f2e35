"""Noisy learning curves of real nets: `python -m benchmarks.fashion_curves --data DIR --json FILE`.

Multilayer perceptrons on a part of Fashion-MNIST's training images, small enough for curves to jitter as they do where
data are few: 6,000 images to learn from, 2,000 others to validate. Ten minutes of one core at most; what
comes of it is stored with four decimals, so that whoever compares stopping rules need not train anything.
"""

import argparse
import json
import math
import os
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from benchmarks.machine import circumstances
from welltempered.demo.data import read_idx

FORMAT = 1
TRAIN, VALID = 6_000, 2_000
EPOCHS = 27
CONFIGS = 90
SECONDS = 600.0
"""Training ends after the trial during which these are over, in processor time."""


def main() -> int:
    """Train, write the record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fashion_curves", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("WELLTEMPERED_DATA"), metavar="DIR")
    parser.add_argument("--json", type=Path, metavar="FILE", required=True)
    options = parser.parse_args()
    if options.data is None:
        parser.error("give --data DIR or set WELLTEMPERED_DATA: the folder that holds fashion-mnist/")
    torch.set_num_threads(1)
    begin = time.process_time()
    parts = _parts(Path(options.data) / "fashion-mnist")
    curves = []
    for number in range(CONFIGS):
        if time.process_time() - begin > SECONDS:
            break
        curves.append(_curve(number, parts))
        print(number, curves[-1]["params"], curves[-1]["val_accuracy"][-1:], file=sys.stderr, flush=True)
    record = {"format": FORMAT, **circumstances(Path())}
    record |= {"train": TRAIN, "valid": VALID, "epochs": EPOCHS, "curves": curves}
    options.json.write_text(json.dumps(record, indent=None, separators=(",", ":")) + "\n")
    return 0


def _parts(folder: Path) -> tuple[torch.Tensor, ...]:
    """Images and labels to learn from and to validate, a random choice that is always the same."""
    images = read_idx(folder / "train-images-idx3-ubyte.gz", (60_000, 28, 28))
    labels = read_idx(folder / "train-labels-idx1-ubyte.gz", (60_000,))
    chosen = np.random.default_rng(0).permutation(len(images))[: TRAIN + VALID]
    x = torch.from_numpy(images[chosen].reshape(-1, 784).astype(np.float32) / 255.0 - 0.286) / 0.353
    y = torch.from_numpy(labels[chosen].astype(np.int64))
    return x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:]


def _params(number: int) -> dict[str, Any]:
    """Random settings, wide as one begins with: the learning rate alone spans four decades."""
    rng = np.random.default_rng([1, number])
    return {
        "lr": float(f"{10 ** rng.uniform(-4, 0):.3g}"),
        "momentum": round(1 - 10 ** -rng.uniform(0, 2), 3),
        "units": int(2 ** rng.uniform(4, 9)),
        "layers": int(rng.integers(1, 4)),
        "dropout": round(float(rng.uniform(0, 0.6)), 2),
        "batch": int(rng.choice([32, 64, 128])),
    }


def _curve(number: int, parts: tuple[torch.Tensor, ...]) -> dict[str, Any]:
    """Train one net; the curve ends where the loss is not finite."""
    params = _params(number)
    torch.manual_seed(number)
    sizes = [784, *[params["units"]] * params["layers"]]
    hidden = [
        [torch.nn.Linear(n_in, n_out), torch.nn.ReLU(), torch.nn.Dropout(params["dropout"])]
        for n_in, n_out in pairwise(sizes)
    ]
    model = torch.nn.Sequential(*(module for block in hidden for module in block), torch.nn.Linear(sizes[-1], 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=params["lr"], momentum=params["momentum"])
    x, y, x_valid, y_valid = parts
    losses: list[float] = []
    accuracies: list[float] = []
    for _ in range(EPOCHS):
        model.train()
        for batch in torch.randperm(len(x)).split(params["batch"]):
            optimizer.zero_grad()
            functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            outputs = model(x_valid)
        loss = functional.cross_entropy(outputs, y_valid).item()
        if not math.isfinite(loss):
            break
        losses.append(float(f"{loss:.4g}") if loss >= 10 else round(loss, 4))
        accuracies.append(round((outputs.argmax(1) == y_valid).float().mean().item(), 4))
    return {"params": params, "val_loss": losses, "val_accuracy": accuracies}


if __name__ == "__main__":
    sys.exit(main())
