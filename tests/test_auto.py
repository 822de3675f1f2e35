"""The method of those who name none: what is chosen, why, and that it stays."""

import json
import math

import msgspec
import pytest

import welltempered as wt
from simulated import SPACES, calm, simulate
from trainings import SPACE, experiment, steady, tune
from welltempered import header as headers
from welltempered.auto import choose
from welltempered.view.status import method
from welltempered.view.summary import show

FEW = wt.Full(wt.Portfolio([wt.GP(), wt.TPE()]))
MANY = wt.Full(wt.TPE())
TINY = wt.Space(depth=wt.Int(1, 4), width=wt.Choice(32, 64, 128))
HALVING = wt.Halving(wt.TPE())
THAWS = "trials can be resumed, and a full training has 50 epochs"


def chosen(space=SPACE, *, epochs=50, resumable=True, budget=None):
    """Return what is chosen and why."""
    return choose(space, epochs=epochs, resumable=resumable, budget=wt.Budget.of(budget))


@pytest.mark.parametrize("budget", [None, "50 epochs", "1000000 epochs", "10 min", "90 trials, 90 epochs"])
def test_long_trainings_that_can_be_resumed_are_frozen_and_thawed_whatever_the_budget(budget):
    assert chosen(budget=budget) == (wt.FreezeThaw(), THAWS)


def test_long_trainings_that_cannot_be_resumed_are_halved():
    why = "trials cannot be resumed, and a full training has 50 epochs"
    assert chosen(resumable=False) == chosen(resumable=False, budget="1000 epochs") == (HALVING, why)


def test_training_is_long_from_four_epochs_on():
    assert chosen(epochs=3) == (FEW, "a full training has 3 epochs only")
    assert chosen(epochs=3, resumable=False).method == FEW
    assert chosen(epochs=4).method == wt.FreezeThaw()
    assert chosen(epochs=4, resumable=False).method == HALVING


def test_one_epoch_is_written_as_one():
    assert chosen(epochs=1).why == "a full training has 1 epoch only"


@pytest.mark.parametrize(
    ("budget", "method"),
    [
        (None, FEW),
        ("1 h", FEW),
        ("1000 epochs", FEW),
        ("1002 epochs", MANY),
        ("501 trials", MANY),
        ("1002 epochs, 9 trials", FEW),
    ],
)
def test_of_many_full_trainings_only_counts_are_known(budget, method):
    assert chosen(epochs=2, budget=budget).method == method


def test_a_choice_for_many_trainings_says_how_many():
    assert (
        chosen(epochs=2, budget="3001 epochs").why
        == "a full training has 2 epochs only, and the budget pays for 1,500 of them"
    )


@pytest.mark.parametrize("budget", ["30 trials", "30 trials, 1 h", "30 trials, 1000 epochs", "89 trials, 90 epochs"])
def test_who_counts_trials_gets_brackets_that_train_some_of_them_to_the_end(budget):
    assert chosen(budget=budget) == (wt.Hyperband(wt.Sobol()), "the budget counts trials, however long they train")


def test_a_bound_of_trials_beside_another_one_leaves_some_of_them_trained_to_the_end():
    with wt.Study.create(experiment(method="auto", epochs=27), budget="30 trials, 1000 epochs") as study:
        simulate(study, budget="30 trials, 1000 epochs", curve=calm)
        assert len(study.trials) == 30
        assert max(trial.epoch for trial in study.trials) == 27


def test_trials_that_cannot_be_resumed_are_halved_whatever_is_counted():
    assert chosen(budget="501 trials", resumable=False).method == HALVING


def test_a_space_that_the_budget_covers_is_trained_whole():
    assert chosen(TINY, budget="600 epochs") == (FEW, "the budget is enough to train all 12 points of the space fully")
    assert chosen(TINY, budget="12 trials").why.startswith("the budget is enough")
    assert chosen(TINY, budget="600 epochs", resumable=False).method == FEW
    assert chosen(TINY, budget="100000 epochs").method == FEW


@pytest.mark.parametrize("budget", [None, "599 epochs", "600 epochs, 1 h"])
def test_a_finite_space_that_the_budget_may_not_cover_is_searched_like_any_other(budget):
    assert chosen(TINY, budget=budget).method == wt.FreezeThaw()
    assert chosen(TINY, budget="600 epochs, 11 trials").method == wt.Hyperband(wt.Sobol())


def test_a_large_space_is_searched_though_the_budget_would_cover_it():
    assert chosen(wt.Space(x=wt.Int(1, 500)), budget="500 trials").why.startswith("the budget is enough")
    assert chosen(wt.Space(x=wt.Int(1, 501)), budget="1000000 epochs").method == wt.FreezeThaw()


