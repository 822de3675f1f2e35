"""A child of population-based training takes weights and moments, and keeps its own hyperparameters."""

import keras
import numpy as np
import pytest
from keras_training import NO_FRACTION, X, Y, crossentropy, net, trainable

import welltempered as wt
from trainings import tune

pytestmark = pytest.mark.filterwarnings(NO_FRACTION)


def model(optimizer, steps=0):
    """A model that has taken some steps, all rows at once."""
    built = net()
    built.compile(optimizer, crossentropy(), metrics=["accuracy"])
    if steps:
        built.fit(X, Y, batch_size=len(X), epochs=steps, verbose=0)
    return built


def rate(built):
    return float(keras.ops.convert_to_numpy(built.optimizer.learning_rate))


def test_the_rate_is_its_own_as_far_lowered_as_that_of_the_parent():
    parent, child = model(keras.optimizers.Adam(0.1)), model(keras.optimizers.Adam(0.01))
    theirs, own = wt.keras.state(parent), wt.keras.state(child)
    parent.fit(X, Y, batch_size=len(X), epochs=2, verbose=0)
    parent.optimizer.learning_rate = 0.05
    own.inherit(theirs.state_dict())
    assert rate(child) == pytest.approx(0.005)
    for mine, other in zip(child.optimizer.variables, parent.optimizer.variables, strict=True):
        if mine.name != "learning_rate":
            np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(one.value) for one in (mine, other)))


def test_a_schedule_goes_on_where_the_one_of_the_parent_was():
    def falling(base):
        return keras.optimizers.SGD(wt.for_keras(wt.PolynomialDecay(), base, epochs=4, steps=1))

    parent, child = model(falling(0.1), steps=2), model(falling(0.01))
    wt.keras.state(child).inherit(wt.keras.state(parent).state_dict())
    assert rate(child) == pytest.approx(0.005)


def test_of_another_kind_of_optimizer_the_weights_alone_are_taken():
    parent, child = model("adam", steps=1), model("sgd")
    wt.keras.state(child).inherit(wt.keras.state(parent).state_dict())
    assert int(child.optimizer.iterations) == 0
    for mine, other in zip(child.weights, parent.weights, strict=True):
        np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(one.value) for one in (mine, other)))


def test_a_population_trains_with_the_rates_of_its_trials():
    def build(run):
        return model(keras.optimizers.SGD(run.params["lr"]))

    space = wt.Space(lr=wt.Float(1e-3, 1, scale="log"))
    method = wt.PBT(wt.Sobol(), population=4, every=1)
    fall = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)
    train = trainable(build, batch_size=len(X), callbacks=[fall])
    with tune(train, space=space, minimize="val_loss", epochs=3, budget=None, method=method) as study:
        children = [trial for trial in study.trials if trial.parent is not None]
        assert children
        for trial in study.trials:
            found = [report.metrics["learning_rate"] for report in trial.reports]
            own = found[trial.inherited :]
            expected = [trial.params["lr"] * 0.5 ** (epoch + 1) for epoch in range(len(found))][trial.inherited :]
            assert own == pytest.approx(expected, rel=1e-4)
