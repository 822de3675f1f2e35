"""The noise of losses is measured through slow curves, and outliers do not bend the smoothed line."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from welltempered.sweep.smooth import lowess, noise_of

X = np.linspace(-6, 0, 120)


@pytest.mark.parametrize("sigma", [1e-6, 0.1, 30.0])
def test_noise_is_found_around_a_curve_that_moves_slowly(sigma):
    rng = np.random.default_rng(0)
    losses = 5 * sigma * np.sin(X) + sigma * rng.standard_normal(len(X))
    assert noise_of(losses) == pytest.approx(sigma, rel=0.2)


def test_noise_of_a_few_losses_is_rather_taken_too_large_than_too_small():
    found = [noise_of(np.random.default_rng(seed).standard_normal(6)) for seed in range(200)]
    assert 1.2 < np.median(found) < 1.8
    assert np.mean(np.array(found) < 0.5) < 0.05


def test_noise_ignores_an_explosion():
    losses = np.random.default_rng(0).standard_normal(40)
    assert noise_of([*losses, 1e30]) == pytest.approx(noise_of(losses), rel=0.3)


@pytest.mark.parametrize("losses", [[], [2.0], [2.0, 2.0, 2.0]])
def test_noise_of_what_does_not_move_is_tiny_and_positive(losses):
    assert 0 < noise_of(losses) < 1e-8


@given(st.floats(-3, 3), st.floats(-100, 100))
def test_a_straight_line_is_left_as_it_is(slope, level):
    found, _ = lowess(np.linspace(-6, 0, 20), X, level + slope * X)
    assert np.allclose(found, level + slope * np.linspace(-6, 0, 20), atol=1e-6)


def test_a_tenth_of_wild_outliers_hardly_moves_the_line():
    rng = np.random.default_rng(1)
    losses = 2 + 0.05 * rng.standard_normal(len(X))
    losses[rng.choice(len(X), 12, replace=False)] += 50
    found, _ = lowess(np.linspace(-5.5, -0.5, 20), X, losses)
    assert np.abs(found - 2).max() < 0.2


def test_the_line_does_not_lag_behind_a_step_as_a_moving_average_does():
    losses = np.where(X < -3, 1.0, 0.0)
    at = np.linspace(-6, 0, 121)
    found, _ = lowess(at, X, losses)
    assert at[np.argmin(np.gradient(found, at))] == pytest.approx(-3, abs=0.1)


def test_standard_errors_are_those_that_repetitions_show():
    at, rng = np.linspace(-6, 0, 9), np.random.default_rng(2)
    curves = [lowess(at, X, rng.standard_normal(len(X)), rounds=0)[0] for _ in range(400)]
    _, errors = lowess(at, X, np.zeros(len(X)), rounds=0)
    assert np.std(curves, axis=0) == pytest.approx(errors, rel=0.2)
