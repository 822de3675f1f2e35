import numpy as np
import pytest

from welltempered.space import Choice, Float, Space
from welltempered.surrogates.features import Features

SPACE = Space(
    kind=Choice("a", "b", "c"), x=Float(0, 1), own=Float(0, 1).when(kind="a"), plan=Choice(1, 2).when("x > 0.5")
)


def by_group(one, other):
    """Return the squared distance of two params, by group."""
    features = Features(SPACE)
    a, b = features.of(SPACE.encode_many([one, other]))
    return np.bincount(features.group, (a - b) ** 2, minlength=features.groups)


def test_all_options_are_equally_far_from_each_other():
    points = [{"kind": kind, "x": 0.2} for kind in "bc"]
    assert by_group(*points) == pytest.approx([1, 0, 0, 0, 0])
    assert by_group({"kind": "b", "x": 0.2}, {"kind": "b", "x": 0.4}) == pytest.approx([0, 0.04, 0, 0, 0])


def test_two_in_which_a_parameter_is_inactive_are_the_same_in_it():
    assert by_group({"kind": "b", "x": 0.1}, {"kind": "c", "x": 0.1})[2:] == pytest.approx([0, 0, 0])


def test_one_that_is_inactive_is_at_a_distance_of_its_own():
    own = by_group({"kind": "a", "x": 0.1, "own": 0.5}, {"kind": "b", "x": 0.1})
    assert own == pytest.approx([1, 0, 0, 0, 1])
    plan = by_group({"kind": "b", "x": 0.6, "plan": 2}, {"kind": "b", "x": 0.6 - 0.2})
    assert plan == pytest.approx([0, 0.04, 0, 0.5, 1])
