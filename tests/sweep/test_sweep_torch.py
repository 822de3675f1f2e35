"""The range test of real trainings: what it finds, that it leaves nothing behind, and what it refuses."""

import itertools
import math

import pytest
import torch
from pictures import picture, same
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

import welltempered as wt
from welltempered import InvalidInput

STEPS = 60


class Digits:
    """A small network that learns digits, with normalisation and dropout; counts its steps."""

    def __init__(self, make=lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), *, norm=True, seed=0):
        torch.manual_seed(seed)
        pixels, classes = load_digits(return_X_y=True)
        self.x, self.y = torch.tensor(pixels, dtype=torch.float32) / 8 - 1, torch.tensor(classes)
        layers = [nn.BatchNorm1d(32), nn.Dropout(0.1)] if norm else []
        self.model = nn.Sequential(nn.Linear(64, 32), *layers, nn.ReLU(), nn.Linear(32, 10))
        self.optimizer = make(self.model.parameters())
        self.steps, self.rates, self.losses = 0, [], []

    def step(self):
        self.steps += 1
        self.rates.append([float(group["lr"]) for group in self.optimizer.param_groups])
        batch = torch.randint(0, len(self.x), (32,))
        self.optimizer.zero_grad()
        loss = functional.cross_entropy(self.model(self.x[batch]), self.y[batch])
        loss.backward()
        self.optimizer.step()
        self.losses.append(loss.item())
        return loss

    def test(self, **options):
        return wt.range_test(self.step, self.model, self.optimizer, **({"steps": STEPS} | options))


def final_loss(rate, make):
    """The loss after training at a constant rate."""
    training = Digits(make, norm=False)
    for group in training.optimizer.param_groups:
        group["lr"] = rate
    for _ in range(150):
        training.step()
    last = sum(training.losses[-20:]) / 20
    return last if math.isfinite(last) else math.inf


@pytest.mark.parametrize("make", [torch.optim.SGD, torch.optim.Adam, torch.optim.RMSprop])
def test_the_suggested_rate_trains_and_the_ends_of_what_was_swept_do_not(make):
    found = Digits(make, norm=False).test()
    assert found.confidence in {"high", "fair", "low"}
    assert found.low < found.suggested < found.high
    middle, lowest, beyond = (final_loss(r, make) for r in (found.suggested, found.low / 300, found.high * 100))
    assert middle < 0.7
    assert middle < lowest / 2
    assert middle < beyond / 2


@pytest.mark.parametrize("make", [torch.optim.SGD, torch.optim.AdamW])
def test_nothing_is_left_behind(make):
    training = Digits(make)
    training.step()
    training.model[1].eval()
    before = picture(training.model, training.optimizer)
    training.test()
    assert same(before, picture(training.model, training.optimizer))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("after", [0, 10, 40])
def test_nothing_is_left_behind_when_a_step_fails(error, after):
    training = Digits()
    before = picture(training.model, training.optimizer)

    def step():
        loss = training.step()
        if training.steps > after:
            raise error("in the middle")
        return loss

    with pytest.raises(error, match="in the middle"):
        wt.range_test(step, training.model, training.optimizer, steps=STEPS)
    assert same(before, picture(training.model, training.optimizer))


@pytest.mark.parametrize("steps", [30, 41, 200, 900])
def test_it_takes_no_more_steps_than_it_may(steps):
    training = Digits()
    found = training.test(steps=steps)
    assert found.steps == training.steps <= steps
    assert 3 <= len(found.sweeps) <= 6


def test_a_sweep_ends_when_the_loss_diverges():
    training = Digits(norm=False)
    found = training.test()
    assert any(sweep.diverged for sweep in found.sweeps)
    assert max(sweep.rates[-1] for sweep in found.sweeps if sweep.diverged) < found.swept[1]
    assert all(loss < 1e9 or math.isinf(loss) for sweep in found.sweeps for loss in sweep.losses[:-3])


def test_a_loss_belongs_to_the_rate_of_the_step_before_it():
    training = Digits()
    found = training.test()
    first = found.sweeps[0]
    n = len(first.losses)
    assert first.initial == pytest.approx(training.losses[0])
    assert first.losses == pytest.approx(training.losses[1 : n + 1])
    assert first.rates == pytest.approx([rates[0] for rates in training.rates[:n]])


def test_seeds_differ_between_sweeps_and_the_same_seed_gives_the_same_result():
    one, two, other = (Digits().test(seed=seed) for seed in (1, 1, 2))
    assert one == two
    assert one.sweeps != other.sweeps
    starts = [sweep.initial for sweep in one.sweeps]
    assert len(set(starts)) == len(starts)


def test_the_callers_own_random_numbers_do_not_matter():
    training, other = Digits(), Digits()
    torch.manual_seed(99)
    assert training.test() == other.test()


def test_groups_keep_their_ratio():
    def make(parameters):
        first, *rest = parameters
        return torch.optim.SGD([{"params": [first], "lr": 0.02}, {"params": rest, "lr": 0.2}], lr=1.0)

    training = Digits(make)
    found = training.test()
    assert all(two == pytest.approx(10 * one) for one, two in training.rates)
    assert training.rates[0][0] == pytest.approx(found.swept[0])
    assert [group["lr"] for group in training.optimizer.param_groups] == [0.02, 0.2]


