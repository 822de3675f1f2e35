import numpy as np
import pytest

from welltempered.surrogates.kernel import distances, matern, matern_and_slope
from welltempered.surrogates.process import Beliefs, Process

GROUP = np.array([0, 1, 1])
BELIEFS = Beliefs((-0.5, 0.3), 0.2, -6.0)
RNG = np.random.default_rng(0)
POINTS, TARGETS, ELSEWHERE = RNG.random((30, 3)), RNG.standard_normal(30), RNG.random((7, 3))


def process(points):
    return Process(BELIEFS, BELIEFS.weights(GROUP), points)


def test_the_posterior_is_that_of_the_textbook():
    """Compare with Rasmussen & Williams, eq. 2.25 and 2.26, solved without the factor's inverse."""
    scaled = POINTS * np.exp(-np.array(BELIEFS.lengths))[GROUP]
    there = ELSEWHERE * np.exp(-np.array(BELIEFS.lengths))[GROUP]

    def covariance(a, b):
        return np.exp(BELIEFS.scale) * matern(((a[:, None] - b) ** 2).sum(axis=2))

    noisy = covariance(scaled, scaled) + np.exp(BELIEFS.noise) * np.eye(len(POINTS))
    near = covariance(there, scaled)
    variance = np.diag(covariance(there, there) - near @ np.linalg.solve(noisy, near.T))
    found = process(POINTS)
    mean, deviation = found.predict(ELSEWHERE, found.solve(TARGETS))
    assert mean == pytest.approx(near @ np.linalg.solve(noisy, TARGETS), rel=1e-4)
    assert deviation == pytest.approx(np.sqrt(variance), rel=1e-4)


def test_a_process_that_has_grown_is_the_one_made_at_once():
    whole, grown = process(POINTS), process(POINTS[:12]).grown(POINTS[12:])
    for one, other in zip(
        whole.predict(ELSEWHERE, whole.solve(TARGETS)), grown.predict(ELSEWHERE, grown.solve(TARGETS)), strict=True
    ):
        assert one == pytest.approx(other, rel=1e-9)


def test_growing_leaves_the_process_before_as_it_was():
    before = process(POINTS[:12])
    first = before.predict(ELSEWHERE, before.solve(TARGETS[:12]))
    before.grown(POINTS[12:])
    assert np.array_equal(first, before.predict(ELSEWHERE, before.solve(TARGETS[:12])))


def test_what_is_pending_makes_its_neighbourhood_known_and_leaves_the_mean():
    known = process(POINTS)
    solved = known.solve(TARGETS)
    mean, deviation = known.predict(ELSEWHERE, solved)
    believed, certain = known.grown(ELSEWHERE[:1]).predict(ELSEWHERE, solved)
    assert believed == pytest.approx(mean)
    assert certain[0] < 0.5 * deviation[0]
    assert (certain <= deviation + 1e-12).all()


def test_the_same_point_again_and_again_breaks_nothing():
    same = process(np.repeat(POINTS[:1], 20, axis=0)).grown(np.repeat(POINTS[:1], 20, axis=0))
    mean, deviation = same.predict(POINTS[:1], same.solve(np.ones(40)))
    assert mean == pytest.approx(1, abs=1e-3)
    assert 0 < deviation[0] < 0.1


def test_the_slope_of_the_kernel_is_its_derivative():
    squared = np.array([0.01, 0.3, 2.0, 9.0])
    value, slope = matern_and_slope(squared)
    assert value == pytest.approx(matern(squared))
    assert slope == pytest.approx((matern(squared + 1e-6) - matern(squared - 1e-6)) / 2e-6, rel=1e-5)


def test_distances_are_never_negative():
    close = 1e8 + RNG.random((50, 3)) * 1e-3
    assert (distances(close, close) >= 0).all()
