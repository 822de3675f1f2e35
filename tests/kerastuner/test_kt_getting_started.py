"""The steps of KerasTuner's guide for beginners, with the import changed and small data."""

import keras
import numpy as np
import pytest
from kt_models import FIT, HELD, TRAIN, X

import welltempered as wt
import welltempered.kerastuner as kt

# Keras' backend for torch asks tensors for arrays in a way that NumPy wants to give up.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TARGETS = X.sum(axis=1)


def call_existing_code(units, activation, dropout, lr):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(units=units, activation=activation)])
    if dropout:
        model.add(keras.layers.Dropout(rate=0.25))
    model.add(keras.layers.Dense(3, activation="softmax"))
    rate = keras.optimizers.Adam(learning_rate=lr)
    model.compile(optimizer=rate, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def build_model(hp):
    units = hp.Int("units", min_value=32, max_value=512, step=32)
    activation = hp.Choice("activation", ["relu", "tanh"])
    dropout = hp.Boolean("dropout")
    lr = hp.Float("lr", min_value=1e-4, max_value=1e-2, sampling="log")
    return call_existing_code(units=units, activation=activation, dropout=dropout, lr=lr)


def regressor(hp, metrics=()):
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(units=hp.Int("units", 32, 128, 32)), keras.layers.Dense(1)]
    )
    model.compile(optimizer="adam", loss="mean_squared_error", metrics=list(metrics))
    return model


@pytest.fixture
def folder(tmp_path):
    return {"directory": str(tmp_path / "my_dir"), "project_name": "helloworld", "overwrite": True}


def test_builder_can_be_called_with_fresh_hyperparameters():
    hp = kt.HyperParameters()
    assert build_model(hp).count_params() == 6 * 32 + 32 + 32 * 3 + 3
    assert hp.values == {"units": 32, "activation": "relu", "dropout": False, "lr": 1e-4}
    assert hp.Int("units", min_value=32, max_value=512, step=32) == 32


def test_random_search_of_the_guide(folder, capsys):
    tuner = kt.RandomSearch(
        hypermodel=build_model, objective="val_accuracy", max_trials=2, executions_per_trial=2, **folder
    )
    tuner.search_space_summary()
    tuner.search(*TRAIN, epochs=2, validation_data=HELD)
    models = tuner.get_best_models(num_models=2)
    best = models[0]
    best.summary()
    tuner.results_summary()
    said = capsys.readouterr().out
    assert "Default search space size: 4" in said
    assert (
        "{'default': 32, 'conditions': [], 'min_value': 32, 'max_value': 512, 'step': 32, 'sampling': 'linear'}" in said
    )
    assert said.count("Score: ") == 2
    best_hps = tuner.get_best_hyperparameters(5)
    assert len(best_hps) == 2
    model = build_model(best_hps[0])
    assert [w.shape for w in model.weights] == [w.shape for w in best.weights]
    model.fit(x=X, y=np.concatenate([TRAIN[1], HELD[1]]), epochs=1, verbose=0)


class MyHyperModel(kt.HyperModel):
    def build(self, hp):
        return build_model(hp)

    def fit(self, hp, model, x, y, validation_data=None, **kwargs):
        if hp.Boolean("normalize"):
            x = keras.layers.Normalization()(x)
        return model.fit(
            x, y, validation_data=validation_data, batch_size=hp.Choice("batch_size", [16, 32]), shuffle=True, **kwargs
        )


def test_hypermodel_with_a_fit_of_its_own_tunes_what_it_asks_for(folder):
    hypermodel = MyHyperModel()
    tuner = kt.RandomSearch(hypermodel, objective="val_accuracy", max_trials=3, **folder)
    tuner.search(**FIT, epochs=1)
    found = [hp.values for hp in tuner.get_best_hyperparameters(3)]
    assert all(values["batch_size"] in {16, 32} for values in found)
    with wt.Study.open(tuner.project_dir, readonly=True) as study:  # both are tuned once they were asked for
        assert {"batch_size", "normalize"} <= set(study.space.names)
    best = tuner.get_best_hyperparameters(1)[0]
    model = hypermodel.build(best)
    assert "val_accuracy" not in hypermodel.fit(best, model, *TRAIN, epochs=1, verbose=0).history


