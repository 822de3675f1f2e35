"""Searches whose trials Keras trains: the methods, what they leave behind, and how they go on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import kt_killed
import numpy as np
import pytest
from kt_models import FIT, HELD, TRAIN, build, compiled, layered

import welltempered as wt
import welltempered.kerastuner as kt

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

HERE = Path(__file__).parent
TUNERS = {
    "random": (kt.RandomSearch, {"max_trials": 2}, 2),
    "bayesian": (kt.BayesianOptimization, {"max_trials": 3, "num_initial_points": 2}, 3),
    "grid": (kt.GridSearch, {"max_trials": 2}, 2),
    "hyperband": (kt.Hyperband, {"max_epochs": 3, "factor": 3}, 5),
}


def made(tuner, directory, builder=build, **kwargs):
    options = {"objective": "val_accuracy", "directory": directory, "project_name": "project", **kwargs}
    return tuner(builder, **options)


@pytest.mark.parametrize("name", TUNERS)
def test_each_method_finds_values_and_a_model_that_scores_as_it_did(name, tmp_path):
    kind, options, trials = TUNERS[name]
    tuner = made(kind, tmp_path, **options)
    tuner.search(**FIT, epochs=2)
    assert len(tuner.oracle.trials) == trials
    best = tuner.oracle.get_best_trials(1)[0]
    assert best.score == max(trial.score for trial in tuner.oracle.trials.values())
    assert set(tuner.get_best_hyperparameters()[0].values) >= {"units", "lr"}
    assert tuner.get_best_models()[0].evaluate(*HELD, verbose=0)[1] == pytest.approx(best.score)


def test_search_is_a_study_whose_decisions_can_be_derived_again(tmp_path):
    tuner = made(kt.Hyperband, tmp_path, max_epochs=3, factor=3)
    tuner.search(**FIT)
    with wt.Study.open(tmp_path / "project", readonly=True) as study:
        assert not study.replay(verify=True).differences
        assert study.header.resumable
        # Three trials of one epoch, of which the best goes on for two; and two trials of three.
        assert study.history.spent == 11


def test_second_search_goes_on_instead_of_beginning_anew(tmp_path):
    made(kt.RandomSearch, tmp_path, max_trials=2).search(**FIT)
    again = made(kt.RandomSearch, tmp_path, max_trials=3)
    assert len(again.oracle.trials) == 2
    assert again.remaining_trials == 1
    before = [trial.hyperparameters.values for trial in again.oracle.trials.values()]
    again.search(**FIT)
    after = [trial.hyperparameters.values for trial in again.oracle.trials.values()]
    assert after[:2] == before
    assert len(after) == 3


def test_overwrite_begins_anew(tmp_path):
    made(kt.RandomSearch, tmp_path, max_trials=1).search(**FIT)
    assert not made(kt.RandomSearch, tmp_path, max_trials=1, overwrite=True).oracle.trials


def test_project_of_another_method_or_objective_is_refused(tmp_path):
    made(kt.RandomSearch, tmp_path, max_trials=1).search(**FIT)
    with pytest.raises(RuntimeError, match="of the same method to go on, RandomSearchOracle, got GridSearchOracle"):
        made(kt.GridSearch, tmp_path)
    with pytest.raises(wt.InvalidInput, match="objective must be that of the project"):
        made(kt.RandomSearch, tmp_path, objective="val_loss")


def test_killed_search_ends_like_an_undisturbed_one(tmp_path):
    variables = {"PYTHONPATH": os.pathsep.join([*sys.path, str(HERE)])}
    command = [sys.executable, str(HERE / "kt_killed.py"), str(tmp_path / "killed")]
    with subprocess.Popen(command, env={**os.environ, **variables}, stdout=subprocess.PIPE, text=True) as killed:
        assert any(line.startswith("epoch 6") for line in killed.stdout)  # in the middle of the second trial
        killed.send_signal(signal.SIGKILL)
    with wt.Study.open(tmp_path / "killed" / "untitled_project", readonly=True) as study:
        assert len(study.trials) == 2
    assert kt_killed.searched(tmp_path / "killed") == kt_killed.searched(tmp_path / "whole")


def test_workers_train_side_by_side(tmp_path):
    tuner = made(kt.RandomSearch, tmp_path, max_trials=2, workers=2)
    tuner.search(**FIT)
    alone = made(kt.RandomSearch, tmp_path / "alone", max_trials=2)
    alone.search(**FIT)
    values = [[trial.hyperparameters.values for trial in each.oracle.trials.values()] for each in (tuner, alone)]
    assert values[0] == values[1]
    assert len(tuner.get_best_models(2)) == 2


def test_callbacks_stop_trials_and_are_copied_for_each(tmp_path):
    stopping = keras.callbacks.EarlyStopping("loss", min_delta=10.0, patience=1)
    tuner = made(kt.RandomSearch, tmp_path, max_trials=2)
    tuner.search(**FIT, epochs=5, callbacks=[stopping])
    assert [len(trial.metrics.get_history("loss")) for trial in tuner.oracle.trials.values()] == [2, 2]
    assert stopping.stopped_epoch == 0


def test_validation_split_holds_back_the_last_rows(tmp_path):
    one = made(kt.RandomSearch, tmp_path / "one", max_trials=1)
    one.search(*TRAIN, validation_split=0.25, verbose=0)
    other = made(kt.RandomSearch, tmp_path / "other", max_trials=1)
    other.search(TRAIN[0][:48], TRAIN[1][:48], validation_data=(TRAIN[0][48:], TRAIN[1][48:]), verbose=0)
    assert one.oracle.get_best_trials()[0].score == other.oracle.get_best_trials()[0].score


def test_arguments_that_only_fit_knows_go_to_fit(tmp_path):
    tuner = made(kt.RandomSearch, tmp_path, max_trials=2)
    tuner.search(**FIT, epochs=2, steps_per_epoch=1)
    assert len(tuner.oracle.trials) == 2
    with wt.Study.open(tmp_path / "project", readonly=True) as study:
        assert study.header.epochs == 1  # a trial is told when it is over


def test_builder_that_raises_ends_the_search_after_three_failures_in_a_row(tmp_path):
    def broken(hp):
        model = build(hp)
        if hp.get("units") > 8:
            raise ValueError("too wide")
        return model

    with pytest.raises(RuntimeError, match=r"(?s)exceeded the limit of 3.*too wide"):
        made(kt.RandomSearch, tmp_path, broken, max_trials=30).search(**FIT)


def test_failed_trials_are_left_behind(tmp_path):
    def picky(hp):
        model = build(hp)
        if hp.get("units") == 16:
            raise kt.errors.FailedTrialError("I do not like it")
        return model

    tuner = made(kt.GridSearch, tmp_path, picky, hyperparameters=rate_fixed(), tune_new_entries=False)
    tuner.search(**FIT)
    found = {trial.hyperparameters.get("units"): trial for trial in tuner.oracle.trials.values()}
    assert set(found) == {8, 16, 24}
    assert found[16].status == "FAILED"
    assert "I do not like it" in found[16].message
    assert [trial.status for units, trial in found.items() if units != 16] == ["COMPLETED"] * 2


def rate_fixed():
    hp = kt.HyperParameters()
    hp.Int("units", 8, 24, step=8)
    hp.Fixed("lr", 0.01)
    return hp


def test_fatal_error_ends_the_search_at_once(tmp_path):
    def fatal(hp):
        model = build(hp)
        if hp.get("units") > 8:
            raise kt.errors.FatalValueError("do not go on")
        return model

    def search():
        made(kt.GridSearch, tmp_path, fatal, hyperparameters=rate_fixed(), tune_new_entries=False).search(**FIT)

    with pytest.raises(kt.errors.FatalValueError, match="do not go on"):
        search()


def test_model_that_is_too_large_fails(tmp_path):
    tuner = made(
        kt.GridSearch, tmp_path, hyperparameters=rate_fixed(), tune_new_entries=False, max_model_size=6 * 20 + 20 + 63
    )
    tuner.search(**FIT)
    found = {trial.hyperparameters.get("units"): trial.status for trial in tuner.oracle.trials.values()}
    assert found == {8: "COMPLETED", 16: "COMPLETED", 24: "FAILED"}


def test_given_hyperparameters_overrule_the_builder_and_nothing_else_is_tuned(tmp_path):
    hp = kt.HyperParameters()
    hp.Float("lr", 1e-3, 2e-3)
    tuner = made(kt.RandomSearch, tmp_path, hyperparameters=hp, tune_new_entries=False, max_trials=3)
    tuner.search(**FIT)
    found = [trial.hyperparameters.values for trial in tuner.oracle.trials.values()]
    assert all(1e-3 <= values["lr"] <= 2e-3 for values in found)
    assert [trial.hyperparameters.space[0].name for trial in tuner.oracle.trials.values()] == ["lr"] * 3
    with wt.Study.open(tmp_path / "project", readonly=True) as study:
        assert study.space.names == ("lr",)


def test_what_a_model_asks_for_while_it_trains_is_tuned_from_then_on(tmp_path):
    class Shifted(keras.layers.Layer):
        def __init__(self, hp):
            super().__init__()
            self.hp = hp

        def call(self, x):
            return x + self.hp.Float("shift", -1.0, 1.0)

    def late(hp):
        return compiled([Shifted(hp), keras.layers.Dense(hp.Int("units", 4, 8))], 0.01)

    tuner = made(kt.RandomSearch, tmp_path, late, max_trials=4)
    tuner.search(**FIT, epochs=2)
    assert {"units", "shift"} == {hp.name for hp in tuner.oracle.get_space().space}
    assert len({trial.hyperparameters.get("shift") for trial in tuner.oracle.trials.values()}) > 1


class Late(kt.HyperModel):
    """Its `call` asks only where the number of layers is above one, which its first build does not see."""

    def build(self, hp):
        return layered(hp)


def test_per_layer_parameters_are_tuned_only_where_there_is_such_a_layer(tmp_path):
    tuner = made(kt.RandomSearch, tmp_path, Late(), max_trials=5)
    tuner.search(**FIT)
    for trial in tuner.oracle.trials.values():
        values = trial.hyperparameters.values
        assert sorted(name for name in values if name.startswith("units")) == [
            f"units_{i}" for i in range(values["layers"])
        ]
        assert ("rate" in values) == values["dropout"]


def test_optimizer_loss_and_metrics_of_the_tuner_take_the_place_of_the_model_s(tmp_path):
    def bare(hp):
        return keras.Sequential([keras.Input((6,)), keras.layers.Dense(hp.Int("units", 3, 5))])

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    tuner = made(
        kt.RandomSearch,
        tmp_path,
        bare,
        max_trials=2,
        optimizer=keras.optimizers.SGD(0.1),
        loss=loss,
        metrics=["accuracy"],
    )
    tuner.search(**FIT)
    assert tuner.get_best_models()[0].optimizer.name.startswith("sgd")


def test_several_executions_count_by_their_average(tmp_path):
    tuner = made(kt.RandomSearch, tmp_path, max_trials=1, executions_per_trial=3)
    seen = []
    own = tuner._build_and_fit_model

    def spied(*args, **kwargs):
        seen.append(own(*args, **kwargs))
        return seen[-1]

    tuner._build_and_fit_model = spied
    tuner.search(**FIT)
    each = [history.history["val_accuracy"][-1] for history in seen]
    assert len(each) == 3
    assert tuner.oracle.get_best_trials()[0].score == pytest.approx(np.mean(each))


def test_interrupted_search_says_so(tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if not again:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.5)

    again = None
    tuner = made(kt.RandomSearch, tmp_path, max_trials=2)
    with pytest.raises(KeyboardInterrupt):
        tuner.search(**FIT, epochs=3, callbacks=[Interrupt()])
    again = made(kt.RandomSearch, tmp_path, max_trials=2)
    again.search(**FIT, epochs=3, callbacks=[Interrupt()])
    assert [len(trial.metrics.get_history("loss")) for trial in again.oracle.trials.values()] == [3, 3]
