"""Schedules of Keras from values."""

from typing import TYPE_CHECKING

from welltempered.annealing.named import Schedule, check_schedule
from welltempered.annealing.plateau import ReduceOnPlateau
from welltempered.annealing.ramp import number, span_of
from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.objective import Objective

if TYPE_CHECKING:
    from welltempered.frameworks.keras_parts import Annealed, PlateauCallback

__all__ = ["for_keras"]

_MONITOR = Objective("val_loss")


def for_keras(
    schedule: Schedule,
    learning_rate: float,
    *,
    epochs: int,
    steps: int,
    objective: Objective = _MONITOR,
) -> "Annealed | PlateauCallback":
    """A learning-rate schedule as a `LearningRateSchedule` of Keras, or as a callback where it must see losses.

    ```python
    rate = wt.for_keras(wt.CosineDecay(warmup=1), 0.1, epochs=27, steps=len(batches))
    model.compile(keras.optimizers.SGD(rate), "mse")
    ```

    `ReduceOnPlateau` becomes a callback for `fit`, as `keras.callbacks.ReduceLROnPlateau` is one, but with warm-up and
    the rules of `ReduceOnPlateau`; the optimizer is made with the plain learning rate then. Both work with every
    backend.

    Args:
        schedule: the value.
        learning_rate: the base rate.
        epochs: horizon, usually `run.horizon`; beyond it the rate stays as it is there.
        steps: batches per epoch: Keras asks for the rate of every batch, so there is no rate per epoch and no default.
            With `gradient_accumulation_steps` Keras counts batches all the same.
        objective: what a plateau is seen in, by its name in the logs of `fit`. Default `Objective("val_loss")`.

    Raises:
        InvalidInput: if an argument is not of that kind.
    """
    from welltempered.frameworks.keras_parts import Annealed, PlateauCallback

    check_schedule(schedule)
    epochs, steps = span_of(epochs, steps)
    if not isinstance(objective, Objective):
        raise InvalidInput(f"objective must be an Objective, such as Objective('val_loss'), got {shown(objective)}")
    rate = number("learning_rate", learning_rate, "above 0", 0)
    if isinstance(schedule, ReduceOnPlateau):
        return PlateauCallback(schedule, rate, steps, objective)
    return Annealed(schedule, rate, epochs, steps)
