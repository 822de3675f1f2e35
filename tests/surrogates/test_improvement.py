import numpy as np
import pytest
from scipy.stats import norm

from welltempered.surrogates.improvement import log_improvement


def test_it_is_the_logarithm_of_the_expected_improvement():
    mean, deviation, best = np.linspace(-1, 4, 50), np.linspace(0.5, 2, 50), 0.3
    z = (best - mean) / deviation
    expected = (best - mean) * norm.cdf(z) + deviation * norm.pdf(z)
    assert log_improvement(mean, deviation, best) == pytest.approx(np.log(expected), rel=1e-8)


def test_it_goes_on_falling_where_the_improvement_itself_would_be_zero():
    mean = np.concatenate([np.linspace(0, 50, 500), np.logspace(2, 12, 50)])
    found = log_improvement(mean, np.ones_like(mean), 0.0)
    assert np.isfinite(found).all()
    assert (np.diff(found) < 0).all()


def test_it_is_smooth_where_its_formulas_meet():
    mean = 1 + np.array([-1e-7, 1e-7])
    low, high = log_improvement(mean, np.ones(2), 0.0)
    assert low == pytest.approx(high, abs=1e-5)
