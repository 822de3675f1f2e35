"""The optimizers that `build_optimizer` makes take torch's fused steps where they can, and only there."""

import pytest

import welltempered as wt
from trainings import Pieces, reports, tune

torch = pytest.importorskip("torch")

from welltempered.frameworks.inherit import inherit  # noqa: E402
from welltempered.frameworks.torch import optimizer_of  # noqa: E402

SPACE = wt.Space(x=wt.Float(0, 1))
FUSED = {"sgd", "nesterov", "adagrad", "adam", "adamw"}


def layer():
    torch.manual_seed(0)
    return torch.nn.Linear(3, 2)


def trained(model, optimizer, steps=3):
    for _ in range(steps):
        optimizer.zero_grad()
        (model.weight**2).sum().backward()
        optimizer.step()
    return optimizer


@pytest.mark.parametrize("name", ["sgd", "nesterov", "rmsprop", "adagrad", "adam", "adamw", "nadam"])
def test_where_torch_has_a_fused_step_it_is_taken_and_comes_to_the_same(name):
    fused = optimizer_of(model := layer(), {"lr": 0.1}, name, "")
    assert (fused.param_groups[0].get("fused") is True) == (name in FUSED)
    plain = optimizer_of([{"params": (other := layer()).parameters(), "fused": False}], {"lr": 0.1}, name, "")
    assert not plain.param_groups[0]["fused"]
    trained(model, fused)
    trained(other, plain)
    assert torch.allclose(model.weight, other.weight, atol=1e-6)


class Sparse(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(4, 2, sparse=True)


@pytest.mark.parametrize(
    "parameters",
    [
        Sparse(),
        [torch.nn.Parameter(torch.ones(2, dtype=torch.complex64))],
        [{"params": [torch.nn.Parameter(torch.ones(2))], "foreach": True}],
        [{"params": [torch.nn.Parameter(torch.ones(2))], "differentiable": True}],
        [torch.nn.Parameter(torch.ones(2, device="meta"))],
    ],
    ids=["sparse", "complex", "foreach", "differentiable", "device"],
)
def test_what_a_fused_step_cannot_take_or_somebody_has_chosen_otherwise_is_as_torch_has_it(parameters):
    assert optimizer_of(parameters, {}, "sgd", "").param_groups[0]["fused"] is None


def train(run):
    model = layer()
    group = {"params": model.parameters(), **({"fused": False} if run.epoch == 0 else {})}  # as it was before
    optimizer = run.build_optimizer([group], optimizer="adam")
    run.keep(model=model)
    for _ in run:
        trained(model, optimizer)
        run.report(loss=model.weight.sum(), fused=float(optimizer.param_groups[0]["fused"]))


def test_a_trial_from_before_goes_on_exactly_without():
    found = []
    for together in (False, True):
        with tune(train, space=SPACE, method=Pieces(first=9 - 6 * together, together=together), budget=None) as study:
            found.append(reports(study))
    assert found[0] == found[1]
    assert {report["fused"] for trial in found[1] for report in trial} == {0.0}


def test_a_child_has_a_fused_step_though_its_parent_had_none():
    parent = trained(model := layer(), torch.optim.Adam(model.parameters(), lr=0.1))
    child = optimizer_of(other := layer(), {"lr": 0.01}, "adam", "")
    inherit(child, child.load_state_dict, parent.state_dict())
    assert child.param_groups[0]["fused"] is True
    assert child.param_groups[0]["lr"] == 0.01
    assert child.state_dict()["state"][0]["step"] == 3
    trained(other, child)
    assert child.state_dict()["state"][0]["step"] == 6
