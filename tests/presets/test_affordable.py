"""How many full trainings a budget pays for, and what they can inform."""

import numpy as np
import pytest

from welltempered.budget import Budget
from welltempered.errors import InvalidInput
from welltempered.presets.affordable import affordable, trainings
from welltempered.presets.facts import FACTS

WORDS = {word: word for word in FACTS}


@pytest.mark.parametrize(
    ("budget", "epochs", "count"),
    [
        (30, None, 30),
        (np.int64(7), None, 7),
        ("30 trials", None, 30),
        ("900 epochs", 30, 30),
        ("899 epochs", 30, 29),
        ("900 epochs, 10 trials", 30, 10),
        (Budget(epochs=50, trials=100), 10, 5),
        ("30 trials", 9, 30),
    ],
)
def test_budgets_are_counted_in_full_trainings(budget, epochs, count):
    assert trainings(budget, epochs) == count


@pytest.mark.parametrize(
    ("budget", "epochs", "sentence"),
    [
        (
            0,
            None,
            "budget must be a whole number of full trainings of at least 1, or such as '30 trials', got budget=0",
        ),
        (2.5, None, "budget must be a whole number of full trainings"),
        (True, None, "budget must be a whole number of full trainings"),
        (None, None, "budget must have a bound, such as '30 trials' or 30"),
        ("2 h", None, "budget must be in trials or epochs here, got '2 h': time one training, and divide by that"),
        ("30 trials, 1 h", None, "budget must be in trials or epochs here"),
        ("900 epochs", None, "epochs must say how many a full training has, to know how many 900 epochs pay for"),
        ("20 epochs", 30, "budget must pay for a full training at least, got 20 epochs with epochs=30"),
        ("900 epochs", 0, "epochs must be the epochs of a full training, a whole number of at least 1, got epochs=0"),
        ("many", None, "budget must be an amount and a unit"),
        ([30], None, "budget must be a whole number of full trainings"),
    ],
)
def test_budgets_that_say_no_number_of_trainings_are_refused(budget, epochs, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        trainings(budget, epochs)


@pytest.mark.parametrize("order", ["ng", "yu_zhu"])
@pytest.mark.parametrize("count", range(1, 10))
def test_under_ten_trainings_it_is_the_learning_rate_alone(count, order):
    assert affordable(WORDS, count, order) == ["learning_rate"]


def test_ten_trainings_inform_four_parameters_in_either_order():
    adam = {word: word for word in FACTS if word != "momentum"}
    assert affordable(adam, 10, "ng") == ["learning_rate", "batch_size", "units", "beta1"]
    assert affordable(adam, 10, "yu_zhu") == ["learning_rate", "beta1", "batch_size", "units"]


def test_the_last_tier_comes_last():
    everything = affordable(WORDS, 1000, "ng")
    assert everything[-4:] == ["beta1", "beta2", "rho", "epsilon"]
    assert sorted(everything) == sorted(WORDS)


@pytest.mark.parametrize("order", ["ng", "yu_zhu"])
def test_a_larger_budget_never_drops_a_parameter(order):
    before = set()
    for count in range(1, 80):
        now = set(affordable(WORDS, count, order))
        assert before <= now
        before = now


def test_the_best_of_what_there_is_can_always_be_afforded():
    assert affordable({"eps": "epsilon", "p": "dropout"}, 3, "ng") == ["p"]
    assert affordable({"x": None, "eps": "epsilon"}, 3, "ng") == ["eps"]


def test_what_nobody_knows_comes_last():
    assert affordable({"x": None, "lr": "learning_rate", "t": "temperature"}, 20, "ng") == ["lr", "x", "t"]
