"""Advice as a value, and as it prints."""

import dataclasses
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulated import SPACES
from welltempered.advice.advise import advise
from welltempered.errors import InvalidInput
from welltempered.presets.design import layers, units
from welltempered.presets.optimizers import OPTIMIZERS, optimizer
from welltempered.presets.regularisation import dropout
from welltempered.presets.training import batch_size, beta1, learning_rate, rho
from welltempered.space import Choice, Float, Int, Space

NET = Space(optimizer("sgd", "adam") | layers((1, 4), units=units(n_in=784, n_out=10)), batch=batch_size())
PLAIN = Space(lr=Float(1e-4, 1), momentum=Float(0.5, 0.99), units_1=Int(8, 64), l2=Float(0, 0.1), opt=Choice("adam"))


@st.composite
def nets(draw):
    """Spaces of presets with conditions, some of which hang from what a small budget fixes."""
    names = draw(st.lists(st.sampled_from(list(OPTIMIZERS)), min_size=1, max_size=4, unique=True))
    depth = draw(st.sampled_from([2, (0, 2), (1, 4)]))
    regularised = {"regularised": Choice(False, True), "drop": dropout().when(regularised=True)}
    stack = layers(depth, each=draw(st.booleans()), units=units(n_in=64, n_out=10), kind=Choice("relu", "gelu"))
    return Space(optimizer(*names) | stack | draw(st.sampled_from([{}, regularised, {"batch": batch_size()}])))


def test_the_order_is_that_of_ng():
    advice = advise(NET, 40)
    assert advice.tune == (
        *("sgd_lr", "adam_lr"),
        *("sgd_momentum", "batch", "units_1", "units_2", "units_3", "units_4"),
        *("depth", "sgd_weight_decay", "optimizer"),
        *("adam_beta1", "adam_beta2", "adam_epsilon"),
    )
    assert advice.fix == {}


def test_the_order_may_be_that_of_yu_and_zhu():
    space = Space(
        beta1=beta1(),
        rho=rho(),
        units=units(n_in=64, n_out=10),
        depth=Int(1, 4),
        batch=batch_size(),
        lr=learning_rate(),
    )
    assert advise(space, 100, order="yu_zhu").tune == ("lr", "beta1", "batch", "units", "depth", "rho")
    assert advise(space, 100).tune == ("lr", "batch", "units", "depth", "beta1", "rho")


@pytest.mark.parametrize("budget", [3, "9 trials", "90 epochs"])
def test_a_small_budget_is_for_the_learning_rate_and_the_rest_gets_values(budget):
    advice = advise(Space(lr=learning_rate(), batch=batch_size(), drop=dropout(0.1, 0.5)), budget, epochs=10)
    assert advice.tune == ("lr",)
    assert advice.fix == {"batch": 32, "drop": 0.3}


def test_what_falls_away_with_a_fixed_choice_is_said():
    advice = advise(Space(optimizer("sgd", "adam", budget=5)), 5)
    assert advice.tune == ("sgd_lr",)
    assert advice.fix == {"optimizer": "sgd"}
    assert advice.idle == ("adam_lr",)
    assert "adam_beta1" not in advice.absent
    assert "which leaves no use for adam_lr" in str(advice)


def test_layers_that_a_fixed_depth_leaves_out_fall_away():
    advice = advise(Space(layers((1, 4), units=units(n_in=64, n_out=10)), lr=learning_rate()), 12)
    assert advice.fix["depth"] == 2
    assert advice.idle == ("units_3", "units_4")


@given(space=nets(), budget=st.integers(1, 60))
def test_what_advice_fixes_leaves_a_space_of_what_it_tunes(space, budget):
    advice = advise(space, budget)
    fixed = {name: Choice(value) for name, value in advice.fix.items()}
    conditions = {name: space[name].condition for name in fixed}
    fixed = {name: choice.when(conditions[name].text) if conditions[name] else choice for name, choice in fixed.items()}
    chosen = {**space, **fixed}
    smaller = Space({name: parameter for name, parameter in chosen.items() if name not in advice.idle})
    assert {name for name, parameter in smaller.items() if parameter.size > 1} == set(advice.tune)
    space.check(smaller.defaults())
    for u in (0.0, 0.5, 1.0):  # what was left out would be missed if it could be active
        space.check(smaller.decode([u] * len(smaller)))


def test_values_of_what_is_not_in_the_space_are_said():
    advice = advise(Space(optimizer("adamw", budget=5)), 5)
    assert advice.absent == {
        "adamw_beta1": 0.9,
        "adamw_beta2": 0.999,
        "adamw_epsilon": 1e-8,
        "adamw_weight_decay": 0.01,
        "batch_size": 32,
        "depth": 2,
        "schedule": "constant",
        "dropout": 0.0,
    }


