"""What the presets suggest, torch is given: each optimizer with each of its words, and whole recommended spaces."""

import numpy as np
import pytest
import torch

import welltempered as wt
from welltempered.frameworks.torch import optimizer_of
from welltempered.presets.optimizers import OPTIMIZERS

ARGUMENTS = {"lr": "lr", "momentum": "momentum", "rho": "alpha", "epsilon": "eps", "weight_decay": "weight_decay"}


def argument(group, word):
    """Return what a parameter group of torch holds for one of our words."""
    return group["betas"][int(word[-1]) - 1] if word in ("beta1", "beta2") else group[ARGUMENTS[word]]


@pytest.mark.parametrize("prefix", ["", "critic"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_word_of_every_optimizer_reaches_torch(name, prefix):
    space = wt.Space(wt.optimizer(*OPTIMIZERS, prefix=prefix))
    start = f"{prefix}_" if prefix else ""
    rng = np.random.default_rng(1)
    params = next(p for _ in range(200) if (p := space.sample(rng))[f"{start}optimizer"] == name)
    [group] = optimizer_of(torch.nn.Linear(2, 1), params, None, prefix).param_groups
    for word in OPTIMIZERS[name]:
        assert argument(group, word) == params[f"{start}{name}_{word}"]
    assert group.get("nesterov", False) == (name == "nesterov")


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("budget", [5, 12, 30, 200])
def test_a_recommended_space_trains_a_net_at_every_budget(task, budget):
    x = torch.randn(64, 6, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0).long() if task == "classification" else x[:, :1].sin()
    n_out = 2 if task == "classification" else 1

    def train(run):
        modules, width = [], 6
        for layer in wt.layers_of(run.params, "units", depth=2):
            modules += [torch.nn.Linear(width, layer.get("units", 16)), torch.nn.ReLU()]
            width = layer.get("units", 16)
        model = torch.nn.Sequential(*modules, torch.nn.Linear(width, n_out))
        criterion = torch.nn.CrossEntropyLoss() if task == "classification" else torch.nn.MSELoss()
        run.keep(model=model)
        optimizer = run.build_optimizer(model)
        for _ in run:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            run.report(loss=loss)

    space = wt.recommended_space(task, n_in=6, n_out=n_out, budget=budget)
    with wt.tune(train, space, minimize="loss", epochs=3, budget="9 epochs", workers=0, progress=False) as study:
        assert not study.history.failures, study.trials[0].error
        assert study.history.spent == 9