def test_a_covered_space_is_indeed_trained_whole():
    with wt.Study.create(experiment(space=TINY, method="auto"), budget="108 epochs") as study:
        simulate(study, budget="1000 epochs", curve=calm)
        assert sorted(trial.epoch for trial in study.trials) == [9] * 12
        assert len({json.dumps(trial.params) for trial in study.trials}) == 12


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("epochs", [2, 9])
@pytest.mark.parametrize("resumable", [True, False])
@pytest.mark.parametrize("name", SPACES)
def test_what_is_chosen_works_and_can_be_derived_again(name, resumable, epochs, slots):
    with wt.Study.create(
        experiment(space=SPACES[name], epochs=epochs, resumable=resumable), budget="40 epochs"
    ) as study:
        simulate(study, budget="40 epochs", slots=slots)
        assert math.isfinite(study.best.loss)
        assert not study.replay(verify=True).differences


def test_it_is_the_default_of_both_doors():
    assert experiment().method == "auto"
    with tune(epochs=50, budget="3 epochs", method="auto") as study:
        assert (study.scheduler, study.header.why) == (wt.FreezeThaw(), THAWS)
    with wt.tune(steady, SPACE, minimize="loss", epochs=2, budget="2 epochs", workers=0, progress=False) as study:
        assert study.scheduler == FEW


def test_a_study_that_nobody_gave_a_budget_has_its_method_too():
    with wt.Study.create(experiment(epochs=50)) as study:
        assert study.scheduler == wt.FreezeThaw()


def test_a_wrong_budget_is_refused_before_there_is_a_folder(tmp_path):
    with pytest.raises(wt.InvalidInput, match="budget must say its unit"):
        wt.Study.create(experiment(), tmp_path / "study", budget=3)
    assert not (tmp_path / "study").exists()


def test_a_study_goes_on_with_what_was_chosen_for_it_whatever_would_be_chosen_now(tmp_path):
    settings = {"path": tmp_path, "method": "auto", "epochs": 2}
    with tune(budget="2 epochs", **settings) as study:
        before = study.header
        assert study.scheduler == FEW
    with tune(budget="1100 epochs, 3 trials", workers=2, **settings) as study:
        pass
    with wt.Study.create(experiment(epochs=2), tmp_path, budget="2000 epochs") as study:
        assert chosen(epochs=2, budget="2000 epochs").method == MANY
        assert (study.scheduler, study.header) == (FEW, before)
        assert not study.replay(verify=True).differences


def test_a_study_whose_method_was_given_goes_on_with_it(tmp_path):
    with tune(path=tmp_path, method=wt.Hyperband(wt.Sobol()), budget="9 epochs"):
        pass
    with tune(path=tmp_path, method="auto", budget="18 epochs") as study:
        assert study.scheduler == wt.Hyperband(wt.Sobol())
        assert study.header.why == ""
        assert study.history.spent == 18


def test_who_gives_the_chosen_method_himself_may_go_on_and_who_gives_another_may_not(tmp_path):
    with tune(path=tmp_path, method="auto", epochs=2, budget="2 epochs"):
        pass
    with tune(path=tmp_path, method=FEW, epochs=2, budget="4 epochs") as study:
        assert study.history.spent == 4
        assert study.header.why == "a full training has 2 epochs only"
    with pytest.raises(wt.StudyChanged, match=r"method\.searcher\.type: "):
        tune(path=tmp_path, method=MANY, epochs=2, budget="4 epochs")


def test_other_settings_are_still_refused(tmp_path):
    with tune(path=tmp_path, method="auto", budget="2 epochs"):
        pass
    with pytest.raises(wt.StudyChanged) as error:
        tune(path=tmp_path, method="auto", budget="2 epochs", seed=1)
    assert str(error.value).splitlines()[1:-1] == ["  seed: 0 -> 1"]


def test_the_reason_stands_in_the_log_only_if_there_is_one():
    made = headers.make(experiment(epochs=50))
    assert json.loads(msgspec.json.encode(made))["why"] == THAWS
    given = json.loads(msgspec.json.encode(headers.make(experiment(method=FEW))))
    assert "why" not in given
    assert given["format"] == 1
    assert msgspec.json.decode(msgspec.json.encode(given), type=wt.Header).why == ""


def test_the_method_is_said_with_its_reason_at_the_start_and_by_show(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    with tune(method="auto", epochs=50, budget="3 epochs", progress=True) as study:
        assert capsys.readouterr().err.splitlines()[0] == f"FreezeThaw(): {THAWS}"
        show(study)
        assert f"method     FreezeThaw(): {THAWS}\n" in capsys.readouterr().out


def test_a_method_that_was_given_has_no_reason(capsys):
    with tune(budget="9 epochs", progress=True) as study:
        assert len(capsys.readouterr().err.splitlines()) == 1, "the line at the end"
        assert method(study.header) == "Full(Random())"
