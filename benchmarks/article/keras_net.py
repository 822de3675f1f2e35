"""The example's network in Keras, for KerasTuner and for us; runs in the peers' environments too."""

from functools import cache
from typing import Any

import keras

from benchmarks.article.task import DROPOUT, Meter


@cache
def tell_of_compiling(meter: Meter) -> None:
    """Let a meter know, once, what JAX traces, lowers and compiles in this process; other backends do not tell."""
    if keras.backend.backend() != "jax":
        return
    import jax.monitoring

    def heard(event: str, seconds: float, **_: Any) -> None:
        if event.startswith("/jax/core/compile/"):
            meter.mark("compiled", seconds=round(seconds, 4))

    jax.monitoring.register_event_duration_secs_listener(heard)


def net(units: int, rate: float) -> Any:
    """Built and compiled, all else as Keras has it."""
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dropout(DROPOUT),
            keras.layers.Dense(10),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model
