import math

import numpy as np
import pytest
from curve_samples import LAYOUT, beliefs, noisy, observed

from welltempered.surrogates import curve_fit as module
from welltempered.surrogates.curve_fit import fit, prior

SEEN = observed([[1, 3, 8]] * 9 + [[1, 2]] * 6)
TARGETS = np.random.default_rng(3).standard_normal(len(SEEN.trial))


def posterior():
    return module._posterior(LAYOUT, SEEN, TARGETS, *prior(LAYOUT))


def test_the_gradient_is_that_of_finite_differences():
    x, objective = beliefs(), posterior()
    steps = np.eye(len(x)) * 1e-5
    numeric = [(objective(x + step)[0] - objective(x - step)[0]) / 2e-5 for step in steps]
    assert objective(x)[1] == pytest.approx(numeric, rel=1e-5, abs=1e-5)


def test_the_density_is_that_of_the_textbook():
    """Compare with Rasmussen & Williams, eq. 2.30, without its constant."""
    x, (mean, deviation) = beliefs(), prior(LAYOUT)
    matrix = noisy(x, SEEN)
    value = 0.5 * TARGETS @ np.linalg.solve(matrix, TARGETS) + 0.5 * np.linalg.slogdet(matrix)[1]
    assert posterior()(x)[0] == pytest.approx(value + 0.5 * (((x - mean) / deviation) ** 2).sum())


def test_a_fit_is_more_probable_than_where_it_began_and_a_second_one_goes_on_from_there():
    objective, first = posterior(), fit(LAYOUT, SEEN, TARGETS, None)
    again = fit(LAYOUT, SEEN, TARGETS, first)
    assert objective(again)[0] <= objective(first)[0] < objective(prior(LAYOUT)[0])[0]


def test_a_number_that_matters_gets_a_shorter_length_than_one_that_does_not():
    seen = observed([[1, 8]] * 40)
    lengths = fit(LAYOUT, seen, np.sin(6 * seen.features[seen.trial, 0]), None)[LAYOUT.lengths]
    assert lengths[0] < lengths[1] - 0.3


@pytest.mark.parametrize("targets", [np.zeros_like(TARGETS), np.where(SEEN.epoch > 1, 0.0, 100.0)])
def test_targets_that_are_all_equal_or_far_away_are_no_reason_to_fail(targets):
    found = fit(LAYOUT, SEEN, targets, None)
    mean, deviation = prior(LAYOUT)
    assert np.isfinite(found).all()
    assert (np.abs(found - mean) <= module._REACH * deviation + math.ulp(10)).all()
