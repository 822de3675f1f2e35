"""The steepest point and the divergence of made-up curves are found where they are, through noise and outliers."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import SWEPT, Curve, run

from welltempered.sweep.curve import disagreement, has_room, next_rates, shape_of
from welltempered.sweep.points import Sweep

places = st.floats(-4.5, -0.5)
seeds = st.integers(0, 1_000)


@settings(max_examples=12)
@given(places, st.floats(1.0, 1.5), st.sampled_from([0.001, 0.05, 0.15]), seeds)
def test_known_divergence_is_found_through_noise(divergence, distance, noise, seed):
    curve = Curve(steepest=divergence - distance, divergence=divergence, noise=noise, outliers=0.01)
    found = run(curve, seed=seed)
    assert math.log10(found.divergence) == pytest.approx(divergence, abs=0.3)


@settings(max_examples=12)
@given(places, st.floats(1.0, 1.5), st.sampled_from([0.001, 0.05]), seeds)
def test_known_steepest_point_is_found_through_noise(divergence, distance, noise, seed):
    curve = Curve(steepest=divergence - distance, divergence=divergence, noise=noise, outliers=0.01)
    found = run(curve, seed=seed)
    assert math.log10(found.steepest) == pytest.approx(divergence - distance, abs=0.35)


@settings(max_examples=8)
@given(st.sampled_from([1e-6, 1e-3, 1e4]), st.floats(-100, 100), seeds)
def test_the_unit_of_the_loss_changes_nothing(unit, level, seed):
    curve = Curve()
    other = replace(curve, initial=unit * (curve.initial + level), fall=unit * curve.fall, noise=unit * curve.noise)
    one, two = run(curve, seed=seed), run(other, seed=seed)
    assert (two.low, two.high, two.steepest) == pytest.approx((one.low, one.high, one.steepest), rel=0.2)
    assert two.confidence == one.confidence


@pytest.mark.parametrize("steps", [30, 40, 150, 1_000])
def test_few_steps_and_many_find_the_same_divergence(steps):
    found = [math.log10(run(Curve(), steps=steps, seed=seed).divergence) for seed in range(5)]
    assert found == pytest.approx([-1.0] * 5, abs=0.35)


def test_noise_alone_is_hardly_ever_taken_for_a_curve():
    flat = Curve(fall=0.0, divergence=None, noise=0.1)
    words = [run(flat, steps=steps, seed=seed).confidence for steps in (40, 150) for seed in range(25)]
    assert words.count("none") >= 48


def test_a_sweep_that_diverged_stays_so_where_a_lucky_one_goes_on():
    rates = tuple(np.geomspace(1e-4, 1, 30).tolist())
    falling = tuple(np.linspace(2.3, 1.0, 20).tolist())
    unlucky = Sweep(rates[:22], (*falling, 5.0, math.inf), 2.3, diverged=True)
    lucky = Sweep(rates, (*falling, *[1.0] * 10), 2.3, diverged=False)
    shape = shape_of([unlucky] * 4 + [lucky])
    assert shape.divergence == pytest.approx(math.log10(rates[20]), abs=0.2)


def test_the_first_sweep_goes_through_all_rates_and_the_others_around_the_divergence():
    found = run(Curve(divergence=-1.0))
    first, *later = found.sweeps
    assert first.rates[0] == pytest.approx(SWEPT[0])
    assert len(later) >= 2
    assert all(-4 < math.log10(sweep.rates[0]) < -3 and math.log10(sweep.rates[-1]) < 0 for sweep in later)


def test_no_further_sweep_is_made_where_the_first_one_diverged_at_once():
    gone = Sweep((1e-6,), (math.inf,), 2.3, diverged=True)
    assert not has_room([gone], SWEPT[0])
    assert len(next_rates([gone], 100, SWEPT)) == 0


def test_sweeps_that_differ_disagree():
    agreeing = [run(Curve(), seed=0).sweeps]
    mixed = [*agreeing[0][:2], run(Curve(steepest=-4, divergence=-3), seed=1).sweeps[1]]
    assert disagreement(agreeing[0]) < 0.3
    assert disagreement(mixed) > 0.5
    assert disagreement(agreeing[0][:2]) == math.inf
