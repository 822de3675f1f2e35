"""Population-based training against the best constant params: `python -m benchmarks.pbt --data DIR --json FILE`.

A multilayer perceptron on a part of Fashion-MNIST: 5,000 of the first 50,000 training images to learn from, 5,000 of
the last 10,000 to validate. Every method spends as many epochs, 8 full trainings' worth, on learning rate, momentum,
weight decay and dropout, all of them constant within a trial:

- pbt: `PBT(Sobol())` as it comes, whose trials inherit from each other, so that params change on the way;
- full: `Full(Sobol())`, eight full trainings;
- hyperband: `Hyperband(Sobol())`, which tries more settings;
- cosine: the same as full, but the learning rate of each trial falls along a cosine: what one would do by hand;
- again: the schedule that pbt has found, trained again with another seed (`Staged`); it had all those epochs before.

Validation loss chooses each method's winner; its weights are then tried on the test set, once.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

import welltempered as wt
from benchmarks.machine import circumstances, noise
from welltempered.demo.data import read_idx

FORMAT = 1
TRAIN, VALID = 5_000, 5_000
EPOCHS, POPULATION, BATCH, UNITS = 20, 8, 100, 128
SEEDS = 5
SPACE = wt.Space(
    lr=wt.Float(1e-3, 1, scale="log"),
    momentum=wt.Float(0.5, 0.99, scale="one_minus_log"),
    weight_decay=wt.Float(1e-6, 1e-2, scale="log"),
    dropout=wt.Float(0, 0.6),
)
METHODS: Mapping[str, wt.Scheduler] = {
    "pbt": wt.PBT(wt.Sobol(), population=POPULATION),
    "full": wt.Full(wt.Sobol()),
    "hyperband": wt.Hyperband(wt.Sobol()),
    "cosine": wt.Full(wt.Sobol()),
}
AGAIN = "again"
Part = tuple[torch.Tensor, torch.Tensor]


def main() -> int:
    """Train, print the table, write the record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pbt", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("WELLTEMPERED_DATA"), metavar="DIR")
    parser.add_argument("--json", type=Path, metavar="FILE", required=True)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    options = parser.parse_args()
    if options.data is None:
        parser.error("give --data DIR or set WELLTEMPERED_DATA: the folder that holds fashion-mnist/")
    torch.set_num_threads(1)
    begin, busy = time.process_time(), noise()
    parts = read(Path(options.data) / "fashion-mnist", TRAIN, VALID)
    record = {"format": FORMAT, **circumstances(Path()), "train": TRAIN, "valid": VALID, "epochs": EPOCHS}
    record["methods"] = {name: repr(method) for name, method in METHODS.items()}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    runs: list[dict[str, Any]] = []
    for seed in range(options.first, options.first + options.seeds):
        runs += compare(parts, seed, METHODS)
        record |= {"noise": [busy, noise()], "seconds": round(time.process_time() - begin, 1), "runs": runs}
        options.json.write_text(compact(record) + "\n")  # after each seed: it may be stopped
        print(table(runs), file=sys.stderr, flush=True)
    print(table(runs))
    return 0


def read(folder: Path, train: int, valid: int) -> dict[str, Part]:
    """Images and labels, by part; which images are taken is always the same."""
    rng = np.random.default_rng(0)
    images = read_idx(folder / "train-images-idx3-ubyte.gz", (60_000, 28, 28))
    labels = read_idx(folder / "train-labels-idx1-ubyte.gz", (60_000,))
    learn, held_out = rng.permutation(50_000)[:train], 50_000 + rng.permutation(10_000)[:valid]
    test_images = read_idx(folder / "t10k-images-idx3-ubyte.gz", (10_000, 28, 28))
    test_labels = read_idx(folder / "t10k-labels-idx1-ubyte.gz", (10_000,))
    return {
        "train": _part(images[learn], labels[learn]),
        "valid": _part(images[held_out], labels[held_out]),
        "test": _part(test_images, test_labels),
    }


def _part(images: Any, labels: Any) -> Part:
    x = (images.reshape(-1, 784).astype(np.float32) / 255.0 - 0.286) / 0.353
    return torch.from_numpy(x), torch.from_numpy(labels.astype(np.int64))


def model_of(params: Mapping[str, Any]) -> torch.nn.Sequential:
    """The net before its first epoch."""
    return torch.nn.Sequential(
        torch.nn.Linear(784, UNITS),
        torch.nn.ReLU(),
        torch.nn.Dropout(params.get("dropout", 0.0)),
        torch.nn.Linear(UNITS, 10),
    )


