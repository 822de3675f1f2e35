"""Keras trainings on all kinds of data: they train as `fit` does, and go on where they stopped."""

import importlib.util

import keras
import numpy as np
import pytest
from keras_training import HELD, NO_FRACTION, Turns, X, Y, results, settings

import welltempered as wt
from trainings import reports, tune

pytestmark = pytest.mark.filterwarnings(NO_FRACTION)

EPOCHS = 2
ONE, WHOLE = Turns(1, trials=1), Turns(EPOCHS, trials=1)
ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
ROWS = 20
"""Of a batch; the last one has half of them."""


def plain(run=None, **options):
    """A model without chance, so that it trains alike wherever its batches come from."""
    start = keras.initializers.GlorotUniform(seed=1)
    layers = [keras.layers.Dense(8, "tanh", kernel_initializer=start), keras.layers.Dense(3, kernel_initializer=start)]
    model = keras.Sequential([keras.Input((6,)), *layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(**{"optimizer": keras.optimizers.Adam(0.01), "loss": loss, "metrics": ["accuracy"]} | options)
    return model


def training(data, build=plain, **options):
    return wt.keras.trainable(build, data, **{"validation": HELD, "batch_size": ROWS} | options)


def trained(data, build=plain, method=ONE, **options):
    """Train one trial."""
    return tune(**settings(training(data, build, **options), method=method, epochs=EPOCHS))


def curves(study):
    """The reports of the only trial, as `fit` has them in its history."""
    (rows,) = reports(study)
    return {name: [row[name] for row in rows] for name in rows[0]}


def by_hand(model=None, data=(X, Y), **options):
    """What `fit` makes of it, and the model."""
    model = model or plain()
    given = {"validation_data": HELD, "batch_size": ROWS, "shuffle": False, "epochs": EPOCHS, "verbose": 0}
    return model.fit(*data, **given | options).history, model


def shuffled(seed):
    """Batches in an order of their own."""
    return batches(np.random.default_rng(seed).permutation(len(X)))


def drawn():
    """Batches in an order that nobody has given a seed."""
    return batches(np.random.permutation(len(X)))  # noqa: NPY002 - this is what people write


def batches(order=None):
    order = np.arange(len(X)) if order is None else order
    for begin in range(0, len(X), ROWS):
        rows = order[begin : begin + ROWS]
        yield X[rows], Y[rows]


class Sequence(keras.utils.PyDataset):
    def __len__(self):
        return len(range(0, len(X), ROWS))

    def __getitem__(self, index):
        rows = slice(index * ROWS, (index + 1) * ROWS)
        return X[rows], Y[rows]


def tensors():
    torch = pytest.importorskip("torch")
    return torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))


def loader(*, shuffle=False):
    import torch

    return torch.utils.data.DataLoader(tensors(), ROWS, shuffle=shuffle)


def dataset():
    if keras.backend.backend() == "torch" or importlib.util.find_spec("tensorflow") is None:
        pytest.skip("it would import TensorFlow for this alone")
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(ROWS)


