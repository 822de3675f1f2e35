"""A short real training: a small network on scikit-learn's digits, with all that can be forgotten when it goes on."""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import welltempered as wt

SPACE = wt.Space(
    lr=wt.Float(1e-3, 1e-1, scale="log"),
    momentum=wt.Float(0.5, 0.99, scale="one_minus_log"),
    units=wt.Int(16, 64, scale="log"),
)
EPOCHS = 9


@cache
def _digits() -> Any:
    """Images and labels, read without importing scikit-learn: a worker is started hundreds of times here."""
    import torch

    spec = importlib.util.find_spec("sklearn")
    assert spec is not None
    assert spec.origin is not None
    table = np.loadtxt(Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz", delimiter=",", dtype=np.int64)
    return torch.tensor(table[:, :-1]).float() / 16, torch.tensor(table[:, -1])


def train(run: wt.Run) -> None:
    """Train with momentum, dropout, batch normalisation and a schedule; `weights` shows every changed bit."""
    import torch
    from torch import nn

    x, y = _digits()
    lr, momentum, units = run.params["lr"], run.params["momentum"], run.params["units"]
    model = nn.Sequential(nn.Linear(64, units), nn.BatchNorm1d(units), nn.ReLU(), nn.Dropout(0.2), nn.Linear(units, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, run.horizon)
    run.keep(model=model, optimizer=optimizer, schedule=schedule)
    for _ in run:
        model.train()
        for batch in torch.randperm(1400).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
        schedule.step()
        model.eval()
        with torch.no_grad():
            loss = nn.functional.cross_entropy(model(x[1400:]), y[1400:])
        run.report(loss=loss, weights=sum(weights.double().sum() for weights in model.parameters()))


def experiment(method: wt.Scheduler, seed: int) -> wt.Experiment:
    """The experiment that is disturbed."""
    return wt.Experiment(train, SPACE, minimize="loss", epochs=EPOCHS, method=method, seed=seed)
