"""Which trials share a program, and what becomes of programs that nobody needs."""

import gc
import weakref

import keras
import pytest
from keras import layers, optimizers
from twins import EPOCHS, ONE_HOT, SAME, apart, compiled, curve, dense, fitted, model_of

import welltempered as wt
from welltempered.jax.programs import compiling_quickly, programs


@pytest.fixture(autouse=True)
def _quickly():
    with compiling_quickly():
        yield


def made(*trials):
    """How many programs each makes that is given as arguments of `model_of`, one after the other."""
    counts = []
    for options in trials:
        before = programs.compiled
        compiled(model_of(**options), ONE_HOT)
        counts.append(programs.compiled - before)
    return counts


def decayed(rate, beta, decay, rest):
    schedule = optimizers.schedules.ExponentialDecay(rate, 3, rest)
    return lambda: optimizers.AdamW(schedule, weight_decay=decay, beta_1=beta, beta_2=1 - beta / 100, clipnorm=beta)


def momentum(rate, beta, share):
    schedule = wt.for_keras(wt.PolynomialDecay(power=share, end=0.1), rate, epochs=EPOCHS, steps=4)
    return lambda: optimizers.SGD(schedule, momentum=beta)


def smooth(share):
    return lambda: keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=share)


def penalised(share):
    return [
        keras.Input((6,)),
        layers.Dense(8, kernel_regularizer=keras.regularizers.L2(share)),
        layers.LeakyReLU(share),
    ]


@pytest.mark.parametrize(
    "trials",
    [
        [
            {"optimizer": decayed(*numbers), "loss": smooth(share), "parts": lambda share=share: dense(share)}
            for numbers, share in [((0.1, 0.9, 0.01, 0.5), 0.1), ((0.02, 0.8, 0.1, 0.9), 0.4)]
        ],
        [
            {"optimizer": momentum(*numbers), "loss": smooth(0.2), "parts": lambda share=share: penalised(share)}
            for numbers, share in [((0.1, 0.9, 1.5), 0.01), ((0.02, 0.5, 2.0), 0.3)]
        ],
    ],
    ids=["AdamW", "SGD"],
)
def test_trials_that_differ_in_numbers_share_a_program_and_train_each_with_its_own(trials):
    first, second = made(*trials)
    assert (first, second) == (1, 0)
    curves = [curve(compiled(model_of(**options), ONE_HOT)) for options in trials]
    assert apart(*curves) > 1e-3
    assert apart(curve(fitted(model_of(**trials[1]), ONE_HOT)), curves[1]) < SAME


def test_a_number_that_takes_another_branch_has_a_program_of_its_own():
    def trial(rate):
        return {"parts": lambda: [keras.Input((6,)), layers.Dropout(rate), layers.Dense(7)], "loss": smooth(0.0)}

    assert made(trial(0.1), trial(0.0), trial(0.5), trial(0.0)) == [1, 1, 0, 0]


class Scaled(layers.Layer):
    """What is written elsewhere may use a number for anything."""

    def __init__(self, share):
        super().__init__()
        self.share = share

    def call(self, x):
        return x * round(self.share)


def test_numbers_of_layers_that_are_not_of_keras_are_part_of_the_program():
    def trial(share, rate=0.1):
        return {
            "parts": lambda: [keras.Input((6,)), Scaled(share)],
            "loss": smooth(0.1),
            "optimizer": lambda: optimizers.SGD(rate),
        }

    assert made(trial(1.1), trial(2.1), trial(1.2), trial(2.1, rate=0.2)) == [1, 1, 0, 0]


def test_other_functions_other_sizes_and_frozen_layers_need_other_programs():
    def trial(units=5, activation="relu", trainable=True):
        return {
            "parts": lambda: [keras.Input((6,)), layers.Dense(units, activation=activation, trainable=trainable)],
            "loss": smooth(0.1),
        }

    changes = [{}, {"units": 4}, {"activation": "tanh"}, {"activation": lambda x: x * 2}, {"trainable": False}, {}]
    assert made(*(trial(**change) for change in changes)) == [1, 1, 1, 1, 1, 0]


def test_no_more_programs_are_kept_than_the_bound_says_and_models_are_not(monkeypatch):
    monkeypatch.setattr(programs, "bound", 2)
    programs.clear()
    models, kept = [], []
    for units in (3, 4, 5):
        model = model_of(lambda units=units: [keras.Input((6,)), layers.Dense(units)], loss=smooth(0.1))
        trainer = compiled(model, ONE_HOT)
        models.append(weakref.ref(model))
        kept.append(weakref.ref(trainer._program._epoch))
        del model, trainer
        keras.backend.clear_session()
    gc.collect()
    assert len(programs) == 2
    assert [program() is None for program in kept] == [True, True, False]
    assert all(model() is None for model in models)
