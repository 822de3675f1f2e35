"""A small network whose training has all that can be forgotten: optimizer, schedule, dropout, order of batches."""

import hashlib

import torch
from torch import nn
from torch.nn import functional

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
    return model, optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 9)


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
