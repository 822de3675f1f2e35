"""The example in KerasTuner, as its guide writes it; runs in its environment, with the backend of KERAS_BACKEND.

`welltempered.kerastuner` on the command line is the import that is changed: the same script with us.
"""

import importlib
import sys
import time
from typing import Any

import keras

from benchmarks.article.keras_net import net, tell_of_compiling
from benchmarks.article.task import BATCH, EPOCHS, FACTOR, RATES, TOTAL, UNITS, Given, Meter, load, serve

keras_tuner: Any = importlib.import_module(sys.argv[2] if len(sys.argv) > 2 else "keras_tuner")


class Watch(keras.callbacks.Callback):
    """Tells of each epoch; KerasTuner copies it for each trial, so it holds nothing but how to tell."""

    def __init__(self, given: Given) -> None:
        super().__init__()
        self._given, self._trial, self._began = given, 0, 0.0

    def on_train_begin(self, logs: Any = None) -> None:
        """A training is a trial, or its next rung."""
        path = self._given.folder / "trainings"
        self._trial = int(path.read_text()) + 1 if path.exists() else 0
        path.write_text(str(self._trial))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Take the time."""
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Validation is over, too."""
        seconds = time.perf_counter() - self._began
        Meter(self._given).epoch(self._trial, epoch + 1, float(logs["val_accuracy"]), seconds)


def build(hp: Any) -> Any:
    """The model of a trial."""
    low, high, step = UNITS
    units = hp.Int("units", min_value=low, max_value=high, step=step)
    rate = hp.Float("lr", min_value=RATES[0], max_value=RATES[1], sampling="log")
    return net(units, rate)


def search(given: Given, meter: Meter) -> dict[str, Any]:
    """One round of its Hyperband is the 120 epochs of the race."""
    x, y, x_valid, y_valid = load(given.data)
    meter.mark("loaded")
    tell_of_compiling(meter)
    rounds = {"hyperband_iterations": 1 if given.total == TOTAL else 1_000}
    tuner = keras_tuner.Hyperband(
        build,
        objective="val_accuracy",
        max_epochs=EPOCHS,
        factor=FACTOR,
        seed=given.seed,
        directory=given.folder,
        project_name="article",
        **rounds,
    )
    tuner.search(x, y, validation_data=(x_valid, y_valid), batch_size=BATCH, verbose=0, callbacks=[Watch(given)])
    best = tuner.oracle.get_best_trials(1)[0]
    return {"backend": keras.backend.backend(), "best": best.score, "params": best.hyperparameters.values}


if __name__ == "__main__":
    serve(search)
