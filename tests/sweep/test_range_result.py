"""A result says what it found and how sure that is, or why nothing can be said, and survives JSON."""

import json
import math

import pytest
from synthetic import SWEPT, Curve, run

from welltempered import InvalidInput, RangeTest
from welltempered.sweep.points import Sweep
from welltempered.sweep.result import range_of

FOUND = run(Curve())


def test_range_holds_the_suggestion_and_the_steepest_point_and_ends_by_the_divergence():
    found = run(Curve(steepest=-1.5, divergence=-1.0))
    assert found.low < found.steepest < found.divergence < found.high
    assert found.low < found.suggested < found.divergence
    assert math.log10(found.high / found.low) == pytest.approx(2.0, abs=0.05)
    assert math.log10(found.high / found.divergence) == pytest.approx(0.2, abs=0.05)  # rates have two digits


def test_rates_far_above_the_fall_are_left_out_though_the_loss_diverges_later():
    found = run(Curve(steepest=-3.5, divergence=-0.5))
    assert math.log10(found.divergence) == pytest.approx(-0.5, abs=0.3)
    assert found.high < found.divergence / 10
    assert found.low < found.steepest < found.high


def test_a_clear_curve_is_of_high_confidence():
    assert FOUND.confidence == "high"
    assert "high confidence" in str(FOUND)
    assert f"{FOUND.low:.2g} and {FOUND.high:.2g}" in str(FOUND)


def test_a_fall_that_drowns_in_noise_leaves_the_divergence():
    found = run(Curve(fall=0.3, noise=1.0), seed=1)
    assert found.confidence == "low"
    assert found.steepest is None
    assert found.divergence == pytest.approx(0.1, rel=1.5)
    assert "rests on the divergence alone" in str(found)


def test_a_loss_that_never_diverges_has_a_range_around_its_fall():
    found = run(Curve(divergence=None))
    assert found.divergence is None
    assert found.low < found.steepest < found.high < SWEPT[1]
    assert found.confidence == "fair"
    assert "did not diverge up to 10" in found.reason


@pytest.mark.parametrize(
    ("curve", "why"),
    [
        (Curve(fall=0.0, divergence=None, noise=0.0), "does not move at any rate"),
        (Curve(fall=0.0, divergence=None, noise=0.1), "no more than the noise"),
        (Curve(steepest=-8.0, divergence=-6.5), "diverges at the smallest rates already"),
        (Curve(steepest=-12.0, divergence=-9.0), "diverges at the smallest rates already"),
    ],
)
def test_when_nothing_can_be_said_the_range_is_the_swept_one_and_the_text_says_why(curve, why):
    found = run(curve)
    assert found.confidence == "none"
    assert (found.low, found.high) == SWEPT
    assert found.low < found.suggested < found.high
    assert (found.steepest, found.divergence) == (None, None)
    assert why in str(found)


def test_a_loss_that_is_not_finite_before_any_step_says_nothing_of_rates():
    found = range_of([Sweep((), (), math.inf, diverged=True)], SWEPT, 1)
    assert found.confidence == "none"
    assert "not finite before the first step" in str(found)
    assert json.loads(found.to_json())["initial"] is None


@pytest.mark.parametrize("curve", [Curve(), Curve(steepest=-12.0, divergence=-9.0), Curve(divergence=None)])
def test_json_gives_back_the_same_result(curve):
    found = run(curve)
    again = RangeTest.from_json(found.to_json())
    assert str(again) == str(found)
    assert again.sweeps == found.sweeps
    assert (again.low, again.high, again.suggested, again.curve) == (
        found.low,
        found.high,
        found.suggested,
        found.curve,
    )


@pytest.mark.parametrize("text", ["", "{}", "[1]", None, '{"sweeps": 3}'])
def test_other_text_is_no_result(text):
    with pytest.raises(InvalidInput, match=r"RangeTest\.to_json"):
        RangeTest.from_json(text)
