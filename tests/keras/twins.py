"""Two models that are the same, one trained by `fit` and one by compiled epochs."""

import keras
import numpy as np
from keras import layers

from welltempered.jax.programs import compiling_quickly
from welltempered.keras.compiled import Compiled, why_not
from welltempered.keras.data import data_of
from welltempered.keras.fit import Stepwise
from welltempered.keras.trainer import Options

rng = np.random.default_rng(0)
ROWS, HELD, SIZE, CLASSES = 50, 21, 16, 3  # both are ragged: three batches and two rows, one batch and five
EPOCHS = 3
SAME = 2e-6
"""Of losses near 1: some units in the last place of single precision, since sums may be taken in another order."""


def arrays(*shape):
    return data_of("train", (rng.normal(size=(ROWS, *shape)).astype("float32"), rng.integers(0, CLASSES, ROWS)))


FLAT, IMAGES, SERIES = arrays(6), arrays(8, 8, 2), arrays(5, 4)
ONE_HOT = data_of(
    "train",
    (FLAT.parts[0], np.eye(CLASSES, dtype="float32")[FLAT.parts[1]], rng.uniform(0.5, 2, ROWS).astype("float32")),
)


def dense(rate=0.3):
    return [keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dropout(rate)]


def model_of(parts=dense, *, optimizer=None, loss=None, **options):
    """Each time the same one."""
    keras.backend.clear_session(free_memory=False)
    keras.utils.set_random_seed(1)
    model = keras.Sequential([*parts(), layers.Dense(CLASSES)])
    optimizer = keras.optimizers.Adam(0.01) if optimizer is None else optimizer()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if loss is None else loss()
    model.compile(optimizer, loss, **({"metrics": ["accuracy"]} | options))
    return model


def held_of(data):
    return data_of("validation", tuple(part[:HELD] for part in data.parts))


def compiled(model, data=FLAT, *, whole=True, class_weight=None, callbacks=(), epochs=EPOCHS):
    given = Options(7, epochs, SIZE, class_weight, callbacks)
    assert why_not(model, data, held_of(data), given) is None
    return Compiled(model, data, held_of(data), given, whole=whole)


def fitted(model, data=FLAT, *, class_weight=None, callbacks=(), epochs=EPOCHS):
    return Stepwise(model, data, held_of(data), Options(7, epochs, SIZE, class_weight, callbacks))


def curve(trainer):
    """All logs."""
    found = [trainer.epoch(number + 1) for number in range(EPOCHS)]
    trainer.end()
    return found


def apart(first, second):
    """How far logs are from each other, at most."""
    assert [sorted(logs) for logs in first] == [sorted(logs) for logs in second]
    return max(abs(one[name] - other[name]) for one, other in zip(first, second, strict=True) for name in one)


def weights_apart(one, other):
    """The same for each variable."""
    pairs = zip(one.variables, other.variables, strict=True)
    return {a.path.partition("/")[2]: float(abs(np.asarray(a.value) - np.asarray(b.value)).max()) for a, b in pairs}


def differ(parts=dense, data=FLAT, *, whole=True, class_weight=None, **options):
    """How far the logs of twins come apart. Their programs are made with few optimisations, in a third of the time."""
    with compiling_quickly():
        first = curve(fitted(model_of(parts, **options), data, class_weight=class_weight))
        second = curve(compiled(model_of(parts, **options), data, whole=whole, class_weight=class_weight))
    return apart(first, second)
