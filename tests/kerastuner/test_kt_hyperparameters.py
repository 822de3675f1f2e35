"""Hyperparameters: what builders are given, and how scales and conditions become those of a space."""

import math
import warnings

import pytest

import welltempered as wt
import welltempered.kerastuner as kt
from welltempered.kerastuner.layout import Layout


def asked(ask):
    """Hyperparameters, after a function has asked for some."""
    hp = kt.HyperParameters()
    ask(hp)
    return hp


def test_defaults_are_the_first_values_unless_others_are_given():
    hp = kt.HyperParameters()
    assert hp.Int("i", 2, 9) == 2
    assert hp.Float("f", 0.5, 1.0) == 0.5
    assert hp.Choice("c", ["a", "b"]) == "a"
    assert hp.Boolean("b") is False
    assert hp.Fixed("x", 7) == 7
    assert hp.Int("j", 2, 9, default=5) == 5
    assert hp.Choice("d", ["a", "b"], default="b") == "b"
    assert hp.Boolean("e", default=True) is True


def test_a_name_has_one_value_however_often_it_is_asked_for():
    hp = asked(lambda hp: hp.Int("i", 2, 9))
    hp.values["i"] = 6
    assert hp.Int("i", 2, 9) == hp.get("i") == hp["i"] == 6
    assert "i" in hp
    with pytest.raises(KeyError, match="nothing does not exist"):
        hp.get("nothing")


def test_condition_holds_what_is_asked_within_its_scope():
    hp = kt.HyperParameters()
    hp.Choice("kind", ["mlp", "cnn"])
    with hp.conditional_scope("kind", ["cnn"]):
        assert hp.Int("filters", 8, 64) is None
    hp.values["kind"] = "cnn"
    with hp.conditional_scope("kind", "cnn"):
        assert hp.Int("filters", 8, 64) == 8
    assert hp.Int("width", 1, 2, parent_name="kind", parent_values=["mlp"]) is None
    with pytest.raises(ValueError, match="width is currently inactive"):
        hp.get("width")
    with pytest.raises(wt.InvalidInput, match="not defined"), hp.conditional_scope("unknown", 1):
        pass


def test_names_in_a_scope_begin_with_it():
    hp = kt.HyperParameters()
    with hp.name_scope("encoder"):
        hp.Int("units", 1, 3)
        with hp.name_scope("deep"):
            hp.Int("units", 1, 3)
    assert list(hp.values) == ["encoder/units", "encoder/deep/units"]
    assert Layout(hp.space, {}).space.names == ("encoder_units", "encoder_deep_units")


