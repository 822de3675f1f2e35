"""Models of each kind are trained by compiled epochs as by `fit`, on the same seeds; see twins.SAME."""

import keras
import numpy as np
import pytest
from keras import layers
from twins import FLAT, IMAGES, SAME, SERIES, compiled, curve, dense, differ, model_of, weights_apart


def batch_norm_and_dropout():
    return [
        keras.Input((6,)),
        layers.Dense(8, activation="relu"),
        layers.BatchNormalization(),
        layers.Dropout(0.3),
        layers.Dense(6, use_bias=False),  # the last test says why
        layers.BatchNormalization(),
        layers.Dropout(0.1),
    ]


def convolution():
    return [
        keras.Input((8, 8, 2)),
        layers.Conv2D(4, 3, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(),
        layers.SpatialDropout2D(0.2),
        layers.Flatten(),
    ]


def recurrent():
    return [
        keras.Input((5, 4)),
        layers.LSTM(6, dropout=0.2, return_sequences=True),
        layers.GRU(5, recurrent_dropout=0.2),
    ]


def attention():
    x = keras.Input((5, 4))
    seen = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 3, dropout=0.1)(x, x)]))
    return [keras.Model(x, layers.GlobalAveragePooling1D()(seen))]


@pytest.mark.parametrize(
    ("parts", "data", "whole"),
    [
        (dense, FLAT, False),
        (batch_norm_and_dropout, FLAT, True),
        (convolution, IMAGES, True),
        (convolution, IMAGES, False),
        (recurrent, SERIES, True),
        (attention, SERIES, True),
    ],
)
def test_logs_are_those_of_fit(parts, data, whole):
    assert differ(parts, data, whole=whole) < SAME


def normalised(*, use_bias):
    return [
        keras.Input((6,)),
        layers.Dense(8, use_bias=use_bias),
        layers.BatchNormalization(),
        layers.ReLU(),
    ]


def after_a_rounding(*, use_bias=True, **options):
    """How far weights end apart when one of them begins with another last bit."""
    models = [model_of(lambda: normalised(use_bias=use_bias), **options) for _ in range(2)]
    kernel = models[1].layers[0].kernel
    kernel.assign(np.nextafter(np.asarray(kernel.value), np.float32(1)))
    for model in models:
        curve(compiled(model))
    return weights_apart(*models)


def test_a_bias_before_batch_norm_lets_adam_follow_rounding():
    """What batch norm takes out again has no slope but rounding, and Adam makes full steps of the smallest slope."""
    apart = after_a_rounding()
    bias, mean = apart.pop("dense/bias"), apart.pop("batch_normalization/moving_mean")
    assert bias > 1e-4
    assert mean > 1e-5, "what validation subtracts lags behind"
    assert max(apart.values()) < bias / 20
    assert max(after_a_rounding(optimizer=lambda: keras.optimizers.SGD(0.01)).values()) < SAME
    assert max(after_a_rounding(use_bias=False).values()) < bias / 20
