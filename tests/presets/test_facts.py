"""What is known about each hyperparameter."""

import pickle

import pytest

from welltempered.errors import InvalidInput
from welltempered.presets.facts import FACTS, about
from welltempered.presets.training import momentum
from welltempered.space import Choice, Float


@pytest.mark.parametrize(
    ("word", "value", "says"),
    [
        ("momentum", 0.9, "averages about 10 steps"),
        ("momentum", 0.98, "averages about 50 steps"),
        ("beta2", 0.999, "averages about 1,000 steps"),
        ("rho", 0.99, "averages about 100 steps"),
        ("beta1", 0, "averages nothing"),
        ("beta1", 0.5, "averages about 2 steps"),
        ("momentum", 1.0, "averages about inf steps"),
        ("learning_rate", 0.001, "steps of 0.001 × gradient"),
        ("batch_size", 64, "averages the gradient over 64 examples"),
        ("batch_size", 1, "averages the gradient over 1 example"),
        ("depth", 1, "1 hidden layer"),
        ("weight_decay", 0.0, "no weight decay"),
        ("weight_decay", 0.01, "shrinks weights by 0.01 × learning rate a step"),
        ("dropout", 0.25, "drops 25 % of the units"),
        ("dropout", 0.0, "drops nothing"),
        ("label_smoothing", 0.1, "spreads 10 % of the target over all classes"),
        ("clip_norm", 1.0, "shortens gradients longer than 1"),
        ("epsilon", 1e-8, "damps steps where gradients are below 1e-08"),
        ("units", 64, ""),
        ("schedule", "cosine", ""),
        ("momentum", "high", ""),
        ("momentum", True, ""),
        ("momentum", None, ""),
        ("batch_size", 10**400, ""),
        ("momentum", float("nan"), ""),
    ],
)
def test_a_fact_says_what_a_value_means(word, value, says):
    assert about(word).says(value) == says


def test_a_fact_says_what_a_range_means():
    assert about("momentum").says(0.9, 0.999) == "averages about 10 to 1,000 steps"
    assert about("dropout").says(0.0, 0.5) == "drops 0 to 50 % of the units"


def test_the_tiers_are_those_of_ng():
    tiers = {tier: [word for word, fact in FACTS.items() if fact.tier == tier] for tier in (1, 2, 3, 4)}
    assert tiers[1] == ["learning_rate"]
    assert tiers[2] == ["momentum", "batch_size", "units"]
    assert {"depth", "schedule", "decay_rate", "weight_decay", "dropout"} <= set(tiers[3])
    assert tiers[4] == ["beta1", "beta2", "rho", "epsilon"]


def test_the_ranks_are_those_of_yu_and_zhu():
    ranked = sorted((fact.rank, word) for word, fact in FACTS.items() if fact.rank is not None)
    first = ["learning_rate", "momentum", "batch_size", "depth", "schedule", "weight_decay"]
    assert [about(word).rank for word in first] == [1, 2, 3, 4, 5, 6]
    assert (ranked[0], ranked[-1][0]) == ((1, "learning_rate"), 6)


def test_units_and_layers_are_the_design():
    assert [word for word, fact in FACTS.items() if fact.role == "design"] == ["units", "depth"]


def test_every_fact_says_why_with_its_source_in_one_line():
    for fact in FACTS.values():
        assert "\n" not in fact.why
        assert fact.why.strip()


def test_what_is_unknown_has_no_facts():
    assert about(Float(0, 1)) is None
    assert about(Float(0, 1, means="temperature")) is None
    assert about("min_lr_factor") is None
    assert about("lr") == about("learning_rate")
    assert about("adam_beta_1").means == "beta1"
    assert about(Choice("a", "b", means="schedule")).means == "schedule"


def test_facts_travel_to_other_processes():
    assert pickle.loads(pickle.dumps(about("beta2"))).says(0.999) == "averages about 1,000 steps"


@pytest.mark.parametrize("wrong", [None, 3, momentum, ["momentum"]])
def test_facts_about_what_is_no_parameter_are_refused(wrong):
    with pytest.raises(InvalidInput, match=r"about\(\) takes a parameter, or a word such as 'momentum', got"):
        about(wrong)
