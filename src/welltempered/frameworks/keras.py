"""Schedules of Keras from values."""

from typing import TYPE_CHECKING

from welltempered.annealing.named import Schedule, check_schedule
from welltempered.annealing.plateau import ReduceOnPlateau
from welltempered.annealing.ramp import span_of
from welltempered.checks import number, shown
from welltempered.errors import InvalidInput
from welltempered.objective import Objective

if TYPE_CHECKING:
    from welltempered.frameworks.keras_parts import Annealed, PlateauCallback

__all__ = ["for_keras"]


def for_keras(
    schedule: Schedule,
    learning_rate: float,
    *,
    epochs: int,
    steps: int,
    objective: Objective | str = "val_loss",
) -> "Annealed | PlateauCallback":
    """A learning-rate schedule as a `LearningRateSchedule` of Keras, or as a callback where it must see losses.

    ```python
    rate = wt.for_keras(wt.CosineDecay(warmup=1), 0.1, epochs=27, steps=len(batches))
    model.compile(keras.optimizers.SGD(rate), "mse")
    ```

    `ReduceOnPlateau` becomes a callback for `fit`, as `keras.callbacks.ReduceLROnPlateau` is one, but with warm-up and
    the rules of `ReduceOnPlateau`; the optimizer is made with the plain learning rate then. Both work with every
    backend.

    The callback counts its epochs over all calls of `fit`, so a loop of `fit(epochs=1)` is one training, and it is kept
    for exact continuation:

    ```python
    rate = wt.for_keras(wt.ReduceOnPlateau(warmup=1), 0.1, epochs=run.horizon, steps=len(batches))
    run.keep(rate=rate)  # besides the variables of model and optimizer
    for _ in run:
        model.fit(batches, validation_data=held_out, callbacks=[rate])
    ```

    Args:
        schedule: the value.
        learning_rate: the base rate.
        epochs: horizon, usually `run.horizon`; beyond it the rate stays as it is there.
        steps: batches per epoch: Keras asks for the rate of every batch, so there is no rate per epoch and no default.
            With `gradient_accumulation_steps` Keras counts batches all the same.
        objective: what a plateau is seen in: a name in the logs of `fit`, to be minimized, or an `Objective`, such as
            `Objective("val_accuracy", maximize=True)`. Default "val_loss", for which `fit` needs `validation_data`.

    Raises:
        InvalidInput: if an argument is not of that kind.
    """
    from welltempered.frameworks.keras_parts import Annealed, PlateauCallback

    check_schedule(schedule)
    epochs, steps = span_of(epochs, steps)
    if isinstance(objective, str) and objective:
        objective = Objective(objective)
    if not isinstance(objective, Objective):
        raise InvalidInput(f"objective must be a name in the logs of fit, or an Objective, got {shown(objective)}")
    rate = number("learning_rate", learning_rate, "above 0", 0)
    if isinstance(schedule, ReduceOnPlateau):
        return PlateauCallback(schedule, rate, steps, objective)
    return Annealed(schedule, rate, epochs, steps)
