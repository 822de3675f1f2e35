"""Whatever a training changes is put back bit for bit: weights, buffers, gradients, modes, optimizer, generators."""

import random

import numpy as np
import pytest
import torch
from pictures import picture, same

from welltempered.sweep.keep import kept


class Counting(torch.nn.Module):
    """A module with a buffer that `state_dict` leaves out, and with state of its own."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)
        self.norm = torch.nn.BatchNorm1d(2)
        self.register_buffer("hidden", torch.zeros(2), persistent=False)
        self.register_buffer("absent", None)
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        self.hidden = self.hidden + 1  # another tensor each time
        return self.norm(self.linear(x))

    def get_extra_state(self):
        return {"calls": self.calls}

    def set_extra_state(self, state):
        self.calls = state["calls"]


def train(model, optimizer, n=3):
    for _ in range(n):
        optimizer.zero_grad()
        model(torch.randn(8, 3)).square().sum().backward()
        optimizer.step()


OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "Adam": lambda p: torch.optim.Adam(p, amsgrad=True),
    "Adam with a tensor for a rate": lambda p: torch.optim.Adam(p, lr=torch.tensor(0.01)),
    "RMSprop": lambda p: torch.optim.RMSprop(p, centered=True),
    "LBFGS": lambda p: torch.optim.LBFGS(p, lr=0.1),
}


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "LBFGS"])
@pytest.mark.parametrize("steps", [0, 2], ids=["fresh", "trained"])
def test_training_leaves_nothing_behind(name, steps):
    model = Counting()
    optimizer = OPTIMIZERS[name](model.parameters())
    train(model, optimizer, steps)
    model.norm.eval()
    model.linear.bias.requires_grad_(False)
    before = picture(model, optimizer)
    with kept(model, optimizer):
        model.train()
        model.linear.bias.requires_grad_(True)
        for group in optimizer.param_groups:
            group["lr"] = 0.5
            group["new"] = 1
        train(model, optimizer)
        random.random(), np.random.rand()  # noqa: NPY002 - the global generators are what is tested
        assert not same(before["weights"], picture(model, optimizer)["weights"])
    assert same(before, picture(model, optimizer))


def test_state_in_nested_containers_is_put_back():
    model = torch.nn.Linear(3, 1)
    optimizer = OPTIMIZERS["LBFGS"](model.parameters())

    def closure():
        optimizer.zero_grad()
        loss = (model(torch.ones(4, 3)) - 1).square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    before = picture(model, optimizer)
    with kept(model, optimizer):
        optimizer.step(closure)
    assert same(before["weights"], picture(model, optimizer)["weights"])
    assert same(before["state"], picture(model, optimizer)["state"])


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_everything_is_put_back_after_an_exception_and_after_an_interruption(error):
    model = Counting()
    optimizer = OPTIMIZERS["Adam"](model.parameters())
    train(model, optimizer)
    before = picture(model, optimizer)

    def fail():
        with kept(model, optimizer):
            train(model, optimizer)
            raise error

    with pytest.raises(error):
        fail()
    assert same(before, picture(model, optimizer))


def test_objects_remain_the_same_ones():
    model = Counting()
    optimizer = OPTIMIZERS["Adam with a tensor for a rate"](model.parameters())
    train(model, optimizer)
    group, rate, weight = optimizer.param_groups[0], optimizer.param_groups[0]["lr"], model.linear.weight
    hidden, gradient = model.hidden, model.linear.weight.grad
    with kept(model, optimizer):
        rate.fill_(3.0)
        train(model, optimizer)
    assert optimizer.param_groups[0] is group
    assert group["lr"] is rate
    assert model.linear.weight is weight
    assert model.hidden is hidden
    assert weight.grad is gradient
    assert rate == pytest.approx(0.01)


def test_it_can_be_put_back_any_number_of_times_in_between():
    model = Counting()
    optimizer = OPTIMIZERS["momentum"](model.parameters())
    before = picture(model, optimizer)
    ends = []
    with kept(model, optimizer) as undo:
        for _ in range(3):
            undo()
            assert same(before, picture(model, optimizer))
            train(model, optimizer)
            ends.append(model.linear.weight.detach().clone())
    assert torch.equal(ends[0], ends[2])


def test_training_afterwards_goes_as_if_nothing_had_been():
    def trained(*, between):
        torch.manual_seed(0)
        model = Counting()
        optimizer = OPTIMIZERS["Adam"](model.parameters())
        train(model, optimizer)
        if between:
            with kept(model, optimizer):
                train(model, optimizer, 5)
        train(model, optimizer)
        return model.state_dict()

    assert same(dict(trained(between=False)), dict(trained(between=True)))
