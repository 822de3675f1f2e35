"""A search that a test kills: it says each epoch."""

import sys

import keras
from kt_models import FIT, build

import welltempered.kerastuner as kt


class Say(keras.callbacks.Callback):
    """Counts the epochs of all trials."""

    count = 0

    def on_epoch_end(self, epoch, logs=None):
        Say.count += 1
        print(f"epoch {Say.count}", flush=True)


def searched(directory):
    """All that such a search finds."""
    tuner = kt.RandomSearch(build, objective="val_loss", max_trials=3, directory=directory)
    tuner.search(**FIT, epochs=4, callbacks=[Say()])
    return {name: (trial.score, trial.hyperparameters.values) for name, trial in tuner.oracle.trials.items()}


if __name__ == "__main__":
    searched(sys.argv[1])
