"""Searches that ask trial by trial, whose training is the user's own affair."""

import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import kt_by_hand
import pytest

import welltempered as wt
import welltempered.kerastuner as kt

HERE = Path(__file__).parent


class Given(kt.GridSearch):
    """Runs what it is given in place of a training."""

    def run_trial(self, trial, code):
        return code(trial.hyperparameters)


def searched(code, tmp_path, kind=Given, **options):
    tuner = kind(directory=tmp_path, **options)
    tuner.search(code)
    return tuner


def found(tuner):
    return {name: (trial.score, trial.hyperparameters.values) for name, trial in tuner.oracle.trials.items()}


def test_killed_search_trains_its_trial_again_and_goes_on(tmp_path):
    command = [sys.executable, str(HERE / "kt_by_hand.py"), str(tmp_path / "killed")]
    variables = {"PYTHONPATH": os.pathsep.join([*sys.path, str(HERE)])}
    with subprocess.Popen(command, env={**os.environ, **variables}, stdout=subprocess.PIPE, text=True) as killed:
        assert any(line.startswith("trial 2") for line in killed.stdout)
        killed.send_signal(signal.SIGKILL)
    again, whole = kt_by_hand.made(tmp_path / "killed"), kt_by_hand.made(tmp_path / "whole")
    assert again.remaining_trials == 3  # the one that was killed has begun
    again.search()
    whole.search()
    assert found(again) == found(whole)


def test_study_that_has_grown_can_be_derived_again(tmp_path):
    tuner = kt_by_hand.made(tmp_path)
    tuner.search()
    with wt.Study.open(tuner.project_dir, readonly=True) as study:
        assert study.space.names == ("x", "n")
        assert study.trials[0].params == {"x": -1.0, "n": 0}  # with their defaults: nobody knew of them
        assert not study.replay(verify=True).differences


def test_crash_while_a_study_grows_loses_nothing(tmp_path):
    tuner = kt_by_hand.made(tmp_path)
    tuner.search()
    before = found(tuner)
    tuner.oracle.study.close()
    project = Path(tuner.project_dir)
    (project / "grown").mkdir()
    (project / "study.db").rename(project / "grown" / "study.db")
    assert found(kt_by_hand.made(tmp_path)) == before
    assert not (project / "grown").exists()


def test_grid_takes_in_what_turns_up_late(tmp_path):
    def code(hp):
        return hp.Choice("a", [1, 2, 3]) * (10 if hp.Boolean("b") else 1)

    tuner = searched(code, tmp_path)
    values = [tuple(trial.hyperparameters.values.values()) for trial in tuner.oracle.trials.values()]
    assert sorted(values) == [(a, b) for a in (1, 2, 3) for b in (False, True)]
    assert tuner.get_best_hyperparameters()[0].values == {"a": 1, "b": False}


@pytest.mark.parametrize(
    ("returned", "objective", "score"),
    [
        (3, None, 3.0),
        ([1.0, 2.0], None, 1.5),
        ({"a": 1.0, "b": 4.0}, kt.Objective("b", "max"), 4.0),
        ({"a": 1.0, "b": 4.0}, [kt.Objective("a", "min"), kt.Objective("b", "max")], -3.0),
    ],
    ids=["number", "list", "dict", "several objectives"],
)
def test_run_trial_returns_what_was_reached(returned, objective, score, tmp_path):
    tuner = searched(lambda hp: hp.Fixed("x", 1) and returned, tmp_path, objective=objective)
    assert tuner.oracle.get_best_trials()[0].score == score


@pytest.mark.parametrize(
    ("returned", "objective", "rule"),
    [
        (None, None, "Did you forget to return the metrics"),
        ({"a": 1.0}, kt.Objective("b", "max"), "to have the specified objective, b"),
        ({"a": 1.0}, None, "to be a single float when `objective` is left unspecified"),
        ("good", kt.Objective("b", "max"), "to be one of float, dict"),
    ],
    ids=["nothing", "other metric", "no objective", "text"],
)
def test_what_says_nothing_of_the_objective_ends_the_search(returned, objective, rule, tmp_path):
    with pytest.raises(kt.errors.FatalError, match=rule):
        searched(lambda hp: hp.Fixed("x", 1) and returned, tmp_path, objective=objective)


def test_failed_trial_is_tried_again_as_often_as_one_says(tmp_path):
    tried = []

    def code(hp):
        tried.append(hp.Int("value", 1, 5))
        if tried[-1] in {2, 3}:
            raise ValueError("not this one")
        return tried[-1]

    tuner = searched(code, tmp_path, max_retries_per_trial=2)
    assert sorted(tried) == [1, 2, 2, 2, 3, 3, 3, 4, 5]
    status = {trial.hyperparameters.get("value"): trial.status for trial in tuner.oracle.trials.values()}
    assert [status[value] for value in range(1, 6)] == ["COMPLETED", "FAILED", "FAILED", "COMPLETED", "COMPLETED"]


def test_trial_that_has_diverged_is_the_worst(tmp_path):
    tuner = searched(lambda hp: math.nan if hp.Int("value", 1, 3) == 2 else hp.get("value"), tmp_path)
    scores = [trial.score for trial in tuner.oracle.get_best_trials(3)]
    assert scores[:2] == [1.0, 3.0]


def test_hyperband_says_which_epochs_a_trial_is_to_train(tmp_path):
    class Band(kt.Hyperband):
        def run_trial(self, trial):
            hp = trial.hyperparameters
            leases.append((trial.trial_id, hp.get("tuner/initial_epoch"), hp.get("tuner/epochs")))
            return hp.Float("x", 0, 1)

    leases = []
    tuner = Band(objective=None, max_epochs=9, factor=3, directory=tmp_path)
    tuner.search()
    first = [lease for lease in leases if int(lease[0]) < 9]
    assert [lease[1:] for lease in first[:9]] == [(0, 1)] * 9
    promoted = [lease for lease in leases if lease[1]]
    assert {lease[1:] for lease in promoted} == {(1, 3), (3, 9)}
    assert len(tuner.oracle.trials) == 9 + 5 + 3


def test_unknown_arguments_and_names_are_refused_with_the_way_out(tmp_path):
    with pytest.raises(wt.InvalidInput, match=r"Unrecognized arguments \['unrecognized'\]"):
        Given(directory=tmp_path, unrecognized=3)
    with pytest.raises(AttributeError, match=r"wt\.tune tunes any training"):
        _ = kt.SklearnTuner
    with pytest.raises(wt.InvalidInput, match="hypermodel must be given"):
        kt.RandomSearch(directory=tmp_path)
    with pytest.raises(wt.InvalidInput, match="instance of `Oracle`"):
        kt.Tuner("random", directory=tmp_path)
