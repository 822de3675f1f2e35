"""How a model is trained is chosen by measurement, once per architecture; what cannot be compiled is trained by fit."""

import time

import keras
import numpy as np
import pytest
from keras import layers
from twins import FLAT, SIZE, compiled, dense, held_of, model_of

import welltempered.keras.compiled_epoch as epoch_module
from welltempered.jax.programs import programs
from welltempered.keras.compiled import Compiled
from welltempered.keras.data import data_of
from welltempered.keras.fit import Stepwise
from welltempered.keras.paths import BATCH, EPOCH, FIT, choose
from welltempered.keras.trainer import Options

rng = np.random.default_rng(0)
IMAGES = data_of("train", (rng.normal(size=(48, 20, 20, 8)).astype("float32"), rng.integers(0, 3, 48)))
OPTIONS = Options(7, 3, SIZE)


@pytest.fixture(autouse=True)
def _unknown(monkeypatch):
    monkeypatch.setattr(epoch_module, "_ways", {})
    programs.clear()


def convolution(filters=16):
    return [
        keras.Input((20, 20, 8)),
        layers.Conv2D(filters, 3, activation="relu"),
        layers.Conv2D(32, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
    ]


def seconds(trainer):
    """Of an epoch; the first is not counted."""
    for number in (1, 2):
        began = time.perf_counter()
        trainer.epoch(number)
    return time.perf_counter() - began


def test_convolutions_are_trained_batch_by_batch_where_that_is_faster_and_it_is_tried_once(monkeypatch):
    chosen = Compiled(model_of(convolution), IMAGES, None, OPTIONS)
    assert not chosen.whole
    assert seconds(chosen) < seconds(Compiled(model_of(convolution), IMAGES, None, OPTIONS, whole=True))
    monkeypatch.setattr("welltempered.jax.loop._looped", None)  # whoever tries again fails
    assert not Compiled(model_of(lambda: convolution(12)), IMAGES, None, OPTIONS).whole


def test_dense_nets_are_one_program_without_a_try():
    before = programs.compiled
    assert compiled(model_of(), whole=None).whole
    assert programs.compiled == before + 1


class Steps(keras.Model):
    def train_step(self, *arguments):
        return super().train_step(*arguments)


class Counts(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("step", "the model has a train_step of its own"),
        ("eager", "run_eagerly=True"),
        ("callback", "the callback Counts wants to be called within an epoch"),
        ("layer", "it cannot be traced"),
    ],
)
def test_what_cannot_be_compiled_is_trained_by_fit_and_that_is_said_once(wrong, says, capsys):
    class Branches(layers.Layer):
        def call(self, x):
            return x if bool(keras.ops.sum(x) > 0) else -x

        def compute_output_shape(self, shape):
            return shape

    def model():
        if wrong == "step":
            x = keras.Input((6,))
            made = Steps(x, layers.Dense(3)(x))
            made.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
            return made
        parts = (lambda: [keras.Input((6,)), Branches()]) if wrong == "layer" else dense
        return model_of(parts, **({"run_eagerly": True} if wrong == "eager" else {}))

    options = Options(7, 3, SIZE, None, (Counts(),) if wrong == "callback" else ())
    for _ in range(2):
        way, trainer = choose(model(), FLAT, held_of(FLAT), options, None)
        assert way == FIT
        assert isinstance(trainer, Stepwise)
    assert capsys.readouterr().err.count(says) == 1


def test_a_trial_goes_on_the_way_it_has_begun():
    for way in (EPOCH, BATCH, FIT):
        assert choose(model_of(), FLAT, held_of(FLAT), OPTIONS, way)[0] == way
