"""The example's network in PyTorch with a plain loop, for Optuna and Ray Tune; runs in the peers' environments.

All data are tensors from the beginning and batches are cut by index, which is several times faster than a `DataLoader`.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.article.task import BATCH, DROPOUT, EPOCHS

Parts = Sequence[torch.Tensor]


def tensors(arrays: Sequence[np.ndarray]) -> Parts:
    """The arrays as tensors."""
    return [torch.from_numpy(array) for array in arrays]


def net(units: int) -> nn.Module:
    """Built, weights as Keras draws them, so that all programs train the same network."""
    hidden, last = nn.Linear(784, units), nn.Linear(units, 10)
    for layer in (hidden, last):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), nn.Dropout(DROPOUT), last)


def train(params: dict[str, Any], parts: Parts, seed: int) -> Iterator[tuple[int, float, float]]:
    """Train epoch by epoch: its number, the validation accuracy after it, and how long both took."""
    torch.manual_seed(seed)
    model = net(params["units"])
    optimizer = torch.optim.Adam(model.parameters(), lr=params["lr"])
    x, y, x_valid, y_valid = parts
    for epoch in range(1, EPOCHS + 1):
        begin = time.perf_counter()
        model.train()
        for batch in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
        accuracy = validate(model, x_valid, y_valid)
        yield epoch, accuracy, time.perf_counter() - begin


def validate(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """Share of the images that are told right."""
    model.eval()
    with torch.no_grad():
        return float((model(x).argmax(1) == y).float().mean())
