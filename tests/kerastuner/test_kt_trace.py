"""What a builder asks for, found out by building."""

import pytest

import welltempered.kerastuner as kt
from welltempered.kerastuner.parameters import Parent
from welltempered.kerastuner.trace import BUILDS, trace


def traced(build, hp=None):
    hp = hp or kt.HyperParameters()
    return trace(build, hp), [each.name for each in hp.space]


def conditions(found):
    return {name: [(parent.name, parent.values) for parent in parents] for name, parents in found.conditions.items()}


def test_builder_that_always_asks_for_the_same_is_run_a_few_times():
    def build(hp):
        return (
            hp.Int("units", 32, 512, step=32),
            hp.Choice("activation", ["relu", "tanh", "gelu"]),
            hp.Float("lr", 0.1, 1),
        )

    found, names = traced(build)
    assert names == ["units", "activation", "lr"]
    assert found.conditions == {}
    assert found.builds == 3


def test_parameters_per_layer_depend_on_the_number_of_layers():
    def build(hp):
        for i in range(hp.Int("layers", 1, 4)):
            hp.Int(f"units_{i}", 8, 64)

    found, names = traced(build)
    assert names == ["layers", "units_0", "units_1", "units_2", "units_3"]
    assert conditions(found) == {
        "units_1": [("layers", [2, 3, 4])],
        "units_2": [("layers", [3, 4])],
        "units_3": [("layers", [4])],
    }


def test_branches_are_found_and_nested_ones_too():
    def build(hp):
        if hp.Choice("kind", ["mlp", "cnn", "rnn"]) == "cnn":
            if hp.Boolean("pool"):
                hp.Int("size", 2, 4)
        elif hp.get("kind") == "rnn":
            hp.Int("cells", 8, 16)
        hp.Float("lr", 1e-4, 1e-1, sampling="log")

    found, names = traced(build)
    assert set(names) == {"kind", "pool", "size", "cells", "lr"}
    assert conditions(found) == {
        "pool": [("kind", ["cnn"])],
        "size": [("pool", [True])],
        "cells": [("kind", ["rnn"])],
    }


def test_scopes_say_their_condition_themselves():
    def build(hp):
        hp.Choice("kind", ["mlp", "cnn"])
        with hp.conditional_scope("kind", ["cnn"]):
            if hp.get("kind") == "cnn":
                hp.Int("filters", 8, 64)

    hp = kt.HyperParameters()
    found, _ = traced(build, hp)
    assert found.conditions == {}
    assert hp.space[1].conditions == [Parent("kind", ["cnn"])]


def test_two_conditions_hold_together():
    def build(hp):
        a, b = hp.Boolean("a"), hp.Boolean("b")
        if a and b:
            hp.Int("both", 1, 2)

    found, names = traced(build)
    assert "both" in names
    assert conditions(found) == {"both": [("b", [True]), ("a", [True])]}


def test_values_with_which_a_builder_fails_say_nothing():
    def build(hp):
        if hp.Int("layers", 1, 3) == 3:
            raise ValueError("too deep")
        for i in range(hp.get("layers")):
            hp.Int(f"units_{i}", 8, 64)

    found, names = traced(build)
    assert names == ["layers", "units_0", "units_1"]
    assert conditions(found)["units_1"][0][0] == "layers"


def test_builder_that_fails_with_its_defaults_fails_at_once():
    def build(hp):
        raise ValueError("never")

    with pytest.raises(ValueError, match="never"):
        traced(build)


def test_bound_on_builds_is_kept_and_told():
    def build(hp):
        for i in range(hp.Int("layers", 0, 31)):
            for value in range(hp.Int(f"units_{i}", 0, 31)):
                hp.Boolean(f"b_{i}_{value}")

    found, _ = traced(build)
    assert not found.complete
    assert found.builds <= BUILDS


def test_what_depends_on_a_real_number_is_always_in_use():
    def build(hp):
        if hp.Float("rate", 0.0, 1.0) > 0.5:
            hp.Int("late", 1, 9)

    found, names = traced(build)
    assert names == ["rate"]
    assert found.conditions == {}
