"""What a child takes of its parent's optimizers and schedules: what was learnt, but no hyperparameters."""

import pytest
import torch
from torch.optim import lr_scheduler as schedules

import welltempered as wt
from trainings import same, tune
from welltempered.frameworks.inherit import inherit

SPACE = wt.Space(lr=wt.Float(1e-3, 1, scale="log"), momentum=wt.Float(0, 0.99), weight_decay=wt.Float(0, 0.1))
STAGES = """[
    {"last": 3, "params": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0}},
    {"last": 9, "params": {"lr": 0.02, "momentum": 0.5, "weight_decay": 0.01}}
]"""


def trained(kind, steps=3, **arguments):
    """Return an optimizer that has taken some steps."""
    weights = torch.nn.Parameter(torch.ones(4))
    optimizer = kind([weights], **arguments)
    for _ in range(steps):
        optimizer.zero_grad()
        (weights**2).sum().backward()
        optimizer.step()
    return optimizer


@pytest.mark.parametrize(
    ("kind", "theirs", "ours"),
    [
        (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}, {"lr": 0.01, "momentum": 0.5, "weight_decay": 0.1}),
        (torch.optim.Adam, {"lr": 0.1, "betas": (0.9, 0.999)}, {"lr": 0.01, "betas": (0.8, 0.99), "eps": 1e-6}),
        (torch.optim.AdamW, {"lr": 0.1, "weight_decay": 0.1}, {"lr": 0.2, "weight_decay": 0.0}),
        (torch.optim.RMSprop, {"lr": 0.1, "alpha": 0.9}, {"lr": 0.2, "alpha": 0.99}),
    ],
)
def test_moments_are_the_parents_and_hyperparameters_its_own(kind, theirs, ours):
    parent, child = trained(kind, **theirs), trained(kind, 0, **ours)
    inherit(child, child.load_state_dict, parent.state_dict())
    assert same(child.state_dict()["state"], parent.state_dict()["state"])
    assert child.state_dict()["state"]
    assert {key: child.param_groups[0][key] for key in ours} == ours


def test_of_another_kind_of_optimizer_nothing_is_taken():
    parent, child = trained(torch.optim.Adam, lr=0.1), trained(torch.optim.SGD, 0, lr=0.01, momentum=0.9)
    before = child.state_dict()
    inherit(child, child.load_state_dict, parent.state_dict())
    assert same(child.state_dict(), before)


SCHEDULES = {
    "cosine": lambda optimizer: schedules.CosineAnnealingLR(optimizer, 10),
    "step": lambda optimizer: schedules.StepLR(optimizer, 2, gamma=0.5),
    "exponential": lambda optimizer: schedules.ExponentialLR(optimizer, 0.8),
    "function": lambda optimizer: schedules.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch)),
    "warm restarts": lambda optimizer: schedules.CosineAnnealingWarmRestarts(optimizer, 4),
    "one cycle": lambda optimizer: schedules.OneCycleLR(
        optimizer, 10 * optimizer.param_groups[0]["lr"], total_steps=10, cycle_momentum=False
    ),
    "sequence": lambda optimizer: schedules.SequentialLR(
        optimizer,
        [schedules.ConstantLR(optimizer, 0.1, 2), schedules.CosineAnnealingLR(optimizer, 8)],
        milestones=[2],
    ),
}


def rates(make, lr, epochs, then=None):
    """Return the rate of each epoch; `then` is the rate of a child that inherits after three."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=lr)
    schedule, found = make(optimizer), []
    for epoch in range(epochs):
        if epoch == 3 and then is not None:
            states = optimizer.state_dict(), schedule.state_dict()
            optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=then)
            schedule = make(optimizer)
            inherit(optimizer, optimizer.load_state_dict, states[0])
            inherit(schedule, schedule.load_state_dict, states[1])
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_goes_on_where_the_parent_was_with_the_childs_own_base_rate(name):
    make = SCHEDULES[name]
    straight = rates(make, 0.02, 9)
    assert rates(make, 0.1, 9, then=0.02)[3:] == pytest.approx(straight[3:])
    assert rates(make, 0.1, 9, then=0.02)[:3] == pytest.approx(rates(make, 0.1, 3))


def test_what_is_no_part_of_torch_is_restored_as_it_is():
    got = []
    inherit((None, None), got.append, {"a": 1})
    assert got == [{"a": 1}]


def train(run):
    """Train a line, and report what the optimizer does."""
    x = torch.linspace(-1, 1, 32).unsqueeze(1)
    model = torch.nn.Linear(1, 1)
    optimizer = run.build_optimizer(model, optimizer="sgd", steps=4)
    run.keep(model=model)
    for _ in run:
        for batch in torch.randperm(32).split(8):
            optimizer.zero_grad()
            loss = ((model(x[batch]) - 3 * x[batch]) ** 2).mean()
            loss.backward()
            optimizer.step()
        group = optimizer.param_groups[0]
        run.report(loss=loss, rate=group["lr"], momentum=group["momentum"], decay=group["weight_decay"])


@pytest.mark.parametrize(
    "schedule",
    [
        wt.Constant(),
        wt.Constant(warmup=5),
        wt.CosineDecay(),
        wt.OneCycle(),
        wt.ExponentialDecay(),
        wt.ReduceOnPlateau(),
    ],
    ids=repr,
)
def test_build_optimizer_gives_a_child_its_own_hyperparameters_at_the_parents_place(schedule):
    space = wt.Space(SPACE, schedule=wt.Choice({"it": schedule}))
    with_schedule = STAGES.replace('"lr"', '"schedule": "it", "lr"')
    with tune(train, space=space, method=wt.Staged(with_schedule), budget=None) as study:
        reports = study.trials[1].reports
        assert [report.metrics["momentum"] for report in reports] == [0.9] * 3 + [0.5] * 6
        assert [report.metrics["decay"] for report in reports] == [0.0] * 3 + [0.01] * 6
        found = [report.metrics["rate"] for report in reports]
    alone = with_schedule.replace("0.1,", "0.02,")
    with tune(train, space=space, method=wt.Staged(alone), budget=None) as study:
        small = [report.metrics["rate"] for report in study.trials[1].reports]
    if not isinstance(schedule, wt.ReduceOnPlateau):  # which follows losses, and those differ
        assert found[3:] == pytest.approx(small[3:])
    assert max(found[3:]) <= 0.02 + 1e-9


def test_a_plateau_that_has_fallen_stays_fallen():
    schedule = wt.ReduceOnPlateau(factor=0.5, patience=1, floor=0.0)
    rate = {}
    for lr in (0.1, 0.02):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=lr)
        rate[lr] = optimizer, wt.for_torch(schedule, optimizer, epochs=9)
    (parent, theirs), (child, ours) = rate.values()
    for _ in range(3):
        parent.step()
        theirs.step(1.0)
    fallen = parent.param_groups[0]["lr"] / 0.1
    assert fallen < 1
    inherit(child, child.load_state_dict, parent.state_dict())
    inherit(ours, ours.load_state_dict, theirs.state_dict())
    assert child.param_groups[0]["lr"] == pytest.approx(0.02 * fallen)
    child.step()
    ours.step(1.0)
    assert child.param_groups[0]["lr"] == pytest.approx(0.01 * fallen)
