"""Units and layers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulated import suggested
from welltempered.errors import InvalidInput
from welltempered.presets.design import layers, layers_of, units
from welltempered.presets.optimizers import optimizer
from welltempered.presets.regularisation import dropout
from welltempered.presets.training import batch_size
from welltempered.searchers.random import Random
from welltempered.space import Choice, Space

sizes = st.integers(1, 10**6)


@given(n_in=sizes, n_out=sizes)
def test_heatons_rules_are_a_prior_and_no_wall(n_in, n_out):
    parameter = units(n_in=n_in, n_out=n_out)
    rule = 2 * n_in / 3 + n_out
    assert parameter.low <= max(4, min(n_in, n_out) / 2)
    assert parameter.high >= max(2 * n_in, rule)
    assert parameter.size >= 3
    nearest = min(parameter.values(), key=lambda n: max(n, rule) / min(n, rule))
    assert parameter.start == nearest
    assert max(nearest, rule) / min(nearest, rule) <= 2**0.5 * 1.0001 or rule < 4
    assert all(value & (value - 1) == 0 for value in parameter.values())


def test_units_of_a_net_for_digits():
    assert list(units(n_in=784, n_out=10).values()) == [4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]
    assert units(n_in=784, n_out=10).start == 512  # nearest to 2/3 * 784 + 10 = 533


def test_bounds_of_units_can_be_said():
    assert list(units(n_in=784, n_out=10, low=50, high=400).values()) == [50, 100, 200, 400]
    assert units(n_in=784, n_out=10, low=50, high=400).start == 400
    assert list(units(low=16, high=64).values()) == [16, 32, 64]
    assert units(n_in=784, n_out=10, high=256).low == 4
    assert units(n_in=8, n_out=2, low=64).high == 256  # four times the smallest, whatever the rules say


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"n_in": 0, "n_out": 10}, "n_in must be a whole number of at least 1, got n_in=0"),
        ({"n_in": 784, "n_out": -1}, "n_out must be a whole number of at least 1, got n_out=-1"),
        ({"n_in": 784.0, "n_out": 10}, "n_in must be a whole number of at least 1, got n_in=784.0"),
        ({"n_in": 10**30, "n_out": 10}, "n_in must be a whole number"),
        (
            {"n_in": 784},
            "units needs the sizes of input and output, as in units.n_in=784, n_out=10., or low and high",
        ),
        ({"low": 16}, "units needs the sizes of input and output"),
        ({}, "units needs the sizes of input and output"),
        ({"low": 16, "high": 31}, r"high must be at least twice low, got low=16, high=31; such as high=32"),
        ({"low": 32, "high": 32}, "a constant is Choice.32, means='units'."),
        ({"low": 784, "high": 10}, "sizes of input and output are n_in=784, n_out=10"),
        ({"low": [8, 16]}, "values of one's own are Choice.8, 16, means='units'."),
        ({"n_in": (1, 28, 28), "n_out": 10}, "of a shape it is the product, n_in=784"),
    ],
)
def test_wrong_sizes_of_units_are_refused(arguments, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        units(**arguments)


def test_each_layer_has_parameters_of_its_own_that_need_that_layer():
    made = layers((1, 3), units=units(n_in=64, n_out=10), drop=dropout())
    assert list(made) == ["depth", "units_1", "drop_1", "units_2", "drop_2", "units_3", "drop_3"]
    assert [made[f"units_{k}"].condition for k in (1,)] == [None]
    assert [made[f"units_{k}"].condition.text for k in (2, 3)] == ["depth > 1", "depth > 2"]
    assert made["depth"].means == "depth"
    assert made["units_3"].means == "units"


def test_shared_layers_repeat_a_block():
    made = layers((1, 8), each=False, units=units(n_in=64, n_out=10))
    assert list(made) == ["depth", "units"]
    assert made["units"].condition is None
    assert layers_of({"depth": 3, "units": 64}, "units") == [{"units": 64}] * 3


def test_without_layers_there_are_no_units():
    assert layers((0, 2), units=units(n_in=64, n_out=10))["units_1"].condition.text == "depth > 0"
    assert layers((0, 2), each=False, units=units(n_in=64, n_out=10))["units"].condition.text == "depth > 0"
    space = Space(layers((0, 2), units=units(n_in=64, n_out=10)))
    assert space.decode([0.0, 0.5, 0.5]) == {"depth": 0}
    assert layers_of({"depth": 0}, "units") == []


def test_a_fixed_depth_is_a_constant_of_the_space():
    made = layers(2, units=units(n_in=64, n_out=10))
    assert made["depth"] == Choice(2)
    assert made["units_2"].condition is None
    assert layers_of(Space(made).defaults(), "units") == [{"units": 64}, {"units": 64}]


def test_conditions_of_their_own_are_kept():
    own = dropout().when(regularised=True)
    space = Space(layers((1, 2), units=units(n_in=64, n_out=10), dropout=own), regularised=Choice(True, False))
    assert space["dropout_1"].condition.text == "regularised == True"
    assert space["dropout_2"].condition.text == "regularised == True and depth > 1"
    params = {"depth": 2, "units_1": 64, "units_2": 32, "regularised": False}
    space.check(params)
    assert layers_of(params, "units", "dropout") == [{"units": 64}, {"units": 32}]


def test_prefixes_keep_stacks_apart():
    space = Space(
        layers((1, 2), prefix="conv", channels=units(low=8, high=64))
        | layers((1, 2), each=False, units=units(n_in=64, n_out=10))
    )
    assert list(space) == ["conv_depth", "conv_channels_1", "conv_channels_2", "depth", "units"]
    assert space["conv_channels_2"].condition.text == "conv_depth > 1"
    params = {"conv_depth": 2, "conv_channels_1": 8, "conv_channels_2": 16, "depth": 1, "units": 32}
    space.check(params)
    assert layers_of(params, "channels", prefix="conv") == [{"channels": 8}, {"channels": 16}]
    assert layers_of(params, "units") == [{"units": 32}]
    assert layers_of(params, "channels", prefix="conv_") == layers_of(params, "channels", prefix="conv")


@pytest.mark.parametrize("each", [True, False])
@pytest.mark.parametrize("depth", [(0, 3), (1, 4), 3])
@pytest.mark.parametrize("prefix", ["", "body"])
def test_readers_give_back_what_searchers_suggest(depth, each, prefix):
    made = layers(depth, each=each, prefix=prefix, units=units(n_in=64, n_out=10), drop=dropout(step=None))
    for params in suggested(Random(), Space(made), 40):
        found = layers_of(params, "units", "drop", prefix=prefix)
        mark = f"{prefix}_" if prefix else ""
        assert len(found) == params[f"{mark}depth"]
        for number, layer in enumerate(found, start=1):
            end = f"_{number}" if each else ""
            assert layer == {name: params[f"{mark}{name}{end}"] for name in ("units", "drop")}


def test_all_kinds_of_presets_join_in_one_space():
    made = optimizer("sgd", "adam") | layers(depth=(1, 4), units=units(n_in=784, n_out=10))
    space = Space(made, batch=batch_size())
    params = space.defaults()
    assert params["optimizer"] == "sgd"
    assert params["batch"] == 32
    assert [layer["units"] for layer in layers_of(params, "units")] == [512, 512]
    space.check(params)


def test_the_number_of_layers_may_be_fixed_in_the_code():
    assert layers_of({"units": 64, "lr": 0.1}, "units", depth=2) == [{"units": 64}, {"units": 64}]
    assert layers_of({"depth": 1, "units": 64}, "units", depth=2) == [{"units": 64}]
    assert layers_of({"lr": 0.1}, "units", depth=2) == [{}, {}]


@pytest.mark.parametrize(
    ("depth", "sentence"),
    [
        ((3, 1), r"depth must go from fewer to more layers, as in depth=\(1, 4\), got depth=\(3, 1\)"),
        ((2, 2), "a constant is depth=2"),
        (0, "depth must be a whole number from 1 to 1000, or two such as .1, 4., got depth=0"),
        ((0, 0), "depth must be"),
        ((1, 2, 3), "depth must be a whole number from 1 to 1000, or two"),
        ((1, 2.5), "depth must be"),
        ((-1, 2), "depth must be"),
        ((1, 10**9), "depth must be"),
        ("3", "depth must be"),
        (True, "depth must be"),
        (None, "depth must be"),
    ],
)
def test_wrong_depths_are_refused(depth, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        layers(depth, units=units(n_in=64, n_out=10))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"units": 64}, "units must be a parameter of a layer, such as units.16, 256., got 64"),
        ({"units": units}, "units must be a parameter of a layer"),
        ({"each": 1}, "each must be True or False"),
        ({"prefix": "1st"}, "prefix must be a word such as 'disc', got prefix='1st'"),
        ({"prefix": None}, "prefix must be a word"),
        ({"prefix": "__"}, "prefix must be a word"),
        ({"class": units(n_in=64, n_out=10)}, "names must be Python identifiers and no keywords, got 'class'"),
        ({"a b": units(n_in=64, n_out=10)}, "names must be Python identifiers"),
    ],
)
def test_wrong_arguments_of_layers_are_refused(arguments, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        layers((1, 2), **arguments)


@pytest.mark.parametrize(
    ("params", "names", "sentence"),
    [
        ({"units_1": 64}, ["units"], "params must hold depth, got units_1; or say depth="),
        ({"depth": 1}, [], "layers_of needs the names of what a layer has"),
        ([64], ["units"], "params must be those of a trial, such as run.params"),
        ({"depth": "2"}, ["units"], "depth must be a whole number"),
        ({"depth": 1}, [3], "names must be Python identifiers"),
        ({"depth": 1, "units_1": 8}, ["unit"], "params have no 'unit' of a layer: did you mean 'units'."),
        ({"depth": 1, "units": 8, "drop": 0.1}, ["Units", "drop"], "did you mean 'units'."),
    ],
)
def test_wrong_questions_for_layers_are_refused(params, names, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        layers_of(params, *names)


def test_what_is_inactive_or_not_searched_is_no_misspelling():
    params = {"depth": 1, "units_1": 64, "adamw_lr": 0.1}
    assert layers_of(params, "units", "dropout") == [{"units": 64}]
    assert layers_of({"depth": 1, "dropout_in": 0.1}, "dropout_in", "dropout") == [{"dropout_in": 0.1}]


def test_layers_of_nothing_are_refused_with_an_example():
    with pytest.raises(InvalidInput, match=r"as in layers\(3, units=units\(16, 256\)\)"):
        layers(3)


def test_two_numbers_are_the_ends_as_in_every_preset():
    assert list(units(16, 64).values()) == [16, 32, 64]
