"""Models and data of the tests, small enough to be trained in a moment."""

import keras
import numpy as np

RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 6)).astype("float32")
Y = np.argmax(X[:, :3], axis=1)
TRAIN, HELD = (X[:64], Y[:64]), (X[64:], Y[64:])
FIT = {"x": X[:64], "y": Y[:64], "validation_data": HELD, "verbose": 0}


def compiled(hidden, rate, classes=3, metrics=("accuracy",)):
    """A classifier with hidden layers of these kinds."""
    model = keras.Sequential([keras.Input((6,)), *hidden, keras.layers.Dense(classes, activation="softmax")])
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=list(metrics))
    return model


def build(hp):
    """One hidden layer and its learning rate."""
    units = hp.Int("units", min_value=8, max_value=16, step=8)
    return compiled([keras.layers.Dense(units, activation="relu")], hp.Float("lr", 1e-3, 1e-1, sampling="log"))


def layered(hp):
    """As many layers as are asked for, each with a width of its own; dropout where it is wanted, at a rate."""
    hidden = []
    for i in range(hp.Int("layers", 1, 3)):
        hidden.append(keras.layers.Dense(hp.Int(f"units_{i}", 4, 8, step=4), hp.Choice("activation", ["relu", "tanh"])))
        if hp.Boolean("dropout"):
            hidden.append(keras.layers.Dropout(hp.Float("rate", 0.1, 0.5)))
    return compiled(hidden, 0.01)
