"""Trainings of a small network that each forget one thing when they continue, and some that forget nothing."""

import random
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import welltempered as wt

X = torch.randn(48, 4, generator=torch.Generator().manual_seed(1))
Y = (X[:, :2].sum(1) > 0).long()


def network(*, normed=False):
    """Return a network as it is before the first epoch."""
    between = [nn.BatchNorm1d(8)] if normed else []
    return nn.Sequential(nn.Linear(4, 8), *between, nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))


def step(model, optimizer, x, y, weight=1.0):
    """Train on one batch and return its loss."""
    model.train()
    optimizer.zero_grad()
    loss = weight * functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


def sweep(model, optimizer, weight=1.0):
    """Train on all batches, in an order from the global generator, and return the mean loss."""
    losses = [step(model, optimizer, X[batch], Y[batch], weight) for batch in torch.randperm(48).split(12)]
    return sum(losses) / len(losses)


def with_optimizer(run, make):
    model = network()
    optimizer = make(model.parameters())
    run.keep(model=model)
    for _ in run:
        run.report(loss=sweep(model, optimizer))


def adam(run):
    with_optimizer(run, lambda parameters: torch.optim.Adam(parameters, lr=0.01))


def momentum(run):
    with_optimizer(run, lambda parameters: torch.optim.SGD(parameters, lr=0.05, momentum=0.9))


def rmsprop(run):
    with_optimizer(run, lambda parameters: torch.optim.RMSprop(parameters, lr=0.01))


def schedule(run):
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5**epoch)
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        run.report(loss=sweep(model, optimizer))
        schedule.step()


def schedule_made_late(run):
    """Restores the optimizer, then changes it again."""
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    run.keep(model=model, optimizer=optimizer)
    optimizer.param_groups[0]["lr"] = 0.01
    for _ in run:
        run.report(loss=sweep(model, optimizer))
        optimizer.param_groups[0]["lr"] /= 2


def batchnorm(run):
    model = network(normed=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

    def restore(values):
        for parameter, value in zip(model.parameters(), values, strict=True):
            parameter.data.copy_(value)

    run.keep(parameters=(lambda: [parameter.data for parameter in model.parameters()], restore))
    for _ in run:
        sweep(model, optimizer)
        model.eval()
        run.report(loss=functional.cross_entropy(model(X), Y))


def loader_generator(run):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    generator = torch.Generator().manual_seed(run.seed)
    loader = DataLoader(TensorDataset(X, Y), batch_size=12, shuffle=True, generator=generator)
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        run.report(loss=sum(step(model, optimizer, x, y) for x, y in loader))


def hidden_generator(run):
    """As above, but only the loader knows its generator."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    seeded = torch.Generator().manual_seed(3)
    loader = DataLoader(TensorDataset(X, Y), batch_size=12, shuffle=True, generator=seeded)
    del seeded
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        run.report(loss=sum(step(model, optimizer, x, y) for x, y in loader))


def numpy_generator(run):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    rng = np.random.default_rng(run.seed)
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        order = torch.as_tensor(rng.permutation(48))
        run.report(loss=sum(step(model, optimizer, X[batch], Y[batch]) for batch in order.split(12)))


def ema(run):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    ema = torch.zeros(8)
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        total = sweep(model, optimizer)
        ema = 0.9 * ema + 0.1 * model[0].bias.detach()
        run.report(loss=total + ema.sum())


def best(run):
    """Shrinks the steps whenever there is no progress for an epoch."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    best, total = -1.0, 0.0
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        total = 0.0
        for batch in torch.randperm(48).split(12):
            total += step(model, optimizer, X[batch], Y[batch], 0.5 if total > best else 1.0)
        best = max(best, total)
        run.report(loss=total)


def counter(run):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    passes = 0
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        passes += 1  # noqa: SIM113 - it is what people write
        run.report(loss=sweep(model, optimizer, weight=1 / passes))


class Trainer:
    """A loop that is a method, with its state in attributes."""

    def __init__(self):
        self.model = network()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.01)
        self.passes = 0

    def fit(self, run):
        run.keep(model=self.model, optimizer=self.optimizer)
        for _ in run:
            self.passes += 1
            run.report(loss=sweep(self.model, self.optimizer, weight=1 / self.passes))


