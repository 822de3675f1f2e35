"""Whatever a model is compiled with, compiled epochs train it as `fit` does, on the same seeds; see twins.SAME."""

import keras
from keras import optimizers
from twins import ONE_HOT, SAME, differ


def smooth():
    return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)


def test_momentum_cosine_decay_clipping_and_weights_of_classes():
    def optimizer():
        rate = optimizers.schedules.CosineDecay(0.0, 12, alpha=0.1, warmup_target=0.05, warmup_steps=3)
        return optimizers.SGD(rate, momentum=0.9, nesterov=True, clipnorm=0.5)

    weights = {0: 1.0, 1: 3.0, 2: 0.5}
    assert differ(optimizer=optimizer, class_weight=weights, weighted_metrics=["accuracy"]) < SAME


def test_weight_decay_exponential_decay_label_smoothing_and_weights_of_rows():
    def optimizer():
        rate = optimizers.schedules.ExponentialDecay(0.02, 3, 0.7)
        return optimizers.AdamW(rate, weight_decay=0.1, beta_1=0.8, global_clipnorm=0.8)

    metrics = {"metrics": ["accuracy"], "weighted_metrics": ["accuracy"]}
    assert differ(data=ONE_HOT, optimizer=optimizer, loss=smooth, **metrics) < SAME


def test_averages_of_weights():
    def optimizer():
        return optimizers.Adam(0.02, use_ema=True, ema_momentum=0.6, ema_overwrite_frequency=5, clipvalue=0.05)

    assert differ(optimizer=optimizer) < SAME


def test_slopes_of_several_batches():
    assert differ(optimizer=lambda: optimizers.RMSprop(0.01, rho=0.8, gradient_accumulation_steps=2)) < SAME
