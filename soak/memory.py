"""Train hundreds of nets of different sizes in one worker, and see whether its memory grows."""

import random
import tempfile
from pathlib import Path
from typing import Any

import welltempered as wt

_SPACE = wt.Space(units=wt.Int(16, 2048, scale="log"), depth=wt.Int(1, 6), batch=wt.Int(16, 512, scale="log"))
_TOLERANCE = 0.05


def train(run: wt.Run) -> None:
    """One epoch of a net of any size, with what keeps memory alive: hooks in circles, an exception now and then."""
    import psutil
    import torch
    from torch import nn

    units, depth, batch = run.params["units"], run.params["depth"], run.params["batch"]
    layers: list[nn.Module] = [nn.Linear(64, units)]
    for _ in range(depth):
        layers += [nn.ReLU(), nn.Linear(units, units)]
    model = nn.Sequential(*layers, nn.Linear(units, 10))
    seen: list[object] = []
    model.register_forward_hook(lambda *arguments: seen.append(arguments))  # a circle: model, hook, seen, model
    optimizer = torch.optim.Adam(model.parameters())
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        for _ in range(3):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(torch.randn(batch, 64)), torch.randint(10, (batch,)))
            loss.backward()
            optimizer.step()
        if random.random() < 0.05:
            raise ValueError("now and then a trial fails, and its traceback holds the model")
        run.report(loss=loss, resident=psutil.Process().memory_info().rss)


def run(trials: int, seed: int) -> dict[str, Any]:
    """Train so many nets one after another; the record says how much memory the worker had when each began."""
    del seed
    method = wt.Full(wt.Random())
    with tempfile.TemporaryDirectory(prefix="welltempered-soak-") as folder:
        before: list[int] = []

        def begin(run: wt.Run) -> None:
            import os

            import psutil

            with (Path(folder) / "resident").open("a") as file:
                file.write(f"{psutil.Process(os.getpid()).memory_info().rss}\n")
            train(run)

        experiment = wt.Experiment(begin, _SPACE, minimize="loss", epochs=1, method=method)
        with wt.Study.create(experiment, Path(folder) / "study") as study:
            study.run(begin, budget=wt.Budget(trials=trials), workers=1)
            ended = {state: sum(trial.state == state for trial in study.trials) for state in ("complete", "failed")}
            peak = max(trial.reports[-1].metrics["resident"] or 0 for trial in study.trials if trial.reports)
        before = [int(line) for line in (Path(folder) / "resident").read_text().split()]
    settled = before[len(before) // 10 :]  # lazy imports and caches come with the first trials
    middle = sorted(settled)[len(settled) // 2]
    drift = max(max(settled) / middle - 1, 1 - min(settled) / middle)
    last, first = settled[-30:], settled[:30]
    return {
        "trials": trials,
        **ended,
        "resident_mb": [round(size / 1e6, 1) for size in before[:: max(1, len(before) // 30)]],
        "peak_mb": round(peak / 1e6, 1),
        "drift": round(drift, 4),
        "growth": round(sum(last) / len(last) / (sum(first) / len(first)) - 1, 4),
        "tolerance": _TOLERANCE,
    }


def failed(record: dict[str, Any]) -> bool:
    """Whether a promise was broken."""
    return record["drift"] > _TOLERANCE or abs(record["growth"]) > _TOLERANCE
