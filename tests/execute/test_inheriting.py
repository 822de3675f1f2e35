"""Trials that begin with the state of another one: real training, killed, and with checkpoints that are damaged."""

import contextlib
import json

import pytest
import torch

import welltempered as wt
from torch_training import checksum
from trainings import EVERY_EPOCH, end, eventually, kinds, program, reports, same, spent, tune
from welltempered.execute.inline import Inline

SPACE = wt.Space(lr=wt.Float(1e-3, 1, scale="log"), momentum=wt.Float(0.5, 0.99, scale="one_minus_log"))
METHOD = wt.PBT(wt.Sobol(), population=4, every=2)

INPUTS = torch.randn(96, 8, generator=torch.Generator().manual_seed(1))
TARGETS = (INPUTS[:, :3].sum(1) > 0).long()


def train(run):
    """Train a net with dropout, and report a checksum of its weights."""
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Dropout(0.3), torch.nn.Linear(16, 2))
    optimizer = run.build_optimizer(model, optimizer="sgd")
    run.keep(model=model)
    for _ in run:
        model.train()
        for batch in torch.randperm(len(INPUTS)).split(16):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(INPUTS[batch]), TARGETS[batch]).backward()
            optimizer.step()
        model.eval()
        loss = torch.nn.functional.cross_entropy(model(INPUTS), TARGETS)
        run.report(loss=loss, weights=checksum(model), rate=optimizer.param_groups[0]["lr"])


def settings(**changes):
    return {"train": train, "space": SPACE, "method": METHOD, "budget": None} | changes


@pytest.fixture(scope="module")
def undisturbed():
    with tune(**settings()) as study:
        return reports(study), [trial.lineage for trial in study.trials], study.checkpoint(study.best), study.stages()


def is_the_same(study, undisturbed):
    found = reports(study), [trial.lineage for trial in study.trials], study.checkpoint(study.best), study.stages()
    assert found[:2] == undisturbed[:2]
    assert same(found[2], undisturbed[2]), "weights and moments, bit for bit"
    assert found[3] == undisturbed[3]
    assert study.replay(verify=True).differences == ()
    return True


def test_a_child_goes_on_from_its_parents_weights_with_params_of_its_own(undisturbed):
    all_reports, lineages, *_ = undisturbed
    children = [lineage for lineage in lineages if len(lineage) > 1]
    assert len(children) >= 4
    for *_, before, own in children:
        assert all_reports[own.trial][: own.after] == all_reports[before.trial][: own.after]
        assert {report["rate"] for report in all_reports[own.trial][own.after :]} == {own.params["lr"]}


POPULATION = """
    import sys, time, torch
    torch.set_num_threads(1)
    import test_inheriting as here
    from trainings import EVERY_EPOCH, tune

    def slow(run):
        report = run.report
        def late(**metrics):
            time.sleep(0.05)
            report(**metrics)
        run.report = late
        here.train(run)

    with tune(**here.settings(train=slow, workers=1, limits=EVERY_EPOCH, path=sys.argv[1])):
        print("over")
"""


def test_training_that_is_killed_has_the_same_lineages_and_weights_when_it_goes_on(tmp_path, undisturbed, monkeypatch):
    folder = tmp_path / "study"
    monkeypatch.syspath_prepend(__file__.rpartition("/")[0])
    for least in (9, 17, 26):
        driver = program(tmp_path, POPULATION, folder)
        eventually(lambda least=least: spent(folder) >= least)
        end(driver)
    with tune(**settings(workers=1, limits=EVERY_EPOCH, path=folder)) as study:
        assert {cut.reason for cut in kinds(study, wt.Cut)} == {"driver lost"}
        assert any(trial.cuts for trial in study.trials)
        assert is_the_same(study, undisturbed)


STAGES = json.dumps(
    [
        {"last": 3, "params": {"lr": 0.1, "momentum": 0.9}},
        {"last": 6, "params": {"lr": 0.01, "momentum": 0.5}},
    ]
)


def interrupted_at(folder, epochs, **changes):
    """Return the settings of a fixed schedule that has been interrupted after some epochs."""
    fixed = settings(method=wt.Staged(STAGES), epochs=6, path=folder) | changes
    with contextlib.closing(tune(**fixed | {"budget": f"{epochs} epochs"})):
        return fixed


def test_a_child_that_is_cut_goes_on_from_its_own_checkpoint_and_before_it_has_one_from_its_parents(tmp_path):
    with tune(**settings(method=wt.Staged(STAGES), epochs=6)) as whole:
        for epochs in (3, 4):
            with tune(**interrupted_at(tmp_path / str(epochs), epochs)) as study:
                assert reports(study) == reports(whole)
                assert same(study.checkpoint(1), whole.checkpoint(1))


class Dying(Inline):
    """Loses the lease of trial 1 before it has trained an epoch, once."""

    died = False

    def assign(self, slot, lease):
        if lease.trial.id == 1 and not Dying.died:
            self._lost = lease.trial.id
        else:
            super().assign(slot, lease)

    def poll(self, timeout):
        if getattr(self, "_lost", None) is None:
            return super().poll(timeout)
        Dying.died, self._lost = True, None
        return [wt.Lost(1, "worker lost", "its worker died")]


def test_a_child_whose_worker_dies_in_its_first_epoch_begins_again_with_its_parents_state(tmp_path):
    with tune(**settings(method=wt.Staged(STAGES), epochs=6)) as whole:
        experiment = wt.Experiment(train, SPACE, minimize="loss", epochs=6, method=wt.Staged(STAGES))
        with wt.Study.create(experiment, tmp_path / "study") as study:
            study.drive(Dying(train, study.setting()), budget=None)
            assert [(cut.trial, cut.epoch) for cut in kinds(study, wt.Cut)] == [(1, 3)]
            assert study.trials[1].parent == wt.Origin(0, 3)
            assert reports(study) == reports(whole)


@pytest.mark.parametrize("damage", ["damaged", "deleted"])
def test_a_child_whose_parents_state_is_lost_begins_anew_without_a_parent(tmp_path, damage):
    folder = tmp_path / "study"
    fixed = interrupted_at(folder, 3)
    file = next((folder / "checkpoints").glob("0-3-*"))
    if damage == "damaged":
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    else:
        file.unlink()
    with tune(**fixed) as study:
        child = study.trials[1]
        assert [(cut.trial, cut.epoch, cut.reason) for cut in kinds(study, wt.Cut)] == [(1, 0, "checkpoint damaged")]
        assert (child.parent, child.inherited, child.state) == (None, 0, "complete")
        assert {report.metrics["rate"] for report in child.reports} == {0.01}
        assert study.stages(1) == [{"trial": 1, "first": 1, "last": 6, "params": child.params}]
        assert study.replay(verify=True).differences == ()


def test_a_child_whose_own_checkpoint_is_damaged_goes_on_from_its_parents(tmp_path):
    folder = tmp_path / "study"
    fixed = interrupted_at(folder, 4, limits=wt.Limits(saving=0))
    file = next((folder / "checkpoints").glob("1-4-*"))
    file.write_bytes(b"nothing")
    with tune(**fixed) as study, tune(**settings(method=wt.Staged(STAGES), epochs=6)) as whole:
        assert [(cut.epoch, cut.reason) for cut in kinds(study, wt.Cut)] == [(4, "budget"), (3, "checkpoint damaged")]
        assert reports(study) == reports(whole)
