"""A Keras training of tests: small, with all that has a state."""

import os
import signal
from dataclasses import dataclass

import keras
import numpy as np

import welltempered as wt
from trainings import EVERY_EPOCH, reports, tune
from welltempered.check.leaves import leaves

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(50, 6)).astype("float32"), RNG.integers(0, 3, 50)
HELD = X[:20], Y[:20]
SPACE = wt.Space(lr=wt.Float(1e-3, 1e-1, scale="log"), units=wt.Int(3, 9))
EPOCHS = 4
NO_FRACTION = "ignore:__array__ implementation:DeprecationWarning"
"""A warning of Keras 3.15 with NumPy 2."""


def net(units=5, outputs=3):
    return keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(outputs),
        ]
    )


def crossentropy():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def build(run):
    """A model whose rate follows a schedule, or a callback in every other trial."""
    model, rate = net(run.params["units"]), run.params["lr"]
    if run.trial % 2:
        rate = wt.for_keras(wt.CosineDecay(), rate, epochs=run.horizon, steps=4)
    model.compile(keras.optimizers.Adam(rate), crossentropy(), metrics=["accuracy"])
    return model


def callbacks(run):
    """Callbacks that act early: one trial stops before its end."""
    fall = keras.callbacks.ReduceLROnPlateau("val_loss", min_delta=0.3, patience=1, factor=0.5)
    stop = keras.callbacks.EarlyStopping("val_loss", min_delta=0.5, patience=2, restore_best_weights=True)
    return [stop if run.trial % 2 else fall, Killer(run.trial)]


def trainable(build=build, data=(X, Y), **options):
    weights = {0: 1.0, 1: 2.0, 2: 1.0}
    given = {"validation": HELD, "batch_size": 16, "callbacks": callbacks, "class_weight": weights}
    return wt.keras.trainable(build, data, **given | options)


@dataclass(frozen=True)
class Turns:
    """Trials take turns, so that each lease begins with what was saved; and all that is saved stays."""

    epochs: int = 1
    trials: int = 2

    def next(self, history, held):
        if len(history.trials) < self.trials:
            return wt.Start(wt.Random().suggest(history), self.epochs)
        due = [trial for trial in history.trials if not trial.running and trial.ended is None]
        due = [trial for trial in due if trial.epoch < history.epochs]
        if not due:
            return wt.Wait()
        trial = min(due, key=lambda trial: trial.epoch)
        return wt.Resume(trial.id, min(trial.epoch + self.epochs, history.epochs))

    def keeps(self, history):
        return range(len(history.trials))


WHOLE = Turns(EPOCHS)


def settings(train=None, **changes):
    """Arguments for `tune`."""
    given = {"train": train or trainable(), "space": SPACE, "minimize": "val_loss", "epochs": EPOCHS, "budget": None}
    return given | {"limits": EVERY_EPOCH, "method": Turns()} | changes


def results(study):
    """All that training has led to, bit for bit: every report, and the last state of every trial."""
    assert not any(trial.error for trial in study.trials), [trial.error for trial in study.trials]
    return leaves({"reports": reports(study), "states": [study.checkpoint(trial) for trial in study.trials]})


class Killer(keras.callbacks.Callback):
    """Ends its program as the system would, in the second epoch of the second trial, if it is armed."""

    armed = False

    def __init__(self, trial):
        super().__init__()
        self.trial = trial

    def on_epoch_end(self, epoch, logs=None):
        if self.armed and (self.trial, epoch) == (1, 1):
            os.kill(os.getpid(), signal.SIGKILL)


def die(folder):
    """Be killed in the middle of a study."""
    Killer.armed = True
    tune(**settings(method=WHOLE, path=folder))
