"""Training whose optimizer and schedule come from the params in one line, for tests in several files and processes."""

import itertools
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

import welltempered as wt
from torch_training import checksum

NAMES = ("constant", "step", "exponential", "linear", "polynomial", "cosine", "one_cycle", "plateau")
BATCHES = 4
SPACE = wt.Space(
    optimizer=wt.Choice("sgd", "adamw"),
    per_step=wt.Choice(False, True),
    **wt.schedule(*NAMES),
)
CASES = [
    {name: value for name, value in params.items() if SPACE[name].active(params)}
    for params in (
        {
            "optimizer": optimizer,
            "per_step": per_step,
            "schedule": schedule,
            **{name: parameter.start for name, parameter in SPACE.items() if name.startswith(f"{schedule}_")},
            **({"plateau_patience": 1} if schedule == "plateau" else {}),
            **({} if schedule == "one_cycle" else {"warmup": 1.5}),
        }
        for optimizer, per_step, schedule in itertools.product(("sgd", "adamw"), (False, True), NAMES)
    )
]

_INPUTS = torch.randn(96, 8, generator=torch.Generator().manual_seed(1))
_TARGETS = (_INPUTS[:, :3].sum(1) > 0).long() + (_INPUTS[:, 3] > 1).long()


@dataclass(frozen=True)
class Listed:
    """A searcher that goes through the cases."""

    def suggest(self, history):
        """Return the next one."""
        return CASES[len(history.trials)]


def model_of():
    """Return a small network."""
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))


def one_epoch(model, optimizer):
    """Train an epoch; return the loss, and the rate of every step."""
    total, rates = 0.0, []
    for batch in torch.randperm(len(_INPUTS)).split(len(_INPUTS) // BATCHES):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(_INPUTS[batch]), _TARGETS[batch])
        loss.backward()
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        total += loss.item()
    return total, rates


def train(run):
    """Train a case."""
    model = model_of()
    optimizer = run.build_optimizer(model, steps=BATCHES if run.params["per_step"] else None)
    run.keep(model=model)
    for _ in run:
        total, rates = one_epoch(model, optimizer)
        run.report(loss=total, weights=checksum(model), **{f"rate_{i}": rate for i, rate in enumerate(rates)})


def train_by_lease(run):
    """The same, annealed to the end of each lease."""
    model = model_of()
    optimizer = run.build_optimizer(model, optimizer="sgd", horizon="lease")
    run.keep(model=model)
    for _ in run:
        total, rates = one_epoch(model, optimizer)
        run.report(loss=total, weights=checksum(model), rate=rates[0], until=run.until)


def train_carelessly(run):
    """The same, but the model may be kept by nobody."""
    model = model_of()
    optimizer = run.build_optimizer(model, steps=BATCHES)
    if not run.params["careless"]:
        run.keep(model=model)
    for _ in run:
        total, _ = one_epoch(model, optimizer)
        run.report(loss=total)
