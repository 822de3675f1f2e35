"""What is recognised in a space, and how it is put."""

import pytest

from welltempered.advice.rows import rows_of
from welltempered.presets.design import units
from welltempered.presets.names import guessed
from welltempered.presets.regularisation import weight_decay
from welltempered.presets.training import learning_rate, momentum
from welltempered.space import Choice, Float, Int, Space


def row(parameter, name="it"):
    (only,) = rows_of(Space({name: parameter}))
    return only


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("lr", "learning_rate"),
        ("learning_rate", "learning_rate"),
        ("LR", "learning_rate"),
        ("disc_sgd_lr", "learning_rate"),
        ("beta_1", "beta1"),
        ("adam_beta2", "beta2"),
        ("momentum", "momentum"),
        ("batch_size", "batch_size"),
        ("units_2", "units"),
        ("hidden3", "units"),
        ("n_layers", "depth"),
        ("dropout", "dropout"),
        ("dropout_rate_1", "dropout"),
        ("weight_decay", "weight_decay"),
        ("wd", "weight_decay"),
        ("l2", "weight_decay"),
        ("lr_decay", "decay_rate"),
        ("eps", "epsilon"),
        ("opt", "optimizer"),
        ("temperature", None),
        ("colour", None),
        ("x1", None),
        ("steps", None),
        ("crop", None),
    ],
)
def test_well_known_names_are_recognised(name, word):
    assert guessed(name) == word


def test_what_a_parameter_means_goes_before_its_name():
    assert row(momentum(), "lr").means == "momentum"
    assert not row(momentum(), "lr").guessed


def test_a_guess_is_called_one():
    assert row(Float(1e-4, 1e-1, scale="log"), "lr").text == (
        "0.0001 .. 0.1, log (by its name: learning_rate): steps of 0.0001 to 0.1 × gradient"
    )


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        (momentum(), "0.9 .. 0.999, log in 1 - x: averages about 10 to 1,000 steps"),
        (weight_decay(), "0 or 1e-06 .. 0.01, log: shrinks weights by 1e-06 to 0.01 × learning rate a step"),
        (units(n_in=784, n_out=10), "4 .. 2048, log"),
        (Int(1, 10**7), "1 .. 10000000"),
        (Float(0, 1), "0 .. 1"),
        (Choice("a", 1, None, [2]), "'a', 1, None, [2]"),
        (Choice("two\nlines"), r"'two\nlines'"),
    ],
)
def test_ranges_are_put_in_a_few_words(parameter, text):
    assert row(parameter).text == text


@pytest.mark.parametrize(
    ("parameter", "name", "value"),
    [
        (momentum(default=0.95), "m", 0.95),
        (Float(0.5, 0.99), "momentum", 0.9),
        (Float(0.95, 0.99, scale="one_minus_log"), "momentum", 0.9776393202),
        (learning_rate(1e-4, 1e-2), "lr", 1e-3),
        (Choice("sgd", "adamw"), "optimizer", "adamw"),
        (Choice("sgd", "adam"), "optimizer", "sgd"),
        (Float(0, 1), "x", 0.5),
    ],
)
def test_the_value_to_fix_is_the_default_or_the_usual_or_the_middle(parameter, name, value):
    assert row(parameter, name).value == value