KINDS = {
    "a tf.data.Dataset": dataset,
    "a PyDataset": Sequence,
    "a DataLoader": loader,
    "a function that makes a loader": lambda: loader,
    "a generator": lambda: batches,
    "a function of the seed": lambda: lambda seed: batches(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_on_batches_is_that_of_fit(kind):
    with trained(KINDS[kind](), validation=KINDS[kind]()) as study:
        found = curves(study)
    expected, _ = by_hand(validation_data=(X, Y), validation_batch_size=ROWS)
    for name, values in expected.items():  # on TensorFlow, Keras counts a step more where it does not know the length
        np.testing.assert_allclose(found[name], values, rtol=5e-3 if ON_TENSORFLOW else 1e-4, err_msg=name)


@pytest.mark.parametrize("kind", ["loader", "shuffled", "drawn"])
def test_batches_in_an_order_of_their_own_go_on_exactly(kind):
    data = {"loader": loader(shuffle=True), "shuffled": shuffled, "drawn": drawn}[kind]
    with trained(data) as pieces, trained(data, method=WHOLE) as whole:
        assert results(pieces) == results(whole)
        losses = curves(whole)["loss"]
    expected, _ = by_hand()
    assert losses != pytest.approx(expected["loss"], rel=1e-6), "the order is not the one that rows have"


def two_headed(run):
    """Inputs and outputs with names, and a loss for each output."""
    left, right = keras.Input((6,), name="left"), keras.Input((2,), name="right")
    both = keras.layers.Concatenate()([keras.layers.Dense(4, "relu")(left), right])
    outputs = {"kind": keras.layers.Dense(3, name="kind")(both), "size": keras.layers.Dense(1, name="size")(both)}
    model = keras.Model({"left": left, "right": right}, outputs)
    loss = {"kind": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "size": "mse"}
    model.compile("adam", loss=loss, loss_weights={"kind": 1.0, "size": 0.1}, metrics={"size": ["mae"]})
    return model


def test_trees_of_arrays_feed_models_with_several_inputs_and_outputs():
    x, y = {"left": X, "right": X[:, :2]}, {"kind": Y, "size": X[:, :1]}
    with (
        trained((x, y), two_headed, validation=(x, y)) as pieces,
        trained((x, y), two_headed, WHOLE, validation=(x, y)) as whole,
    ):
        assert results(pieces) == results(whole)
        found = curves(whole)
    assert {"loss", "kind_loss", "size_loss", "size_mae", "val_loss", "val_size_mae"} <= set(found)
    assert found["val_loss"][-1] < found["val_loss"][0]


def test_weights_of_samples_and_of_classes_count_as_in_fit():
    weights = np.where(Y == 1, 3.0, 1.0).astype("float32")
    with (
        trained((X, Y, weights), batch_size=len(X)) as by_sample,
        trained((X, Y), class_weight={1: 3.0}, batch_size=len(X)) as by_class,
    ):
        found = curves(by_sample), curves(by_class)
    expected, _ = by_hand(class_weight={1: 3.0}, batch_size=len(X))
    for name, values in expected.items():
        for one in found:
            np.testing.assert_allclose(one[name], values, rtol=1e-4, err_msg=name)


def test_averages_of_weights_take_their_place_when_training_is_over():
    def build(run=None):
        return plain(optimizer=keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9))

    with trained((X, Y), build, batch_size=len(X)) as study:
        found, weights = curves(study), study.checkpoint(0)["training"]["trainable"]
    expected, model = by_hand(build(), batch_size=len(X))
    np.testing.assert_allclose(found["val_loss"], expected["val_loss"], rtol=1e-4)
    for ours, theirs in zip(weights, model.trainable_variables, strict=True):
        np.testing.assert_allclose(ours, keras.ops.convert_to_numpy(theirs.value), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "bfloat16"])
def test_the_precision_in_force_reaches_the_trials_and_is_kept(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        train = training((X, Y))
    finally:
        keras.config.set_dtype_policy(before)
    given = settings(train, epochs=EPOCHS)
    with tune(**given | {"method": ONE}) as pieces, tune(**given | {"method": WHOLE}) as whole:
        assert results(pieces) == results(whole)
        kind = whole.checkpoint(0)["training"]["kind"]
    assert kind == (["LossScaleOptimizer", "Adam"] if policy == "mixed_float16" else ["Adam"])


class Late(keras.Model):
    """A model that learns the shape of its input from the first batch."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)

    def call(self, inputs):
        return self.dense(inputs)


def late(run):
    model = Late()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


@pytest.mark.parametrize("data", [(X, Y), shuffled], ids=["arrays", "batches"])
def test_a_model_that_does_not_know_its_shapes_is_told(data):
    with trained(data, late) as pieces, trained(data, late, WHOLE) as whole:
        assert results(pieces) == results(whole)