def test_a_rate_that_is_a_tensor_is_swept_in_place():
    training = Digits(lambda p: torch.optim.Adam(p, lr=torch.tensor(0.01)))
    rate = training.optimizer.param_groups[0]["lr"]
    assert training.test().confidence != "none"
    assert training.optimizer.param_groups[0]["lr"] is rate
    assert float(rate) == pytest.approx(0.01)


def test_a_step_that_does_not_train_is_named():
    training = Digits()
    found = wt.range_test(lambda: 1.5, training.model, training.optimizer, steps=50)
    assert found.confidence == "none"
    assert (found.low, found.high) == found.swept
    assert "optimizer.step()" in str(found)


def test_a_loss_that_is_nan_from_the_start_costs_one_step():
    training = Digits()
    found = wt.range_test(lambda: math.nan, training.model, training.optimizer, steps=50)
    assert found.steps == 1
    assert "not finite before the first step" in str(found)


def test_a_loss_that_is_nan_after_every_step_says_to_sweep_lower():
    training = Digits()
    losses = itertools.chain([2.3], itertools.repeat(math.nan))
    found = wt.range_test(lambda: next(losses), training.model, training.optimizer, steps=50)
    assert "sweep from lower" in str(found)
    assert found.steps < 5


@pytest.mark.parametrize("huge", [1e308, -1e308, 1e200, -1e101])
@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_loss_that_is_huge_has_diverged(huge, after):
    training = Digits()
    losses = itertools.chain([2.3] * after, itertools.cycle([huge, -huge]))
    found = wt.range_test(lambda: next(losses), training.model, training.optimizer, steps=50)
    assert found.confidence == "none"
    assert found.sweeps[0].diverged
    assert "not finite before the first step" in str(found) or after


@pytest.mark.parametrize("huge", [1e100, 1e60])
def test_a_loss_that_is_nearly_huge_is_still_a_number(huge):
    """NumPy's warnings would be errors here."""
    training = Digits()
    losses = itertools.chain([huge] * 9, itertools.cycle([huge / 2, 1.0, -huge]))
    found = wt.range_test(lambda: next(losses), training.model, training.optimizer, steps=50)
    assert math.isfinite(found.sweeps[0].initial)


WRONG = [
    (
        {"steps": 29},
        r"steps must be a whole number of at least 30, got steps=29; .* give steps=2\*len\(loader\) or more, and a .*",
    ),
    ({"steps": 50.0}, "steps must be a whole number"),
    ({"seed": -1}, "seed must be a whole number of at least 0"),
    ({"rates": (0.1, 0.01)}, "rates must be positive and at least a factor of 10 apart"),
    ({"rates": (0, 1)}, "rates must be positive"),
    ({"rates": (1e-3, math.nan)}, "rates must be positive"),
    ({"rates": (1e-3, math.inf)}, "rates must be positive"),
    ({"rates": 0.1}, "rates must be the smallest and the largest learning rate"),
    ({"rates": ("a", "b")}, "rates must be the smallest and the largest learning rate"),
]


@pytest.mark.parametrize(("options", "message"), WRONG, ids=str)
def test_wrong_options_end_in_a_sentence(options, message):
    with pytest.raises(InvalidInput, match=message):
        Digits().test(**options)


def test_wrong_things_to_train_end_in_a_sentence():
    training = Digits()
    step, model, optimizer = training.step, training.model, training.optimizer
    other = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
    still = torch.optim.SGD(model.parameters(), lr=0.0)
    lazy = nn.Sequential(model, nn.LazyLinear(3))
    frozen = nn.Linear(64, 10).requires_grad_(requires_grad=False)
    for arguments, message in [
        ((lambda batch: step(), model, optimizer), "train_step must be a function without arguments .*'batch'"),
        ((step, frozen, torch.optim.SGD(frozen.parameters(), lr=0.1)), "optimizer must have parameters that can be"),
        ((step(), model, optimizer), "train_step must be a function without arguments"),
        ((step, step, optimizer), "model must be a torch.nn.Module"),
        ((step, model, model), "optimizer must be a torch.optim.Optimizer"),
        ((step, model, other), "optimizer must train parameters of the model"),
        ((step, model, still), "optimizer must have a positive learning rate in its first group"),
        ((step, lazy, optimizer), "model must know the shapes of its parameters"),
    ]:
        with pytest.raises(InvalidInput, match=message):
            wt.range_test(*arguments, steps=50)


@pytest.mark.parametrize("loss", [None, "1.0 and more", torch.ones(2), {}])
def test_a_loss_that_is_no_number_ends_in_a_sentence(loss):
    training = Digits()
    with pytest.raises(InvalidInput, match="train_step must return the loss"):
        wt.range_test(lambda: loss, training.model, training.optimizer, steps=50)


def test_batches_that_end_are_named():
    training = Digits()
    batches = iter(range(7))

    def step():
        next(batches)
        return training.step()

    with pytest.raises(InvalidInput, match="train_step must go on for ever"):
        wt.range_test(step, training.model, training.optimizer, steps=50)


def test_a_schedule_in_the_step_is_named():
    training = Digits()
    schedule = torch.optim.lr_scheduler.ExponentialLR(training.optimizer, 0.9)

    def step():
        loss = training.step()
        schedule.step()
        return loss

    with pytest.raises(InvalidInput, match="train_step must not set the learning rate"):
        wt.range_test(step, training.model, training.optimizer, steps=50)
    assert training.optimizer.param_groups[0]["lr"] == 0.1