def attribute(run):
    trainer = Trainer()
    trainer.fit(run)


def attribute_optimizer(run):
    trainer = Trainer()
    run.keep(model=trainer.model)
    for _ in run:
        run.report(loss=sweep(trainer.model, trainer.optimizer))


def iterator(run):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    batches = iter([batch for _ in range(9) for batch in X.split(8)])
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        batch = next(batches)
        run.report(loss=step(model, optimizer, batch, (batch[:, 0] > 0).long()))


def persistent_workers(run):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    loader = DataLoader(TensorDataset(X, Y), batch_size=12, shuffle=True, num_workers=1, persistent_workers=True)
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        run.report(loss=sum(step(model, optimizer, x, y) for x, y in loader))


def setter(run):
    """Keeps all with a function that sets only half of it."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    state = {"passes": 0}
    run.keep(model=model, optimizer=optimizer, passes=(lambda: dict(state), lambda saved: state))
    for _ in run:
        state["passes"] += 1
        run.report(loss=sweep(model, optimizer, weight=1 / state["passes"]))


def mode(run):
    """Evaluates, and never returns to training, so that only the first epoch has dropout."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        for batch in torch.randperm(48).split(12):
            optimizer.zero_grad()
            functional.cross_entropy(model(X[batch]), Y[batch]).backward()
            optimizer.step()
        model.eval()
        run.report(loss=functional.cross_entropy(model(X), Y))


_passes = 0


def shared(run):
    global _passes  # noqa: PLW0603 - what is to be found
    _passes = 0 if run.epoch == 0 else _passes
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        _passes += 1
        run.report(loss=sweep(model, optimizer, weight=1 / _passes))


def everything(run):
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in run:
        run.report(loss=sweep(model, optimizer))


def first_epoch(run):
    """Makes something in the first epoch only."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    run.keep(model=model, optimizer=optimizer)
    for epoch in run:
        if epoch == 1:
            warm = optimizer
        run.report(loss=sweep(model, warm))


def unsteady(run):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    rng = np.random.default_rng()
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        run.report(loss=sweep(model, optimizer, weight=rng.random()))


def exact(run):
    """Forgets nothing that matters, though much is different when it continues."""
    model = network(normed=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, run.horizon)
    losses, began, total, batches = [], time.time(), 0.0, iter("ab")
    run.keep(model=model, optimizer=optimizer, schedule=schedule)
    for _ in run:
        total, batches = 0.0, iter(torch.randperm(48).split(12))
        for batch in batches:
            total += step(model, optimizer, X[batch], Y[batch])
        losses.append(total)
        schedule.step()
        run.report(loss=total, seconds=time.time() - began)


def patient(run):
    """Ends by itself after four epochs, and keeps what that depends on."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    state = {"left": 4}
    run.keep(model=model, optimizer=optimizer, state=(lambda: dict(state), state.update))
    for _ in run:
        state["left"] -= 1
        run.report(loss=sweep(model, optimizer))
        if state["left"] == 0:
            break


def stateless(run):
    """Depends on nothing but the epoch's number, and says so."""
    run.keep()
    for epoch in run:
        run.report(loss=epoch + random.random())


def train(run):
    """Train as the params say."""
    globals()[run.params["training"]](run)


def experiment(*names, **settings):
    """Return an experiment with these trainings, of which the first is the default."""
    space = wt.Space(training=wt.Choice(*names, *(["stateless"] if len(names) == 1 else [])))
    return wt.Experiment(train, space, **{"minimize": "loss", "epochs": 9} | settings)
