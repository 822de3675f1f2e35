"""The training code of the demo: it learns, it continues exactly, and it survives bad params."""

import copy
import math
import pickle

import pytest
import torch

from welltempered.demo import train
from welltempered.demo.data import load

GOOD = {"lr": 0.05, "momentum": 0.9, "units": 64, "depth": 1, "dropout": 0.1}


class Lease:
    """What training code sees of a run, without a study: some epochs, from a saved state or none."""

    horizon = 27
    device = "cpu"

    def __init__(self, params, until, after=None):
        self.params = params
        self.epochs = range(after.epochs.stop if after else 1, until + 1)
        self.saved = after.saved if after else None
        self.reports = []
        self.kept = {}
        torch.manual_seed(0)

    def keep(self, **state):
        self.kept = state
        for name, thing in state.items():
            if self.saved:
                thing.load_state_dict(self.saved[name])

    def __iter__(self):
        for epoch in self.epochs:
            torch.manual_seed(epoch)
            yield epoch
        self.saved = {name: copy.deepcopy(it.state_dict()) for name, it in self.kept.items()}

    def report(self, **metrics):
        self.reports.append({name: float(value) for name, value in metrics.items()})


def trained(params, until, after=None):
    lease = Lease(params, until, after)
    train.Train()(lease)
    return lease


def test_a_few_epochs_on_digits_give_more_than_ninety_percent():
    lease = trained(GOOD, until=5)
    assert lease.reports[-1]["val_accuracy"] > 0.9
    assert train.test_accuracy(GOOD, lease.saved["model"], load("digits")) > 0.9


def test_losses_fall():
    first, *_, last = trained(GOOD, until=5).reports
    assert last["train_loss"] < first["train_loss"]
    assert last["val_loss"] < first["val_loss"]


def test_training_that_stops_and_continues_is_training_that_does_not_stop():
    through = trained(GOOD, until=3)
    stopped = trained(GOOD, until=1)
    continued = trained(GOOD, until=3, after=stopped)
    assert stopped.reports + continued.reports == through.reports


def test_learning_rate_falls_over_a_full_training():
    lease = trained(GOOD, until=27)
    assert lease.saved["optimizer"]["param_groups"][0]["lr"] == pytest.approx(0, abs=1e-9)


def test_diverging_training_reports_a_poor_accuracy():
    lease = trained(GOOD | {"lr": 1.0, "momentum": 0.99, "depth": 3}, until=2)
    assert 0 <= lease.reports[-1]["val_accuracy"] < 0.5
    assert math.isnan(lease.reports[-1]["val_loss"]) or lease.reports[-1]["val_loss"] > 1


def test_test_part_does_not_change_the_model():
    state = trained(GOOD, until=1).saved["model"]
    before = copy.deepcopy(state)
    train.test_accuracy(GOOD, state, load("digits"))
    assert all(torch.equal(state[name], before[name]) for name in before)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_network_has_as_many_hidden_layers_as_asked_for(depth):
    network = train.MLP(n_in=64, classes=10, units=32, depth=depth, dropout=0.5)
    sizes = [(m.in_features, m.out_features) for m in network if isinstance(m, torch.nn.Linear)]
    assert sizes == [(64, 32), *[(32, 32)] * (depth - 1), (32, 10)]


def test_training_code_can_be_sent_to_another_process(tmp_path):
    code = train.Train("fashion-mnist", tmp_path)
    assert pickle.loads(pickle.dumps(code)) == code


def test_space_holds_what_the_network_needs():
    assert set(train.SPACE) == set(GOOD)
    assert train.SPACE.contains(GOOD)
