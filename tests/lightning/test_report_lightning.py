"""A Lightning trainer trains a trial: each epoch is reported, and whoever stops goes on bit for bit."""

import json
import re
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import welltempered as wt
from pages import DOCS, blocks
from trainings import EVERY_EPOCH, Pieces, reports, same, tune

pytest.importorskip("lightning.pytorch")
load_digits = pytest.importorskip("sklearn.datasets").load_digits

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what it imports
    import lightning_training as theirs
    import torch
    from lightning.pytorch.callbacks import EarlyStopping
    from torch.nn.functional import cross_entropy

SPACE = wt.Space(kind=wt.Choice(*theirs.KINDS))
ONE = wt.Space(kind=wt.Choice("cosine"), lr=wt.Float(0.01, 0.1))


class KeepAll(Pieces):
    """Pieces of trials, of which every checkpoint stays to be compared."""

    def keeps(self, history):
        return range(len(history.trials))


class Whole(KeepAll):
    """The same trials, each in one piece."""

    def next(self, history, held):
        started = len(history.trials)
        return wt.Wait() if started == self.trials else wt.Start(self.searcher.suggest(history), history.epochs)


def study_of(method, train=theirs.train, *, trials=4, space=SPACE, **settings):
    settings = {"minimize": "val_loss", "epochs": 5, "budget": None} | settings
    return tune(train, space=space, method=method(wt.Grid(), trials=trials, first=2, together=True), **settings)


def results(study):
    assert {trial.state for trial in study.trials} == {"complete"}, [trial.error for trial in study.trials]
    return reports(study), [study.checkpoint(trial) for trial in study.trials]


@pytest.fixture(scope="module")
def whole():
    """All kinds, five epochs without a stop."""
    with study_of(Whole) as study:
        return results(study)


def test_each_epoch_reports_what_the_module_has_logged(whole):
    found, states = whole
    assert [len(epochs) for epochs in found] == [5] * 4
    names = {"loss", "loss_epoch", "loss_step", "val_loss", "rate"}
    assert all(epoch.keys() == names for epochs in found for epoch in epochs)
    assert len({epoch["loss"] for epochs in found for epoch in epochs}) == 20
    assert len({epoch["rate"] for epoch in found[0]}) == 5
    for state in states:
        assert state["trainer"]["state_dict"].keys() == theirs.Net("cosine").state_dict().keys()


def test_trials_that_take_turns_go_on_exactly(whole):
    with study_of(KeepAll) as study:
        assert same(results(study), whole)


def test_a_trial_whose_process_is_killed_goes_on_exactly_in_another(whole, tmp_path, monkeypatch):
    monkeypatch.setenv("MARK", str(tmp_path / "mark"))
    settings = {"space": wt.Space(kind=wt.Choice("cosine")), "workers": 1, "limits": EVERY_EPOCH}
    with study_of(Whole, theirs.train_until_killed, trials=1, **settings) as study:
        (cut,) = [event for event in study.history.events if isinstance(event, wt.Cut)]
        assert (cut.epoch, cut.reason) == (3, "worker lost")
        assert reports(study) == whole[0][:1]


def trained(train, space=ONE, **settings):
    """Return the only trial of a study of this training."""
    with study_of(Whole, train, trials=1, space=space, **settings) as study:
        return study.trials[0]


def test_without_validation_the_loss_of_training_is_the_objective():
    trial = trained(lambda run: theirs.fit(run, theirs.Net("cosine"), held_out=False), minimize="loss", epochs=2)
    assert [*trial.reports[-1].metrics] == ["loss", "loss_step", "loss_epoch", "rate"]


def test_a_metric_that_an_epoch_does_not_log_is_reported_as_it_was_also_after_a_stop():
    def train(run):
        theirs.fit(run, theirs.Net("cosine"), check_val_every_n_epoch=2)

    found = []
    for method in (Whole, KeepAll):
        with study_of(method, train, trials=2, space=ONE, minimize="loss", epochs=4) as study:
            found.append(reports(study))
    assert found[0] == found[1]
    seen = [epoch.get("val_loss") for epoch in found[0][0]]
    assert seen[0] is None
    assert seen[1] == seen[2] != seen[3]


def test_a_trainer_that_ends_early_ends_the_trial():
    def impatient(run):
        theirs.fit(run, theirs.Net("cosine"), EarlyStopping("val_loss", patience=1, min_delta=9))

    stopped, short = trained(impatient), trained(lambda run: theirs.fit(run, theirs.Net("cosine"), max_epochs=3))
    assert (stopped.epoch, stopped.ended) == (2, "finished")
    assert (short.epoch, short.ended) == (3, "finished")


def test_a_child_takes_weights_and_moments_but_keeps_its_own_rate():
    def train(run):
        theirs.fit(run, theirs.Net("cosine", run.params["lr"]))

    def rates(first):
        stages = [{"last": last, "params": {"kind": "cosine", "lr": lr}} for last, lr in ((2, first), (4, 0.02))]
        method = wt.Staged(json.dumps(stages))
        with tune(train, space=ONE, minimize="val_loss", epochs=4, method=method, budget=None) as study:
            parent, child = study.trials
            assert child.parent == wt.Origin(parent.id, 2), child.error
            state = study.checkpoint(child)["trainer"]["optimizer_states"][0]["state"][0]
            assert state["step"] == 16
            return [report.metrics["rate"] for report in child.reports]

    assert rates(0.1)[2:] == pytest.approx(rates(0.02)[2:])


def test_the_documentation_shows_how():
    (code,) = [block.code for block in blocks(DOCS / "pytorch.md", "python") if "lightning.Trainer" in block.code]
    x, y = load_digits(return_X_y=True)
    page = {"x": x.astype("float32")[:200] / 16, "y": y[:200], "torch": torch, "cross_entropy": cross_entropy, "wt": wt}
    exec(compile(code, "pytorch.md", "exec"), page)
    with page["study"] as study:
        assert study.history.spent == 9
        assert cross_entropy(page["net"].net(torch.tensor(page["x"])), torch.tensor(page["y"])).item() < 2.3


def refused(train):
    trial = trained(train)
    assert trial.state == "failed"
    return trial.error.strip().splitlines()[-1].removeprefix("welltempered.errors.InvalidInput: ")


def fitting_twice(run):
    trainer = theirs.fit(run, theirs.Net("cosine"), max_epochs=1)
    trainer.fit(trainer.lightning_module, trainer.train_dataloader)


def with_a_path(run):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "other.ckpt"
        theirs.fit(None, theirs.Net("cosine")).save_checkpoint(path)
        theirs.fit(run, theirs.Net("cosine"), path=path)


WRONG = [
    (
        lambda run: theirs.fit(run, theirs.Net("cosine", log="validation")),
        "the module must log the objective 'val_loss', got 'loss', 'loss_step', 'validation', .*; write self.log",
    ),
    (fitting_twice, "Report must be given to one trainer that fits once, got a second call of fit"),
    (
        with_a_path,
        "fit must begin after epoch 0 of the trial, got 1; Report restores what is needed: leave out ckpt_path",
    ),
    (lambda _: wt.lightning.Report(3), "run must be the run that training code is given, got int"),
]


@pytest.mark.parametrize(("train", "sentence"), WRONG)
def test_wrong_use_is_refused_with_a_sentence(train, sentence):
    assert re.match(sentence, refused(train))
