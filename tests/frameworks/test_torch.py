"""Schedules of torch: the curve of every value, torch's own classes, groups, and what can be kept."""

import io

import pytest

import welltempered as wt
from trainings import same

torch = pytest.importorskip("torch")

from torch.optim import SGD, lr_scheduler  # noqa: E402

EPOCHS = 12
STEPS = 5


def optimizer_of(*rates):
    return SGD([{"params": [torch.zeros(1, requires_grad=True)], "lr": rate} for rate in rates], 0.1)


def rates_of(optimizer, scheduler, count):
    """Return the first rates of all groups, one entry per step."""
    found = []
    for _ in range(count):
        found.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return found


THEIRS = {
    "step": (wt.StepDecay(0.2, 2), lambda optimizer: lr_scheduler.StepLR(optimizer, 4 * STEPS, 0.2)),
    "exponential": (wt.ExponentialDecay(3.0), lambda o: lr_scheduler.ExponentialLR(o, 2.718281828459045 ** (-3 / 60))),
    "polynomial": (
        wt.PolynomialDecay(0.5),
        lambda optimizer: lr_scheduler.PolynomialLR(optimizer, EPOCHS * STEPS, 0.5),
    ),
    "linear": (wt.PolynomialDecay(), lambda optimizer: lr_scheduler.PolynomialLR(optimizer, EPOCHS * STEPS)),
    "cosine": (wt.CosineDecay(), lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * STEPS)),
    "one cycle": (
        wt.OneCycle(rise=0.25),
        # Theirs counts steps from 1: the rise ends at `pct_start * total_steps - 1`, the cycle at `total_steps - 1`.
        lambda optimizer: lr_scheduler.OneCycleLR(
            optimizer, 0.1, total_steps=61, pct_start=(0.25 * 60 + 1) / 61, cycle_momentum=False
        ),
    ),
    "linear warm-up": (
        wt.Constant(warmup=4),
        lambda optimizer: lr_scheduler.LinearLR(optimizer, 1 / 20, total_iters=19),
    ),
}


@pytest.mark.parametrize("name", THEIRS)
def test_the_curve_is_that_of_torch_itself(name):
    schedule, make = THEIRS[name]
    ours, theirs = optimizer_of(0.1), optimizer_of(0.1)
    found = rates_of(ours, wt.for_torch(schedule, ours, epochs=EPOCHS, steps=STEPS), EPOCHS * STEPS)
    expected = rates_of(theirs, make(theirs), EPOCHS * STEPS)
    assert [rate for (rate,) in found] == pytest.approx([rate for (rate,) in expected], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("schedule", [wt.Constant(2), wt.StepDecay(), wt.CosineDecay(0.1, 1), wt.OneCycle()])
def test_a_scheduler_of_torch_has_the_curve_of_the_value_for_every_group(schedule):
    optimizer = optimizer_of(0.1, 0.02)
    scheduler = wt.for_torch(schedule, optimizer, epochs=EPOCHS)
    assert isinstance(scheduler, lr_scheduler.LambdaLR)
    found = rates_of(optimizer, scheduler, EPOCHS + 3)
    shares = [float(schedule.at(epoch, epochs=EPOCHS)) for epoch in range(EPOCHS + 3)]
    assert found == [pytest.approx([0.1 * share, 0.02 * share], rel=1e-12) for share in shares]


LOSSES = [3, 2, 2, 2, 2, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("steps", [1, STEPS])
def test_a_plateau_of_torch_falls_and_warms_up_as_the_value_says(steps):
    schedule = wt.ReduceOnPlateau(factor=0.5, patience=2, cooldown=1, floor=0.2, warmup=3)
    optimizer = optimizer_of(0.1, 0.02)
    scheduler = wt.for_torch(schedule, optimizer, epochs=EPOCHS, steps=steps)
    assert isinstance(scheduler, lr_scheduler.ReduceLROnPlateau)
    factor = 1.0
    for epoch, loss in enumerate(LOSSES):
        for step in range(steps):
            share = factor * float(schedule.warming(epoch * steps + step, steps=steps))
            assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.1 * share, 0.02 * share])
            assert scheduler.get_last_lr() == pytest.approx([0.1 * share, 0.02 * share])
            optimizer.step()
            if steps > 1:
                scheduler.step()
        scheduler.step(loss)
        factor = schedule.factors(LOSSES[: epoch + 1])[-1]
    assert factor < 0.5


@pytest.mark.parametrize("schedule", [wt.CosineDecay(warmup=1), wt.ReduceOnPlateau(0.5, 1, warmup=2)])
def test_a_scheduler_that_was_saved_goes_on_where_it_stood(schedule):
    def advance(optimizer, scheduler, losses):
        for loss in losses:
            optimizer.step()
            scheduler.step(*[loss] if isinstance(schedule, wt.ReduceOnPlateau) else [])

    whole, first, second = optimizer_of(0.1, 0.02), optimizer_of(0.1, 0.02), optimizer_of(0.1, 0.02)
    expected = wt.for_torch(schedule, whole, epochs=10)
    advance(whole, expected, LOSSES)
    stopped, resumed = (wt.for_torch(schedule, optimizer, epochs=10) for optimizer in (first, second))
    advance(first, stopped, LOSSES[:4])
    file = io.BytesIO()
    torch.save([first.state_dict(), stopped.state_dict()], file)
    file.seek(0)
    for thing, state in zip([second, resumed], torch.load(file, weights_only=True), strict=True):
        thing.load_state_dict(state)
    advance(second, resumed, LOSSES[4:])
    assert same(resumed.state_dict(), expected.state_dict())
    assert same(second.state_dict(), whole.state_dict())


@pytest.mark.parametrize("schedule", [wt.CosineDecay(), wt.ReduceOnPlateau(0.5, 1, warmup=3)])
def test_a_rate_that_is_a_tensor_stays_that_tensor(schedule):
    rate = torch.tensor(0.5)
    optimizer = SGD([torch.zeros(1, requires_grad=True)], rate)
    scheduler = wt.for_torch(schedule, optimizer, epochs=4)
    for _ in range(2):
        optimizer.step()
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == pytest.approx(0.5 * (0.5 if schedule == wt.CosineDecay() else 1))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("cosine", optimizer_of(0.1)), "schedule must be a schedule, such as CosineDecay(), got 'cosine'"),
        ((wt.CosineDecay, optimizer_of(0.1)), "schedule must be a schedule, such as CosineDecay(), got <class"),
        ((wt.CosineDecay(), 0.1), "optimizer must be an optimizer of torch, got 0.1"),
    ],
)
def test_wrong_arguments_are_refused_with_a_sentence(arguments, sentence):
    with pytest.raises(wt.InvalidInput) as error:
        wt.for_torch(*arguments, epochs=9)
    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"epochs": None}, {"epochs": 9, "steps": 1.5}])
def test_a_wrong_horizon_is_refused(wrong):
    with pytest.raises(wt.InvalidInput, match="must be a whole number of at least 1, got"):
        wt.for_torch(wt.CosineDecay(), optimizer_of(0.1), **wrong)


def test_swapped_arguments_are_called_so():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)
    with pytest.raises(wt.InvalidInput, match=r"^schedule must come before the optimizer, got SGD first: .* swapped$"):
        wt.for_torch(optimizer, wt.CosineDecay(), epochs=3)
