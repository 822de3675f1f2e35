"""A sweep ends when its loss has diverged by its own noise, and steps go to where the loss moves."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from welltempered.sweep.points import Sweep, coarse_steps, finer_steps, has_diverged, ladder, noise_in


def test_a_loss_that_is_not_finite_ends_a_sweep_at_once():
    assert has_diverged([math.inf])
    assert has_diverged([2.3, 2.2, math.inf], noise=0.1)


def test_one_bad_batch_ends_no_sweep():
    assert not has_diverged([2.3, 2.2, 2.3, 2.1, 2.2, 90.0], noise=0.1)


def test_three_losses_far_above_the_best_end_a_sweep():
    assert has_diverged([2.3, 2.2, 2.3, 2.1, 2.2, 9.0, 11.0, 10.0], noise=0.1)


def test_a_loss_that_comes_back_to_where_it_began_has_diverged():
    assert has_diverged([2.3, 2.3, 2.3, 1.5, 0.9, 0.8, 0.8, 2.3, 2.3, 2.3], noise=0.05)


def test_a_noisy_loss_without_a_fall_goes_on():
    stopped = 0
    for seed in range(100):
        losses = 3 + np.random.default_rng(seed).standard_normal(60)
        stopped += any(has_diverged(losses[:n].tolist(), noise=1.0) for n in range(1, 61))
    assert stopped <= 2


@given(st.floats(1e-4, 1e6), st.integers(0, 30))
def test_what_counts_as_divergence_does_not_depend_on_the_unit_of_the_loss(unit, seed):
    losses = 2 + 0.1 * np.random.default_rng(seed).standard_normal(20) + np.exp(np.linspace(-9, 3, 20))
    ends = [
        next((n for n in range(1, 21) if has_diverged((factor * losses[:n]).tolist(), 0.1 * factor)), None)
        for factor in (1, unit)
    ]
    assert ends[0] == ends[1]


def test_noise_comes_from_where_the_rates_are_small():
    quiet = [2.3 + 0.1 * (-1) ** i for i in range(10)]
    sweep = Sweep(tuple(np.geomspace(1e-6, 1, 29)), (*quiet[1:], *np.linspace(2, -50, 20)), quiet[0], diverged=False)
    assert noise_in([sweep]) == pytest.approx(0.2 * math.sqrt(math.pi) / 2, rel=0.5)
    assert noise_in([]) == 0


def test_rates_of_a_ladder_grow_by_the_same_factor():
    rates = ladder(-6, 1, 8)
    assert rates == pytest.approx([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10])
    assert len(ladder(-6, 1, 0)) == 0


@given(st.integers(30, 5_000), st.floats(1, 10), st.floats(0.5, 7))
def test_sweeps_never_take_more_steps_than_there_are(steps, decades, finer):
    left, done = steps - coarse_steps(steps, decades), 0
    while n := finer_steps(left, done, finer):
        left, done = left - n, done + 1
    assert left >= 0
    assert 2 <= done <= 5
