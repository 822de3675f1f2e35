"""The densities behind `TPE`, against their formulas written out trial by trial."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulated import SPACES
from welltempered.searchers.parzen import Axes, Kernels
from welltempered.space import Choice, Float, Int, Space

MIXED = Space(lr=Float(1e-5, 1e-1, scale="log"), layers=Int(1, 8), activation=Choice("relu", "gelu", "tanh"))
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


def rows(space, count, seed=0):
    rng = np.random.default_rng(seed)
    return space.encode_many([space.sample(rng) for _ in range(count)])


def density(axes, trials, candidates):
    return np.exp(Kernels(axes, trials).log_density(axes.features(candidates)))


def kernel(space, trial, candidate, count):
    """Return one product kernel at one candidate, relative to the uniform density, as the papers write it."""
    value = 1.0
    scott = 0.2 * count ** (-1 / (len(space) + 4))
    for parameter, center, x in zip(space.values(), trial, candidate, strict=True):
        if math.isnan(center) or math.isnan(x):
            continue
        if isinstance(parameter, Choice):
            size = parameter.size
            value *= size * ((1 if center == x else 0) + 1 / (count + 1)) / (1 + size / (count + 1))
        else:
            width = max(scott, 1 / min(100, count + 1), 0.5 / parameter.size)
            value *= math.exp(-(((x - center) / width) ** 2) / 2) / (width * math.sqrt(2 * math.pi))
    return value


@every_space
@settings(max_examples=20, deadline=None)
@given(count=st.integers(1, 30), seed=st.integers(0, 2**32 - 1))
def test_a_density_is_the_mean_of_the_kernels_and_the_prior_in_any_space(space, count, seed):
    trials, candidates = rows(space, count, seed), rows(space, 7, seed + 1)
    expected = [
        (1 + sum(kernel(space, trial, candidate, count) for trial in trials)) / (count + 1) for candidate in candidates
    ]
    assert density(Axes(space), trials, candidates) == pytest.approx(expected, rel=1e-9)


@every_space
@settings(max_examples=20, deadline=None)
@given(count=st.integers(0, 30), seed=st.integers(0, 2**32 - 1))
def test_all_that_is_drawn_can_be_decoded_in_any_space(space, count, seed):
    drawn = Kernels(Axes(space), rows(space, count, seed)).draw(np.random.default_rng(seed), 20)
    assert drawn.shape == (20, len(space))
    for row in drawn:
        params = space.decode(row)
        assert space.feasible(params) is not None
        space.encode(params)


def test_without_trials_the_density_is_uniform_and_so_are_the_candidates():
    axes = Axes(MIXED)
    none = np.empty((0, 3))
    assert density(axes, none, rows(MIXED, 5)) == pytest.approx(np.ones(5))
    drawn = Kernels(axes, none).draw(np.random.default_rng(0), 3000)
    counts, _ = np.histogram(drawn[:, 0], bins=4, range=(0, 1))
    assert all(abs(count - 750) < 100 for count in counts)


def test_a_parameter_that_is_inactive_says_nothing():
    space = Space(kind=Choice("plain", "tuned"), lr=Float(0, 1).when(kind="tuned"))
    axes = Axes(space)
    plain, low, high = space.encode_many(
        [{"kind": "plain"}, {"kind": "tuned", "lr": 0.1}, {"kind": "tuned", "lr": 0.9}]
    )
    found = density(axes, plain[None], np.array([low, high]))
    assert found[0] == found[1]
    drawn = Kernels(axes, np.repeat(plain[None], 50, axis=0)).draw(np.random.default_rng(0), 2000)
    counts, _ = np.histogram(drawn[:, 1], bins=4, range=(0, 1))
    assert all(abs(count - 500) < 100 for count in counts)


def test_candidates_lie_where_the_trials_do():
    trials = np.tile(MIXED.encode({"lr": 1e-3, "layers": 3, "activation": "gelu"}), (20, 1))
    drawn = [MIXED.decode(row) for row in Kernels(Axes(MIXED), trials).draw(np.random.default_rng(0), 1000)]
    assert sum(1e-4 < params["lr"] < 1e-2 for params in drawn) > 800
    assert sum(2 <= params["layers"] <= 4 for params in drawn) > 600
    assert sum(params["activation"] == "gelu" for params in drawn) > 850


def test_candidates_do_not_pile_up_at_the_end_of_a_range():
    space = Space(x=Float(0, 1))
    trials = np.zeros((20, 1))
    drawn = Kernels(Axes(space), trials).draw(np.random.default_rng(0), 1000)[:, 0]
    assert len(np.unique(drawn)) == 1000
    assert np.median(drawn) < 0.15


def test_positions_are_those_of_values_where_bins_are_equal():
    axes = Axes(MIXED)
    drawn = Kernels(axes, rows(MIXED, 9)).draw(np.random.default_rng(0), 200)
    again = MIXED.encode_many([MIXED.decode(row) for row in drawn])
    assert drawn[:, 1:] == pytest.approx(again[:, 1:])


def test_kernels_of_thirty_dimensions_neither_overflow_nor_vanish():
    space = Space({f"x{i}": Float(0, 1) for i in range(300)})
    axes = Axes(space)
    trials = np.random.default_rng(0).random((200, 300))
    logs = Kernels(axes, trials).log_density(axes.features(np.concatenate([trials[:5], np.ones((1, 300))])))
    assert np.isfinite(logs).all()
    assert logs[:5].min() > logs[5]


def test_steps_are_never_wider_than_two_kernels():
    """With narrower ones nothing would lie between the values that were tried."""
    space = Space(depth=Int(1, 2))
    trials = np.full((100, 1), 0.25)
    assert density(Axes(space), trials, np.array([[0.75]]))[0] > 0.1
