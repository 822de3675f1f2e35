import numpy as np
import pytest
from scipy.stats import qmc

from simulated import SPACES, history_of, suggested
from welltempered.errors import InvalidInput
from welltempered.events import Started
from welltempered.schedulers.full import Full
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol
from welltempered.space import Choice, Float, Int, Space

pytestmark = pytest.mark.usefixtures("no_global_randomness")
seeds = pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])


def unit(dimensions):
    return Space({f"x{i}": Float(0, 1) for i in range(dimensions)})


def points(searcher, dimensions, count, seed=0):
    """Return the first points in the unit cube, shape (count, dimensions)."""
    space = unit(dimensions)
    return space.encode_many(suggested(searcher, space, count, seed=seed))


@seeds
@pytest.mark.parametrize("k", range(9))
def test_2_to_the_k_points_on_a_line_fall_into_2_to_the_k_bins(k, seed):
    line = points(Sobol(), 1, 2**k, seed)[:, 0]
    assert sorted(np.floor(line * 2**k)) == list(range(2**k))


@seeds
@pytest.mark.parametrize("k", [1, 4, 7])
def test_2_to_the_k_points_in_a_square_fall_into_2_to_the_k_boxes_of_any_shape(k, seed):
    square = points(Sobol(), 2, 2**k, seed)
    for a in range(k + 1):
        boxes = np.floor(square * [2**a, 2 ** (k - a)])
        assert len(np.unique(boxes, axis=0)) == 2**k


@pytest.mark.parametrize("dimensions", [1, 2, 3, 6])
@pytest.mark.parametrize("count", [9, 16, 27, 50, 100])
def test_any_prefix_covers_a_cube_more_evenly_than_chance(dimensions, count):
    even = np.median([qmc.discrepancy(points(Sobol(), dimensions, count, seed)) for seed in range(3)])
    chance = [qmc.discrepancy(points(Random(), dimensions, count, seed)) for seed in range(9)]
    assert even < np.median(chance)


@seeds
def test_every_branch_of_a_conditional_space_is_covered_evenly(seed):
    space = SPACES["nested conditions"]
    many = suggested(Sobol(), space, 256, seed=seed)
    branches = {name: [params for params in many if params["optimizer"] == name] for name in ("sgd", "adam", "lion")}
    assert all(84 <= len(branch) <= 87 for branch in branches.values())
    fast = [params for params in branches["sgd"] if params["momentum"] > 0.9]
    assert abs(sum(params["nesterov"] for params in fast) - len(fast) / 2) <= 3
    for branch in branches.values():
        for name in {"lr", "momentum"} & set(branch[0]):
            encoded = [space[name].encode(params[name]) for params in branch]
            quarters, _ = np.histogram(encoded, bins=4, range=(0, 1))
            assert all(abs(count - len(branch) / 4) <= 3 for count in quarters)


def test_points_that_break_a_constraint_are_skipped_and_the_others_keep_their_order():
    space = Space(a=Float(0, 1), b=Float(0, 1))
    free = suggested(Sobol(), space, 100)
    tight = suggested(Sobol(), space.where("a + b < 0.7"), 20)
    assert tight == [params for params in free if params["a"] + params["b"] < 0.7][:20]


def test_points_of_a_finite_space_are_those_of_the_sequence_while_it_is_roomy():
    space = Space(a=Int(1, 16), b=Int(1, 16))
    found = suggested(Sobol(), space, 256)
    assert len({tuple(params.values()) for params in found}) == 256
    decoded = [space.decode(point) for point in points(Sobol(), 2, 256)]
    assert found == decoded


def test_a_trial_that_came_from_elsewhere_does_not_move_the_sequence():
    history = history_of(SPACES["continuous"], Full(Sobol()))
    first = Sobol().suggest(history)
    history.apply(Started(0, {"lr": 0.05, "dropout": 0.25}, 1))
    assert Sobol().suggest(history) == first


def test_a_space_in_which_nothing_more_is_found_ends_in_an_error_that_harms_no_log(monkeypatch):
    monkeypatch.setattr("welltempered.searchers.sobol._MISSES", 20)
    space = Space(kind=Choice("a", "b"), x=Float(0, 1)).where("x < 0.05")
    history = history_of(space, Full(Sobol()))
    while history.fold(Sobol()).head is not None:
        history.apply(Started(len(history.trials), Sobol().suggest(history), 1))
    assert len(history.events) == len(history.trials) > 0
    for _ in range(2):
        with pytest.raises(InvalidInput, match="got 20 points in a row that break them"):
            Sobol().suggest(history)
