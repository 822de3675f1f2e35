import math

import numpy as np
import pytest

from welltempered.surrogates.blend import Blend

RNG = np.random.default_rng(0)


def blended(losses):
    losses = np.array(losses, dtype=float)
    return Blend.of(losses)(losses)


def test_lower_losses_stay_lower_and_failures_are_the_worst():
    losses = np.append(np.sort(RNG.lognormal(0, 3, 40)), math.inf)
    assert (np.diff(blended(losses)) > 0).all()


def test_equals_stay_equal():
    found = blended([1, 2, 2, 3, 3, 3])
    assert found[1] == found[2]
    assert len(set(found[3:])) == 1


def test_units_do_not_matter():
    losses = RNG.lognormal(0, 1, 30)
    assert blended(1000 * losses - 5) == pytest.approx(blended(losses))


def test_one_absurd_loss_does_not_flatten_the_others():
    losses = RNG.random(30)
    assert blended([*losses, 1e300])[:30] == pytest.approx(blended([*losses, 2.0])[:30], abs=0.05)


@pytest.mark.parametrize("losses", [[3.0], [0.0, 0.0], [-1e18, 1e18], [1e-300, 2e-300], [5, math.inf], [-7.0] * 9])
def test_whatever_is_finite_becomes_something_moderate(losses):
    assert (np.abs(blended(losses)) < 10).all()


def test_without_a_finite_loss_there_is_none():
    assert Blend.of(np.array([math.inf, math.inf])) is None
    assert Blend.of(np.array([])) is None
