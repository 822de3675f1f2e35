"""A small network whose training has all that can be forgotten: optimizer, schedule, dropout, order of batches."""

import hashlib
import itertools
import random
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR
from torch.utils.data import DataLoader, Dataset, RandomSampler

import welltempered as wt
from trainings import Pieces

SPACE = wt.Space(optimizer=wt.Choice("adam", "sgd"))
BOTH = wt.Grid()

_INPUTS = torch.randn(96, 8, generator=torch.Generator().manual_seed(1))
_TARGETS = (_INPUTS[:, :3].sum(1) > 0).long() + (_INPUTS[:, 3] > 1).long()


def build(params):
    """Return model, optimizer and schedule as they are before the first epoch."""
    model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))
    if params["optimizer"] == "adam":
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    return model, optimizer, CosineAnnealingLR(optimizer, 9)


def train(run):
    """Train and report a checksum of all weights, so that equal reports mean equal training."""
    model, optimizer, schedule = build(run.params)
    run.keep(model=model, optimizer=optimizer, schedule=schedule)
    for _ in run:
        model.train()
        total = 0.0
        for batch in torch.randperm(len(_INPUTS)).split(16):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(_INPUTS[batch]), _TARGETS[batch])
            loss.backward()
            optimizer.step()
            total += loss.item()
        schedule.step()
        rate = optimizer.param_groups[0]["lr"]
        run.report(loss=total, weights=checksum(model), rate=rate, threads=torch.get_num_threads())


def checksum(model):
    """Return 52 bits that depend on every bit of the weights."""
    digest = hashlib.sha256()
    for tensor in model.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    return int.from_bytes(digest.digest()[:6], "big")


def settings(**changes):
    """Return what `trainings.tune` needs to train both optimizers, in pieces of 3 and 6 epochs or whole."""
    return {"train": train, "space": SPACE, "method": Pieces(BOTH), "budget": None} | changes


OPTIMIZERS = {
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=0.01, amsgrad=True),
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.1),
    "momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters, lr=0.01, momentum=0.5, centered=True),
}
SCHEDULES = {
    "none": lambda optimizer: torch.optim.lr_scheduler.ConstantLR(optimizer, 1.0),
    "cosine": lambda optimizer: CosineAnnealingLR(optimizer, 9),
    "one cycle": lambda optimizer: OneCycleLR(optimizer, 0.05, total_steps=9),  # it also moves momenta and betas
}
LOADERS = ("batches", "loader", "workers", "persistent")
MATRIX = wt.Space(
    optimizer=wt.Choice(*OPTIMIZERS),
    schedule=wt.Choice(*SCHEDULES),
    dropout=wt.Choice(0.0, 0.3),
    norm=wt.Choice(False, True),
    loader=wt.Choice(*LOADERS),
)
CASES = [
    dict(zip(MATRIX, values, strict=True))
    for values in itertools.product(OPTIMIZERS, SCHEDULES, (0.0, 0.3), (False, True), LOADERS)
    if values[4] == "batches" or values[1:4] == ("one cycle", 0.3, True)  # processes take a while to start
]


@dataclass(frozen=True)
class Listed:
    """A searcher that goes through the cases."""

    def suggest(self, history):
        """Return the next one."""
        return CASES[len(history.trials)]


class Augmented(Dataset):
    """Draws from all global generators of the process that loads."""

    def __init__(self, noise):
        self.noise = noise

    def __len__(self):
        return len(_INPUTS)

    def __getitem__(self, index):
        noise = random.random() + np.random.random() + torch.rand(8)  # noqa: NPY002 - as augmentations do
        return _INPUTS[index] + self.noise * noise, _TARGETS[index]


def loader_of(kind, run):
    """Return what yields the batches of an epoch."""
    if kind == "batches":
        return lambda: ((_INPUTS[batch], _TARGETS[batch]) for batch in torch.randperm(len(_INPUTS)).split(16))
    if kind != "persistent":
        return DataLoader(Augmented(0.1), 16, shuffle=True, num_workers=2 if kind == "workers" else 0).__iter__
    # Workers that persist begin anew when training continues. They may draw nothing, and their start must not draw from
    # the generators that training uses: neither the global one nor the one of the sampler.
    data, order = Augmented(0.0), torch.Generator().manual_seed(run.seed)
    run.keep(order=(order.get_state, order.set_state))
    sampler = RandomSampler(data, generator=order)
    return DataLoader(
        data, 16, sampler=sampler, generator=torch.Generator(), num_workers=2, persistent_workers=True
    ).__iter__


def train_case(run):
    """Train a case of the matrix."""
    norm = [nn.BatchNorm1d(16)] if run.params["norm"] else []
    model = nn.Sequential(nn.Linear(8, 16), *norm, nn.ReLU(), nn.Dropout(run.params["dropout"]), nn.Linear(16, 3))
    optimizer = OPTIMIZERS[run.params["optimizer"]](model.parameters())
    schedule = SCHEDULES[run.params["schedule"]](optimizer)
    batches = loader_of(run.params["loader"], run)
    run.keep(model=model, optimizer=optimizer, schedule=schedule)
    for _ in run:
        total, seen = 0.0, 0.0
        for x, y in batches():
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
            seen = seen / 2 + x.sum().item()
        schedule.step()
        run.report(loss=total, seen=seen, weights=checksum(model), rate=optimizer.param_groups[0]["lr"])