def test_trainings_to_spare_are_offered_to_what_is_missing():
    looks = advise(Space(lr=learning_rate()), 25).looks
    assert looks == (
        "There are trainings enough to search batch_size, depth, schedule, weight_decay, dropout as well.",
    )
    assert advise(Space(lr=learning_rate()), 12).looks == ("There are trainings enough to search batch_size as well.",)
    assert advise(Space(lr=learning_rate()), 9).looks == ()


def test_plain_parameters_are_recognised_by_their_names():
    advice = advise(PLAIN, 12)
    assert advice.tune == ("lr", "momentum", "units_1")
    assert advice.fix == {"l2": 0.0}
    assert "by its name: learning_rate" in advice.texts["lr"]
    assert any("lr is on a linear scale" in look for look in advice.looks)


def test_it_prints_in_sections():
    assert str(advise(PLAIN, "300 epochs", epochs=25)) == (
        "Advice for 12 full trainings\n"
        "\n"
        "Tune these, the most important first (after Ng):\n"
        "  1. lr: 0.0001 .. 1 (by its name: learning_rate): steps of 0.0001 to 1 ×\n"
        "     gradient\n"
        "  2. momentum: 0.5 .. 0.99 (by its name: momentum): averages about 2 to 100\n"
        "     steps\n"
        "  3. units_1: 8 .. 64 (by its name: units)\n"
        "\n"
        "This budget does not reach for these; fix them:\n"
        "  - l2 = 0\n"
        "\n"
        "Not in the space, so fixed in the code; usual values:\n"
        "  - adam_beta1 = 0.9, adam_beta2 = 0.999, adam_epsilon = 1e-08, batch_size = 32,\n"
        "    depth = 2, schedule = 'constant', dropout = 0\n"
        "\n"
        "These deserve a second look:\n"
        "  - opt is fixed at 'adam': fine to begin with; another needs a learning rate of\n"
        "    its own.\n"
        "  - lr is on a linear scale: 90 % of the trials lie above 0.1. Its order of\n"
        "    magnitude is what is sought: use scale='log'.\n"
        "  - momentum is on a linear scale: only 12 % of the trials lie above 0.9293, the\n"
        "    middle of the range in steps averaged. Use scale='one_minus_log'.\n"
        "  - l2 is on a linear scale: 90 % of the trials lie above 0.01. Its order of\n"
        "    magnitude is what is sought: use scale='zero_or_log'.\n"
        "  - There are trainings enough to search batch_size as well."
    )


@given(space=nets(), budget=st.integers(1, 200), order=st.sampled_from(["ng", "yu_zhu"]))
def test_every_parameter_of_any_space_is_accounted_for_once(space, budget, order):
    advice = advise(space, budget, order=order)
    constant = [name for name in space if space[name].size == 1]
    named = [*advice.tune, *advice.fix, *(name for name in advice.idle if name not in constant)]
    assert sorted(named) == sorted(set(space) - set(constant))


@pytest.mark.parametrize("budget", [1, 12, 1000])
@pytest.mark.parametrize("space", [*SPACES.values(), NET, PLAIN, Space({"n" * 200: Float(0, 1)})])
def test_it_prints_in_80_columns(space, budget):
    lines = str(advise(space, budget)).splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line.isprintable() for line in lines)


def test_advice_is_a_value():
    advice = advise(NET, 30)
    assert advice == advise(NET, "30 trials")
    assert pickle.loads(pickle.dumps(advice)) == advice
    with pytest.raises(dataclasses.FrozenInstanceError):
        advice.tune = ()


def test_a_space_of_constants_has_nothing_to_tune():
    advice = advise(Space(lr=Choice(0.1)), 30)
    assert (advice.tune, advice.fix) == ((), {})
    assert "nothing: each parameter has only one value" in str(advice)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((dict(NET), 30), "space must be a Space, such as Space.lr=learning_rate..., got"),
        ((NET, 0), "budget must be a whole number of full trainings"),
        ((NET, "1 h"), "budget must be in trials or epochs here"),
        ((NET, None), "budget must have a bound"),
    ],
)
def test_wrong_arguments_are_refused(arguments, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        advise(*arguments)


def test_an_order_nobody_knows_is_refused():
    with pytest.raises(InvalidInput, match="order must be 'ng' or 'yu_zhu', got order='importance'"):
        advise(NET, 30, order="importance")
