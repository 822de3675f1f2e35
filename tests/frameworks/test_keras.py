"""Schedules of Keras: the curves of torch, Keras' own classes, and real trainings that record the same rates."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import welltempered as wt
from telling import told
from trainings import Pieces, reports, same, tune

keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras 3.15 with NumPy 2

BASE = 0.1
CURVES = st.one_of(
    st.just(wt.Constant()),
    st.builds(wt.StepDecay, st.floats(0.05, 0.9), st.integers(1, 5)),
    st.builds(wt.ExponentialDecay, st.floats(0.1, 10)),
    st.builds(wt.PolynomialDecay, st.floats(0.3, 4), st.floats(0, 0.5)),
    st.builds(wt.CosineDecay, st.floats(0, 0.5)),
    st.builds(wt.OneCycle, st.floats(0.05, 0.9), st.floats(0.01, 1), st.floats(0, 0.1)),
)
WARMUPS = st.one_of(st.sampled_from([0, 1, 2, 100]), st.floats(0, 5))


def torch_rates(schedule, count, **span):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], BASE)
    scheduler = wt.for_torch(schedule, optimizer, **span)
    rates = []
    for _ in range(count):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(rates)


@given(CURVES, WARMUPS, st.integers(1, 30), st.integers(1, 8))
def test_torch_and_keras_have_the_same_curve(curve, warmup, epochs, steps):
    schedule = type(curve)(**{**vars(curve), "warmup": warmup})
    count = min(120, epochs * steps + 3)
    rate = wt.for_keras(schedule, BASE, epochs=epochs, steps=steps)
    found = [float(rate(step)) for step in range(count)]
    expected = torch_rates(schedule, count, epochs=epochs, steps=steps)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * BASE)


@pytest.mark.parametrize("curve", [wt.StepDecay(), wt.PolynomialDecay(0.5), wt.CosineDecay(), wt.OneCycle(warmup=0.3)])
def test_they_agree_at_every_step_of_a_long_training(curve):
    rate = wt.for_keras(curve, BASE, epochs=90, steps=391)
    step = np.arange(90 * 391 + 1)
    found = keras.ops.convert_to_numpy(rate(keras.ops.convert_to_tensor(step)))
    np.testing.assert_allclose(found, BASE * curve.at(step, epochs=90, steps=391), rtol=0, atol=1e-6 * BASE)


SCHEDULES = keras.optimizers.schedules
THEIRS = {
    "cosine": (wt.CosineDecay(0.1), SCHEDULES.CosineDecay(BASE, 60, alpha=0.1)),
    "exponential": (wt.ExponentialDecay(2.0), SCHEDULES.ExponentialDecay(BASE, 60, math.exp(-2))),
    "step": (wt.StepDecay(0.5, 2), SCHEDULES.ExponentialDecay(BASE, 20, 0.5, staircase=True)),
    "polynomial": (wt.PolynomialDecay(0.5, 0.1), SCHEDULES.PolynomialDecay(BASE, 60, 0.1 * BASE, power=0.5)),
}


@pytest.mark.parametrize("name", THEIRS)
def test_the_curve_is_that_of_keras_itself(name):
    schedule, theirs = THEIRS[name]
    ours = wt.for_keras(schedule, BASE, epochs=12, steps=5)
    found, expected = ([float(rate(step)) for step in range(60)] for rate in (ours, theirs))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * BASE)


@pytest.mark.parametrize("schedule", [wt.Constant(1), wt.StepDecay(), wt.CosineDecay(0.1, 2), wt.OneCycle()])
def test_a_schedule_is_serialized_and_comes_back(schedule):
    rate = wt.for_keras(schedule, BASE, epochs=9, steps=4)
    again = SCHEDULES.deserialize(SCHEDULES.serialize(rate))
    assert again.schedule == schedule
    assert again.get_config() == rate.get_config()


# ---------------------------------------------------------- real trainings

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
Y = X.sum(1, keepdims=True)
EPOCHS, STEPS = 6, 5
RULE = wt.ReduceOnPlateau(factor=0.5, patience=1, min_delta=0.3, warmup=1.5)


class Rates(keras.callbacks.Callback):
    """Notes the rate that each batch is trained with."""

    def on_train_begin(self, logs=None):
        self.rates = []

    def on_train_batch_begin(self, batch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))


def model_of(rate):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse")
    return model


def fit(model, *callbacks, epochs=EPOCHS, **more):
    seen = Rates()
    history = model.fit(X, Y, 8, epochs, verbose=0, shuffle=False, callbacks=[*callbacks, seen], **more)
    return seen.rates, history.history["loss"]


def torch_fit(schedule):
    """Train the same in torch, and return the rate of each batch and the loss of each epoch."""
    model = torch.nn.Linear(3, 1)
    start = model_of(BASE).get_weights()
    with torch.no_grad():
        model.weight.copy_(torch.tensor(start[0].T))
        model.bias.copy_(torch.tensor(start[1]))
    optimizer = torch.optim.SGD(model.parameters(), BASE)
    scheduler = wt.for_torch(schedule, optimizer, epochs=EPOCHS, steps=STEPS)
    rates, losses = [], []
    for _ in range(EPOCHS):
        total = 0.0
        for x, y in zip(torch.tensor(X).split(8), torch.tensor(Y).split(8), strict=True):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(x), y)
            loss.backward()
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
            total += loss.item()
        losses.append(total / STEPS)
        if isinstance(schedule, wt.ReduceOnPlateau):
            scheduler.step(losses[-1])
    return rates, losses


@pytest.mark.parametrize("schedule", [wt.CosineDecay(warmup=1), wt.OneCycle(), wt.StepDecay(drops=3)])
def test_a_keras_model_is_fitted_with_the_rates_of_a_torch_loop(schedule):
    rates, losses = fit(model_of(wt.for_keras(schedule, BASE, epochs=EPOCHS, steps=STEPS)))
    expected, expected_losses = torch_fit(schedule)
    np.testing.assert_allclose(rates, expected, rtol=0, atol=1e-6 * BASE)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-3)


def test_a_model_that_was_saved_trains_on_along_its_curve(tmp_path):
    model = model_of(wt.for_keras(wt.CosineDecay(), BASE, epochs=EPOCHS, steps=STEPS))
    first, _ = fit(model, epochs=2)
    model.save(tmp_path / "model.keras")
    second, _ = fit(keras.models.load_model(tmp_path / "model.keras"), initial_epoch=2)
    expected, _ = torch_fit(wt.CosineDecay())
    np.testing.assert_allclose(first + second, expected, rtol=0, atol=1e-6 * BASE)


def test_a_plateau_in_keras_falls_where_it_falls_in_torch():
    callback = wt.for_keras(RULE, BASE, epochs=EPOCHS, steps=STEPS, objective=wt.Objective("loss"))
    rates, losses = fit(model_of(BASE), callback)
    expected, expected_losses = torch_fit(RULE)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-3)
    np.testing.assert_allclose(rates, expected, rtol=0, atol=1e-6 * BASE)
    assert min(rates[STEPS * 2 :]) < BASE / 2


def test_a_plateau_in_keras_goes_on_with_the_epochs_of_a_second_fit():
    whole = wt.for_keras(RULE, BASE, epochs=EPOCHS, steps=STEPS, objective=wt.Objective("loss"))
    pieces = wt.for_keras(RULE, BASE, epochs=EPOCHS, steps=STEPS, objective=wt.Objective("loss"))
    expected, _ = fit(model_of(BASE), whole)
    model = model_of(BASE)
    first, _ = fit(model, pieces, epochs=2)
    second, _ = fit(model, pieces, initial_epoch=2)
    assert first + second == expected


def test_a_loop_of_fits_of_one_epoch_each_is_one_training():
    """Keras counts from 0 in each; warm-up of one epoch and a half would begin anew, and never end."""
    whole, pieces = (
        wt.for_keras(RULE, BASE, epochs=EPOCHS, steps=STEPS, objective=objective)
        for objective in ("loss", wt.Objective("loss"))
    )
    expected, _ = fit(model_of(BASE), whole)
    model = model_of(BASE)
    found = [rate for _ in range(EPOCHS) for rate in fit(model, pieces, epochs=1)[0]]
    assert found == expected


def train_on_plateau(run):
    """Train by a loop of fits, with all that makes up the training kept."""
    model = model_of(BASE)
    rate = wt.for_keras(RULE, BASE, epochs=run.horizon, steps=STEPS, objective="loss")
    run.keep(rate=rate, weights=(model.get_weights, model.set_weights))
    for _ in run:
        rates, (loss,) = fit(model, rate, epochs=1)
        run.report(loss=loss, **{f"rate_{i}": value for i, value in enumerate(rates)})


def test_a_plateau_goes_on_exactly_in_another_process(tmp_path):
    settings = {"train": train_on_plateau, "epochs": EPOCHS}
    with tune(**settings, method=Pieces(trials=1), budget=None) as study:
        expected = reports(study)
    with tune(**settings, method=Pieces(trials=1), budget="1 epochs", path=tmp_path) as study:
        assert study.trials[0].epoch == 1, "in the middle of warm-up"
    with tune(**settings, method=Pieces(trials=1), budget=None, path=tmp_path, workers=1) as study:
        assert same(reports(study), expected)
    rates = [report.metrics["rate_0"] for report in study.trials[0].reports]
    assert rates[0] < rates[1] < max(rates)
    assert min(rates[2:]) < BASE / 2


def test_an_optimizer_that_has_a_schedule_already_is_refused_with_a_sentence():
    model = model_of(wt.for_keras(wt.CosineDecay(), BASE, epochs=EPOCHS, steps=STEPS))
    told(
        lambda: fit(model, wt.for_keras(RULE, BASE, epochs=EPOCHS, steps=STEPS)),
        "the optimizer must have a number as its learning rate where a callback sets it, got a LearningRateSchedule; "
        "compile the model with the rate 0.1",
    )


def test_a_metric_that_is_to_be_maximized_falls_when_it_no_longer_rises():
    callback = wt.for_keras(
        wt.ReduceOnPlateau(patience=1), BASE, epochs=9, steps=1, objective=wt.Objective("acc", maximize=True)
    )
    callback.set_model(model_of(BASE))
    found = []
    for epoch, accuracy in enumerate([0.5, 0.6, 0.6]):
        callback.on_epoch_end(epoch, {"acc": accuracy})
        found.append(callback.seen.factor)
    assert found == [1, 1, 0.1]


def test_a_metric_that_fit_does_not_log_is_named():
    callback = wt.for_keras(RULE, BASE, epochs=EPOCHS, steps=STEPS)
    told(
        lambda: fit(model_of(BASE), callback, epochs=1),
        "fit must log the objective 'val_loss', in which the plateau is seen, got 'loss'; what begins with 'val_' "
        "needs fit(..., validation_data=...), and for_keras(..., objective='loss') does without",
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"schedule": "cosine"}, "schedule must be a schedule, such as CosineDecay(), got 'cosine'"),
        ({"learning_rate": 0}, "learning_rate must be above 0, got learning_rate=0"),
        ({"learning_rate": "0.1"}, "learning_rate must be a number, above 0, got learning_rate='0.1'"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got epochs=0"),
        ({"steps": None}, "steps must be a whole number of at least 1, got steps=None"),
        ({"objective": ""}, "objective must be a name in the logs of fit, or an Objective, got ''"),
        ({"objective": 3}, "objective must be a name in the logs of fit, or an Objective, got 3"),
    ],
)
def test_wrong_arguments_are_refused_with_a_sentence(changes, sentence):
    arguments = {"schedule": wt.CosineDecay(), "learning_rate": BASE, "epochs": 9, "steps": 4} | changes
    with pytest.raises(wt.InvalidInput) as error:
        wt.for_keras(arguments.pop("schedule"), arguments.pop("learning_rate"), **arguments)
    assert str(error.value) == sentence
