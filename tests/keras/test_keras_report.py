"""The callback for those who call `fit` themselves: one call trains all epochs, and a trial goes on exactly."""

import keras
import pytest
from keras_training import EPOCHS, HELD, NO_FRACTION, Turns, X, Y, crossentropy, net, results, settings

import welltempered as wt
from trainings import reports, tune

pytestmark = pytest.mark.filterwarnings(NO_FRACTION)

ONE = Turns(EPOCHS, trials=1)
SHUFFLES = keras.backend.backend() != "tensorflow"
"""Where the order of an epoch follows from its seeds."""


def train(run):
    """Train as people do: the rate falls, and it stops early."""
    keras.utils.set_random_seed(run.seed % 2**31)
    model = net(run.params["units"])
    model.compile(keras.optimizers.Adam(run.params["lr"]), crossentropy(), metrics=["accuracy"])
    fall = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9 if epoch else rate)
    stop = keras.callbacks.EarlyStopping("val_loss", min_delta=0.5, patience=2)
    others = [fall, stop]
    report = wt.keras.Report(run, callbacks=others)
    run.keep(model=wt.keras.state(model), report=report)
    given = {"batch_size": 16, "validation_data": HELD, "shuffle": SHUFFLES, "verbose": 0}
    model.fit(X, Y, initial_epoch=run.epoch, epochs=run.horizon, callbacks=[*others, report], **given)


def test_a_trial_whose_fit_is_called_again_is_that_of_one_call():
    two = Turns(2, trials=1)
    with tune(**settings(train, method=two)) as pieces, tune(**settings(train, method=ONE)) as whole:
        assert results(pieces) == results(whole)
        rates = [row["learning_rate"] for row in reports(whole)[0]]
    assert rates == sorted(rates, reverse=True)
    assert len(set(rates)) == 3, "epochs go on counting, and it has stopped before its end"


def test_fit_may_be_called_in_two_parts():
    def parted(run):
        model = net()
        model.compile("sgd", crossentropy())
        report = wt.keras.Report(run)
        run.keep(model=wt.keras.state(model))
        for last in (2, run.horizon):
            model.fit(X, Y, validation_data=HELD, initial_epoch=run.epoch, epochs=last, callbacks=[report], verbose=0)

    with tune(**settings(parted, method=ONE)) as study:
        assert [trial.state for trial in study.trials] == ["complete"]


def test_fit_is_not_called_when_the_run_is_over():
    def again(run):
        model = net()
        model.compile("sgd", crossentropy())
        run.keep(model=wt.keras.state(model))
        for _ in run:
            run.report(val_loss=1.0)
        with pytest.raises(wt.InvalidInput, match="fit must be called while epochs are granted"):
            model.fit(X, Y, callbacks=[wt.keras.Report(run)], verbose=0)
        refused.append(run.trial)

    refused = []
    with tune(**settings(again, method=ONE)):
        assert refused == [0]
