import math

import numpy as np
import pytest

from welltempered.surrogates.warp import warped

LOSSES = np.array([0.3, 0.1, 0.2, 0.5, 0.4, 0.9])


def test_the_order_stays_and_the_scale_is_standard():
    found = warped(LOSSES)
    assert np.array_equal(np.argsort(found), np.argsort(LOSSES))
    assert (found.mean(), found.std()) == pytest.approx((0, 1))


def test_it_depends_neither_on_the_unit_nor_on_the_zero():
    assert warped(1e6 * LOSSES - 7) == pytest.approx(warped(LOSSES))


def test_how_bad_a_bad_loss_is_changes_nothing():
    bad, worse = np.append(LOSSES, 1e3), np.append(LOSSES, 1e300)
    assert warped(bad) == pytest.approx(warped(worse))
    assert np.ptp(warped(worse)[:5]) > 0.5


def test_what_has_diverged_is_just_worse_than_the_worst():
    found = warped(np.append(LOSSES, [math.inf, math.inf]))
    assert found[6] == found[7] == found[:6].max() + 0.25


def test_equal_losses_say_nothing():
    assert warped(np.array([2.0, 2.0, 2.0, math.inf])) == pytest.approx([0, 0, 0, 0.25])


def test_where_all_have_diverged_there_is_nothing_to_believe():
    assert warped(np.full(3, math.inf)) is None
    assert warped(np.array([])) is None
