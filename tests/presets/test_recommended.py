"""Spaces to begin with."""

import pytest

from simulated import suggested
from welltempered.advice.advise import advise
from welltempered.errors import InvalidInput
from welltempered.presets.design import layers_of
from welltempered.presets.facts import about
from welltempered.presets.recommended import fitting, recommended_space
from welltempered.presets.training import learning_rate
from welltempered.searchers.sobol import Sobol
from welltempered.space import Choice, Float

DIGITS = {"task": "classification", "n_in": 784, "n_out": 10}
every_order = pytest.mark.parametrize("order", ["ng", "yu_zhu"])


def searched(space):
    return [name for name, parameter in space.items() if parameter.size > 1]


@every_order
@pytest.mark.parametrize("budget", [1, 9])
def test_under_ten_trainings_only_the_learning_rate_is_searched(budget, order):
    space = recommended_space(**DIGITS, budget=budget, order=order)
    assert searched(space) == ["adamw_lr"]
    assert space["optimizer"] == Choice("adamw")


def test_from_ten_trainings_the_second_tier_joins():
    assert searched(recommended_space(**DIGITS, budget=10)) == ["adamw_lr", "adamw_beta1", "batch_size", "units"]
    assert recommended_space(**DIGITS, budget=10) == recommended_space(**DIGITS, budget=24)


def test_from_25_trainings_regularisation_and_depth_join():
    space = recommended_space(**DIGITS, budget=25)
    assert {"depth", "adamw_weight_decay", "dropout", "label_smoothing"} <= set(space)


def test_layers_get_their_own_units_once_all_can_be_afforded():
    assert "units" in recommended_space(**DIGITS, budget=30)
    assert "units_4" in recommended_space(**DIGITS, budget=60)


@every_order
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_more_trainings_search_more(task, order):
    meanings = set()
    for budget in range(1, 60):
        space = recommended_space(task, n_in=13, n_out=1, budget=budget, order=order)
        now = {space[name].means for name in space}
        assert meanings <= now
        meanings = now
    assert {"epsilon", "beta2"} <= meanings


@every_order
@pytest.mark.parametrize("budget", [1, 5, 10, 12, 24, 25, 30, 33, 40, 60, 100, 1000])
def test_advice_agrees_with_what_it_recommends(budget, order):
    advice = advise(recommended_space(**DIGITS, budget=budget, order=order), budget, order=order)
    assert not advice.fix
    assert not advice.idle
    assert not any("are many for" in look or "scale" in look for look in advice.looks)


def test_labels_are_smoothed_for_classes_only():
    assert "label_smoothing" in recommended_space("classification", n_in=8, n_out=3, budget=40)
    assert "label_smoothing" not in recommended_space("regression", n_in=8, n_out=3, budget=40)


def test_the_order_decides_what_twelve_trainings_are_for():
    # Yu & Zhu rank the number of layers, and with them their size, behind the batch size.
    assert advise(recommended_space(**DIGITS, budget=10, order="yu_zhu"), 10, order="yu_zhu").tune == (
        "adamw_lr",
        "adamw_beta1",
        "batch_size",
        "units",
    )
    assert "depth" in recommended_space(**DIGITS, budget=13, order="yu_zhu")
    assert "depth" not in recommended_space(**DIGITS, budget=13, order="ng")


def test_budgets_may_be_in_epochs():
    assert recommended_space(**DIGITS, budget="900 epochs", epochs=30) == recommended_space(**DIGITS, budget=30)


@pytest.mark.parametrize("budget", [5, 12, 30, 60])
def test_one_loop_builds_the_net_of_every_budget(budget):
    space = recommended_space(**DIGITS, budget=budget)
    for params in suggested(Sobol(), space, 16):
        built = layers_of(params, "units", "dropout", depth=2)
        assert len(built) == params.get("depth", 2)
        assert all(("units" in layer) == (budget >= 10) for layer in built)
        assert all(("dropout" in layer) == (budget >= 25) for layer in built)


@pytest.mark.parametrize("count", [9, 10, 12, 25, 30, 40])
def test_what_is_conditional_comes_with_its_parent_or_not_at_all(count):
    kinds = {f"kind_{i}": Choice("a", "b", means="schedule") for i in range(4)}
    rates = {f"rate_{i}{j}": Float(0, 1).when(f"kind_{i} == 'b'") for i in range(4) for j in range(2)}
    fixed = {"fixed": Choice(1)}
    chosen = fitting({**rates, **kinds, "lr": learning_rate(), **fixed}, count, "ng")
    assert {"lr", "fixed"} <= set(chosen)
    for i in range(4):
        assert len({name in chosen for name in (f"kind_{i}", f"rate_{i}0", f"rate_{i}1")}) == 1
    assert len(chosen) == {9: 2, 10: 2, 12: 2, 25: 11, 30: 11, 40: 14}[count]


def test_everything_in_it_says_what_it_means():
    assert all(about(parameter) for parameter in recommended_space(**DIGITS, budget=500).values())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"task": "clasification"}, "there is no space for the task 'clasification', did you mean 'classification'?"),
        ({"task": "ranking?"}, "there is no space for the task 'ranking.', there are classification, regression"),
        ({"task": ["regression"]}, "there is no space for the task"),
        ({"n_in": 0}, "n_in must be a whole number of at least 1, got n_in=0"),
        ({"n_out": "10"}, "n_out must be a whole number of at least 1, got n_out='10'"),
        ({"budget": 0}, "budget must be a whole number of full trainings"),
        ({"budget": "1 h"}, "budget must be in trials or epochs here"),
        ({"budget": "900 epochs"}, "epochs must say how many a full training has"),
        ({"order": "bengio"}, "order must be 'ng' or 'yu_zhu', got order='bengio'"),
        ({"order": None}, "order must be 'ng' or 'yu_zhu', got order=None"),
    ],
)
def test_wrong_arguments_are_refused(arguments, sentence):
    with pytest.raises(InvalidInput, match=sentence.replace("?'", ".'").replace("'?", "'.")):
        recommended_space(**{**DIGITS, "budget": 30, **arguments})
