"""The curves: ends, warm-up and horizon of each, and the formulas that frameworks have too."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import welltempered as wt

CURVES = [
    wt.Constant(),
    wt.StepDecay(factor=0.3, drops=3),
    wt.ExponentialDecay(rate=2.5),
    wt.PolynomialDecay(power=0.5, end=0.1),
    wt.CosineDecay(end=0.05),
    wt.OneCycle(),
]
ENDS = [1.0, 0.027, math.exp(-2.5), 0.1, 0.05, 4e-6]
WRONG = [
    (wt.Constant, {"warmup": -1}, "warmup must be at least 0, in epochs, got warmup=-1"),
    (wt.Constant, {"warmup": "1"}, "warmup must be a number, at least 0, in epochs, got warmup='1'"),
    (wt.Constant, {"warmup": math.nan}, "warmup must be a number, at least 0, in epochs, got warmup=nan"),
    (wt.StepDecay, {"factor": 1}, "factor must be above 0 and below 1, got factor=1"),
    (wt.StepDecay, {"drops": 0}, "drops must be a whole number of at least 1, got drops=0"),
    (wt.StepDecay, {"drops": 1.5}, "drops must be a whole number of at least 1, got drops=1.5"),
    (wt.ExponentialDecay, {"rate": 0}, "rate must be above 0, got rate=0"),
    (wt.PolynomialDecay, {"power": -1}, "power must be above 0, got power=-1"),
    (wt.CosineDecay, {"end": 1}, "end must be at least 0 and below 1, got end=1"),
    (wt.OneCycle, {"rise": True}, "rise must be a number, above 0 and below 1, got rise=True"),
    (wt.OneCycle, {"start": 1.1}, "start must be above 0 and at most 1, got start=1.1"),
    (wt.ReduceOnPlateau, {"patience": 0}, "patience must be a whole number of at least 1, got patience=0"),
    (wt.ReduceOnPlateau, {"floor": -0.1}, "floor must be at least 0 and below 1, got floor=-0.1"),
    (wt.ReduceOnPlateau, {"cooldown": None}, "cooldown must be a whole number of at least 0, got cooldown=None"),
]


def with_warmup(curve, warmup):
    return type(curve)(**{**vars(curve), "warmup": warmup})


@pytest.mark.parametrize(("kind", "fields", "sentence"), WRONG)
def test_a_field_out_of_its_range_is_refused_by_name(kind, fields, sentence):
    with pytest.raises(wt.InvalidInput) as error:
        kind(**fields)
    assert str(error.value) == sentence


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"epochs": 2.5}, {"epochs": 9, "steps": 0}, {"epochs": True}])
def test_a_horizon_is_a_whole_number_of_epochs_and_steps(curve, wrong):
    with pytest.raises(wt.InvalidInput, match="must be a whole number of at least 1"):
        curve.at(0, **wrong)


def test_numbers_of_other_kinds_become_floats_so_that_equal_schedules_are_equal():
    assert repr(wt.CosineDecay(end=np.float32(0.5), warmup=1)) == "CosineDecay(end=0.5, warmup=1.0)"
    assert wt.StepDecay(drops=np.int64(2)) == wt.StepDecay()


@pytest.mark.parametrize(("curve", "end"), list(zip(CURVES, ENDS, strict=True)))
def test_past_the_horizon_the_rate_stays_at_its_end(curve, end):
    for steps in (1, 7):
        for step in (9 * steps, 9 * steps + 1, 1_000):
            assert curve.at(step, epochs=9, steps=steps) == pytest.approx(end)


@pytest.mark.parametrize("curve", [curve for curve in CURVES if not isinstance(curve, wt.OneCycle)])
def test_all_but_the_cycle_begin_at_the_base_rate_and_never_rise(curve):
    shares = curve.at(np.arange(91), epochs=9, steps=10)
    assert shares[0] == 1
    assert (np.diff(shares) <= 0).all()


def test_the_cycle_is_at_its_top_where_the_rise_ends():
    shares = wt.OneCycle(rise=0.2).at(np.arange(101), epochs=10, steps=10)
    assert shares.argmax() == 20
    assert shares[20] == 1


@given(st.sampled_from(CURVES), st.integers(1, 40), st.integers(1, 9), st.floats(0, 50))
def test_every_share_lies_between_nothing_and_the_base_rate(curve, epochs, steps, warmup):
    shares = with_warmup(curve, warmup).at(np.arange(epochs * steps + 3), epochs=epochs, steps=steps)
    assert np.isfinite(shares).all()
    assert (shares >= 0).all()
    assert (shares <= 1 + 1e-12).all()


@given(st.sampled_from(CURVES), st.integers(1, 30), st.integers(1, 9), st.integers(1, 5))
def test_a_curve_is_the_same_whatever_the_length_of_its_steps(curve, epochs, steps, finer):
    at = np.arange(epochs * steps + 1)
    one = curve.at(at, epochs=epochs, steps=steps)
    other = curve.at(at * finer, epochs=epochs, steps=steps * finer)
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@given(st.sampled_from(CURVES), st.integers(1, 30), st.integers(2, 5))
def test_a_curve_keeps_its_shape_when_the_training_is_longer(curve, epochs, longer):
    at = np.arange(epochs + 1)
    np.testing.assert_allclose(
        curve.at(at, epochs=epochs), curve.at(at * longer, epochs=epochs * longer), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("curve", CURVES)
def test_warm_up_is_linear_has_no_rate_of_zero_and_takes_its_epochs(curve):
    first = curve.at(0, epochs=9)
    shares = with_warmup(curve, 2).at(np.arange(8), epochs=9, steps=4)
    np.testing.assert_allclose(shares, first * np.arange(1, 9) / 8)


@pytest.mark.parametrize("curve", CURVES)
def test_after_warm_up_the_curve_takes_what_is_left_of_the_horizon(curve):
    shares = with_warmup(curve, 3).at(np.arange(3, 13), epochs=12)
    np.testing.assert_allclose(shares, curve.at(np.arange(10), epochs=9), rtol=1e-9)


def test_a_training_that_is_shorter_than_its_warm_up_is_nothing_else():
    shares = wt.CosineDecay(warmup=4).at(np.arange(5), epochs=2)
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.75, 0.75, 0.75])


def test_steps_fall_exactly_where_a_drop_lies():
    for epochs in range(3, 91, 3):
        for steps in (1, 7, 100):
            shares = wt.StepDecay().at(
                np.array([epochs * steps // 3 - 1, epochs * steps // 3]), epochs=epochs, steps=steps
            )
            np.testing.assert_allclose(shares, [1, 0.1])


def test_the_decay_per_epoch_of_ng_is_the_default_over_ninety_epochs():
    assert wt.ExponentialDecay().at(1, epochs=90) == pytest.approx(0.95, abs=2e-4)


@pytest.mark.parametrize("step", ["3", None, True])
def test_a_step_is_a_number(step):
    with pytest.raises(wt.InvalidInput, match="step must be a number or an array of them, got step="):
        wt.CosineDecay().at(step, epochs=3)


def test_drops_at_given_places_have_another_way():
    with pytest.raises(wt.InvalidInput, match=r"got drops=\[30, 60\]; for drops at given places use torch's"):
        wt.StepDecay(0.1, [30, 60])