@pytest.mark.parametrize(
    ("ask", "rule"),
    [
        (lambda hp: hp.Int("i", 9, 2), "min_value 9 is greater than the max_value 2"),
        (lambda hp: hp.Int("i", 0.5, 2), "must be an int"),
        (lambda hp: hp.Float("f", 0, 1, sampling="log"), "does not support negative values"),
        (lambda hp: hp.Float("f", 1, 9, step=1, sampling="log"), "expected step > 1"),
        (lambda hp: hp.Float("f", 0, 1, sampling="cubic"), "must be one of linear, log, reverse_log, one_minus_log"),
        (lambda hp: hp.Choice("c", []), "`values` must be provided"),
        (lambda hp: hp.Choice("c", [1, 2], default=3), "should be one of the choices"),
        (lambda hp: hp.Boolean("b", default=1), "must be a Python boolean"),
        (lambda hp: hp.Fixed("x", None), "value must be an `int`"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(ask, rule):
    with pytest.raises(wt.InvalidInput, match=rule):
        ask(kt.HyperParameters())


def test_choices_are_of_one_type():
    with pytest.raises(TypeError, match="only one type of value"):
        kt.HyperParameters().Choice("c", [1, "a"])


def test_steps_are_those_of_kerastuner():
    hp = asked(lambda hp: (hp.Int("i", 32, 512, step=32), hp.Int("j", 1, 100, step=10, sampling="log")))
    assert list(hp.space[0].values) == list(range(32, 513, 32))
    assert list(hp.space[1].values) == [1, 10, 100]


def test_reverse_log_warns_of_the_scale_that_was_meant():
    with pytest.warns(UserWarning, match=r"one_minus_log.*wt\.Float\(0\.9, 0\.999, scale='one_minus_log'\)"):
        hp = asked(lambda hp: hp.Float("beta", 0.9, 0.999, sampling="reverse_log"))
    (beta,) = hp.space
    assert beta.prob_to_value(0.5) == pytest.approx(0.9 + 0.999 - math.sqrt(0.9 * 0.999))
    assert beta.value_to_prob(beta.prob_to_value(0.3)) == pytest.approx(0.3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # once is enough
        assert hp.copy().Float("beta", 0.9, 0.999) == 0.9


def test_one_minus_log_is_the_scale_of_what_lies_just_below_one():
    (beta,) = asked(lambda hp: hp.Float("beta", 0.9, 0.999, sampling="one_minus_log")).space
    assert beta.prob_to_value(0.5) == pytest.approx(1 - math.sqrt(0.1 * 0.001))


def test_copies_and_configs_are_equal_and_apart():
    hp = asked(lambda hp: (hp.Int("i", 2, 9), hp.Choice("c", ["a", "b"]), hp.Boolean("b"), hp.Fixed("x", 0.5)))
    with hp.conditional_scope("b", [True]):
        hp.Float("f", 1e-3, 1.0, sampling="log")
    copy = kt.HyperParameters.from_config(hp.get_config())
    assert copy.get_config() == hp.get_config()
    copy.values["i"] = 3
    assert hp.values["i"] == 2


def test_values_and_params_of_a_space_stand_for_each_other():
    def ask(hp):
        hp.Int("units/first", 8, 64, step=8)
        hp.Fixed("activation", "relu")
        hp.Boolean("dropout")
        with hp.conditional_scope("dropout", True):
            hp.Float("rate", 0.1, 0.5)
        with hp.conditional_scope("dropout", False):
            hp.Float("rate", 0.6, 0.9)

    layout = Layout(asked(ask).space, {})
    values = {"units/first": 24, "activation": "relu", "dropout": True, "rate": 0.25}
    params = layout.params(values)
    assert params == {"units_first": 24, "dropout": True, "rate": 0.25}
    assert layout.values(params) == values
    assert layout.values({"units_first": 24, "dropout": False, "rate_2": 0.7}) == {
        **values,
        "dropout": False,
        "rate": 0.7,
    }


def test_space_without_anything_to_tune_has_one_point():
    layout = Layout(asked(lambda hp: hp.Fixed("x", 1)).space, {})
    assert layout.space.names == ("configuration",)
    assert layout.values({"configuration": "default"}) == {"x": 1}


@pytest.mark.parametrize(
    ("metric", "direction"),
    [("val_accuracy", "max"), ("loss", "min"), ("val_mean_absolute_error", "min"), ("val_auc", "max")],
)
def test_direction_of_metrics_of_keras_is_known(metric, direction, tmp_path):
    tuner = kt.RandomSearch(lambda hp: hp.Int("i", 0, 1) and None, metric, directory=tmp_path, tune_new_entries=True)
    assert (tuner.oracle.objective.name, tuner.oracle.objective.direction) == (metric, direction)


def test_direction_of_other_metrics_must_be_said():
    with pytest.raises(wt.InvalidInput, match=r'kt\.Objective\(\'profit\', direction="min"\)'):
        kt.oracles.RandomSearch("profit")
    assert kt.Objective("profit", "max").better_than(2, 1)
    with pytest.raises(wt.InvalidInput, match='"min" or "max"'):
        kt.Objective("profit", "up")


def test_several_objectives_are_one_sum():
    oracle = kt.oracles.RandomSearch(["val_loss", kt.Objective("profit", "max")])
    assert oracle.objective.get_value({"val_loss": 1.0, "profit": 3.0}) == -2.0
