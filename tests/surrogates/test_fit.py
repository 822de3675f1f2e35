import numpy as np
import pytest

from welltempered.surrogates import fit as fits
from welltempered.surrogates.fit import Prior, fit

RNG = np.random.default_rng(1)
POINTS = RNG.random((40, 3))
GROUP = np.arange(3)


def fitted(targets):
    prior = Prior.of(3)
    return fit(POINTS, GROUP, (targets - targets.mean()) / targets.std(), prior.start(3), prior)


def test_the_gradient_is_that_of_finite_differences():
    group = np.array([0, 1, 1])
    mean, deviation = Prior.of(2).table(2)
    objective = fits._posterior(fits._pairs(POINTS, group, 2), RNG.standard_normal(40), mean, deviation)
    x = np.array([-0.4, 0.3, 0.2, -3.0])
    _, gradient = objective(x)
    for i, step in enumerate(np.eye(4) * 1e-5):
        assert gradient[i] == pytest.approx((objective(x + step)[0] - objective(x - step)[0]) / 2e-5, rel=1e-5)


def test_a_parameter_that_matters_gets_a_shorter_length_than_others():
    lengths = fitted(np.sin(6 * POINTS[:, 1])).lengths
    assert lengths[1] < min(lengths[0], lengths[2]) - 0.5


def test_noise_is_found_where_there_is_some_and_nowhere_else():
    smooth = POINTS @ [1.0, 2.0, -1.0]
    noisy = smooth + 0.5 * RNG.standard_normal(40)
    assert np.exp(fitted(noisy).noise) > 0.05
    assert np.exp(fitted(smooth).noise) < 0.002


def test_targets_that_are_all_equal_are_no_reason_to_fail():
    prior = Prior.of(3)
    assert np.isfinite(fit(POINTS, GROUP, np.zeros(40), prior.start(3), prior).lengths).all()