def train(parts: Mapping[str, Part], cosine: bool, run: wt.Run) -> None:  # noqa: FBT001 - `partial` gives it
    """One trial; the same code for all methods."""
    x, y = parts["train"]
    model = model_of(run.params)
    rates = {key: run.params[key] for key in ("lr", "momentum", "weight_decay")}
    optimizer = torch.optim.SGD(model.parameters(), **rates)
    kept: dict[str, Any] = {"model": model, "optimizer": optimizer}
    steps = len(x) // BATCH
    if cosine:
        kept["schedule"] = wt.for_torch(wt.CosineDecay(), optimizer, epochs=run.horizon, steps=steps)
    run.keep(**kept)
    for _ in run:
        model.train()
        for batch in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
            if cosine:
                kept["schedule"].step()
        loss, error = judged(model, parts["valid"])
        run.report(val_loss=loss, val_error=error)


@torch.no_grad()
def judged(model: torch.nn.Module, part: Part) -> tuple[float, float]:
    """Loss and share of errors."""
    model.eval()
    outputs = model(part[0])
    wrong = (outputs.argmax(1) != part[1]).float().mean().item()
    return functional.cross_entropy(outputs, part[1]).item(), round(wrong, 4)


def compare(parts: Mapping[str, Part], seed: int, methods: Mapping[str, wt.Scheduler]) -> list[dict[str, Any]]:
    """A row for each method, with the same seed and the same number of epochs."""
    rows = []
    for name, method in methods.items():
        row = play(parts, name, method, seed, POPULATION * EPOCHS)
        rows.append(row)
        if name == "pbt":
            again = wt.Staged(json.dumps(row["stages"]))
            rows.append(play(parts, AGAIN, again, seed + 1000, EPOCHS))
    return rows


def play(parts: Mapping[str, Part], name: str, method: wt.Scheduler, seed: int, epochs: int) -> dict[str, Any]:
    """One study, and its winner on the test set."""
    with tempfile.TemporaryDirectory(prefix="welltempered-pbt-") as folder:
        study = wt.tune(
            partial(train, parts, name == "cosine"),
            SPACE,
            minimize="val_loss",
            epochs=EPOCHS,
            budget=f"{epochs} epochs",
            method=method,
            workers=0,
            path=Path(folder) / "study",
            seed=seed,
            progress=False,
        )
        with study:
            best = study.best
            assert best is not None  # some of eight settings do not diverge
            model = model_of(best.params)
            model.load_state_dict(study.checkpoint(best)["model"])
            loss, error = judged(model, parts["test"])
            return {
                "seed": seed,
                "method": name,
                "epochs": study.history.spent,
                "trials": len(study.trials),
                "val_loss": round(best.loss, 4),
                "val_error": best.reports[-1].metrics["val_error"],
                "test_loss": round(loss, 4),
                "test_error": error,
                "stages": study.stages(),
            }


def table(runs: Sequence[Mapping[str, Any]]) -> str:
    """The rows of all methods in Markdown: means over seeds, and how often pbt was better on the test set."""
    lines = [
        "| method | val loss | val error | test loss | test error | test loss less pbt's (± s.e.) | pbt better |",
        "|" + "---|" * 7,
    ]
    own = np.array([run["test_loss"] for run in runs if run["method"] == "pbt"])
    for name in dict.fromkeys(run["method"] for run in runs):
        rows = [run for run in runs if run["method"] == name]
        means = [
            float(np.mean([run[key] for run in rows])) for key in ("val_loss", "val_error", "test_loss", "test_error")
        ]
        gaps = np.array([run["test_loss"] for run in rows]) - own
        spread = float(gaps.std(ddof=1) / len(gaps) ** 0.5) if len(gaps) > 1 else 0.0
        against = "" if name == "pbt" else f"{gaps.mean():+.4f} ± {spread:.4f} | {(gaps > 0).sum()} of {len(gaps)}"
        cells = [f"{means[0]:.4f}", f"{means[1]:.2%}", f"{means[2]:.4f}", f"{means[3]:.2%}", against or "| "]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def compact(record: Mapping[str, Any]) -> str:
    """A record as JSON in which each run is one line."""
    head = [f'"{key}": {json.dumps(value)}' for key, value in record.items() if key != "runs"]
    return "{\n" + ",\n".join([*head, '"runs": [\n' + ",\n".join(map(json.dumps, record["runs"])) + "\n]"]) + "\n}"


if __name__ == "__main__":
    sys.exit(main())