def test_built_in_metric_needs_a_direction_only_if_keras_does_not_know_it(folder):
    tuner = kt.RandomSearch(
        lambda hp: regressor(hp, [keras.metrics.MeanAbsoluteError()]),
        objective=kt.Objective("val_mean_absolute_error", "min"),
        max_trials=2,
        **folder,
    )
    tuner.search(X[:64], TARGETS[:64], validation_data=(X[64:], TARGETS[64:]), verbose=0)
    scores = [trial.score for trial in tuner.oracle.get_best_trials(2)]
    assert scores == sorted(scores)


class CustomMetric(keras.metrics.Metric):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.sum = self.add_weight(name="sum", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.sum.assign_add(keras.ops.sum(keras.ops.square(keras.ops.reshape(y_true, (-1, 1)) - y_pred)))

    def result(self):
        return self.sum + 0.0

    def reset_state(self):
        self.sum.assign(0.0)


def test_custom_metric_is_an_objective(folder):
    tuner = kt.RandomSearch(
        lambda hp: regressor(hp, [CustomMetric(name="custom_metric")]),
        objective=kt.Objective("val_custom_metric", direction="min"),
        max_trials=2,
        **folder,
    )
    tuner.search(x=X[:64], y=TARGETS[:64], validation_data=(X[64:], TARGETS[64:]), verbose=0)
    assert all(trial.score > 0 for trial in tuner.oracle.get_best_trials(2))


class HyperRegressor(kt.HyperModel):
    def __init__(self, returned):
        super().__init__()
        self.returned = returned

    def build(self, hp):
        return regressor(hp)

    def fit(self, hp, model, x, y, validation_data, **kwargs):
        model.fit(x, y, **kwargs)
        x_val, y_val = validation_data
        error = float(np.mean(np.abs(model.predict(x_val, verbose=0)[:, 0] - y_val)))
        return self.returned(error)


@pytest.mark.parametrize(
    ("returned", "objective"),
    [
        (lambda error: error, None),
        (lambda error: {"metric_a": -error, "metric_b": error}, kt.Objective("metric_a", "max")),
        (lambda error: [error, error + 1], None),
    ],
    ids=["float", "dict", "list"],
)
def test_fit_may_return_the_objective(folder, returned, objective):
    tuner = kt.RandomSearch(hypermodel=HyperRegressor(returned), objective=objective, max_trials=2, **folder)
    tuner.search(x=X[:64], y=TARGETS[:64], validation_data=(X[64:], TARGETS[64:]), verbose=0)
    best, other = (trial.score for trial in tuner.oracle.get_best_trials(2))
    assert tuner.oracle.objective.better_than(best, other)
    assert tuner.get_best_hyperparameters()[0].get("units") in range(32, 129, 32)


class KeepCodeSeparate(kt.RandomSearch):
    """Whatever has parameters and a result can be tuned."""

    def run_trial(self, trial, offset, **kwargs):
        hp = trial.hyperparameters
        x = hp.Float("x", min_value=-1.0, max_value=1.0)
        return {"score": (x - offset) ** 2, "x": x}


def test_run_trial_makes_a_tuner_of_anything(folder):
    tuner = KeepCodeSeparate(objective=kt.Objective("score", "min"), max_trials=20, **folder)
    tuner.search(0.5)
    best = tuner.get_best_hyperparameters()[0].get("x")
    tried = [trial.hyperparameters.get("x") for trial in tuner.oracle.trials.values()]
    assert len(set(tried)) == 20  # `x` was asked for in the first trial, and is tuned since
    assert best == min(tried, key=lambda x: abs(x - 0.5))


class WithHistory(kt.BayesianOptimization):
    def run_trial(self, trial, *args, **kwargs):
        kwargs["batch_size"] = trial.hyperparameters.Int("batch_size", 16, 64, step=16)
        return super().run_trial(trial, *args, **kwargs)


def test_run_trial_may_call_that_of_the_tuner(folder):
    tuner = WithHistory(build_model, objective="val_loss", max_trials=2, **folder)
    tuner.search(**FIT, epochs=2)
    assert [len(trial.metrics.get_history("val_loss")) for trial in tuner.oracle.trials.values()] == [1, 1]
    assert tuner.get_best_models()[0].evaluate(*HELD, verbose=0)[0] == pytest.approx(
        tuner.oracle.get_best_trials()[0].score, rel=1e-5
    )
