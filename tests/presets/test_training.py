"""Learning rate, averages and batch size."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from welltempered.errors import InvalidInput
from welltempered.presets.training import batch_size, beta1, beta2, epsilon, learning_rate, momentum, rho


@dataclass(frozen=True)
class Found:
    low: float
    high: float
    suggested: float


def test_a_range_test_gives_range_and_default():
    parameter = learning_rate(from_range_test=Found(1e-3, 0.3, 0.05))
    assert (parameter.low, parameter.high, parameter.start) == (1e-3, 0.3, 0.05)
    assert (parameter.scale, parameter.means) == ("log", "learning_rate")


def test_a_range_test_may_speak_numpy():
    parameter = learning_rate(from_range_test=Found(np.float32(0.001), np.float64(0.3), np.float32(0.05)))
    assert type(parameter.start) is float
    assert parameter.start == pytest.approx(0.05)


def test_a_default_goes_before_the_suggestion_of_a_range_test():
    assert learning_rate(default=0.01, from_range_test=Found(1e-3, 0.3, 0.05)).start == 0.01


@pytest.mark.parametrize("bounds", [{"low": 1e-4}, {"high": 1.0}, {"low": 1e-4, "high": 1.0}])
def test_a_range_beside_a_range_test_is_refused(bounds):
    with pytest.raises(InvalidInput, match="from_range_test already says the range: leave low and high out"):
        learning_rate(**bounds, from_range_test=Found(1e-3, 0.3, 0.05))


@pytest.mark.parametrize(
    ("tested", "sentence"),
    [
        (0.1, "must have the numbers low, high and suggested, got 0.1, whose low is None"),
        (SimpleNamespace(low=0.1, high=1), "whose suggested is None"),
        (Found(0.1, "1", 0.2), "whose high is '1'"),
        (Found(0.1, 1, True), "whose suggested is True"),
        (Found(1e-3, 1e-1, 0.3), "must suggest a rate from its low to its high"),
        (Found(1e-3, 1e-1, float("nan")), "whose suggested is nan"),
        (Found(0.1, 10**400, 0.2), "whose high is 1000"),
        (Found(0.1, 0.1, 0.1), "low must be below high"),
        (Found(float("nan"), 0.1, 0.1), "whose low is nan"),
    ],
)
def test_what_is_no_range_test_is_refused(tested, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        learning_rate(from_range_test=tested)


@pytest.mark.parametrize(
    ("parameter", "default"), [(momentum(), 0.9), (beta1(), 0.9), (beta2(), 0.999), (rho(), 0.9), (batch_size(), 32)]
)
def test_defaults_are_the_usual_values(parameter, default):
    assert parameter.default == default


def test_the_usual_value_is_no_default_where_the_range_lacks_it():
    assert momentum(0.95, 0.999).default is None
    assert momentum(0.95, 0.999).start == pytest.approx(0.99293, abs=1e-5)  # the middle of the scale
    assert batch_size(64, 256).start == 128


def test_momentum_of_one_is_refused():
    with pytest.raises(InvalidInput, match=r"high must be at least 0 and below 1, got high=1.0"):
        momentum(0.9, 1.0)


@pytest.mark.parametrize(
    ("bounds", "sentence"),
    [
        ((20, 512), "low must be a power of two, got low=20: use 16 or 32, or sizes of your own, such as Int"),
        ((16, 100), "high must be a power of two, got high=100: use 64 or 128"),
        ((0, 64), "low must be a power of two such as 16, got low=0"),
        ((-8, 64), "low must be a power of two such as 16, got low=-8"),
        ((16.0, 64), "low must be a power of two such as 16, got low=16.0"),
        ((32, 32), r"low must be below high, got low=32, high=32; a constant is Choice\(32\)"),
    ],
)
def test_batch_sizes_are_powers_of_two(bounds, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        batch_size(*bounds)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: momentum(9), "^low must be at least 0 and below 1, got low=9$"),
        (lambda: rho(-1), "^low must be at least 0 and below 1, got low=-1$"),
        (lambda: learning_rate(0, 1), "^low must be above 0, got low=0$"),
        (lambda: epsilon(0), "^low must be above 0, got low=0$"),
        (lambda: batch_size([16, 32]), r"values of one's own are Choice\(16, 32, means='batch_size'\)"),
        (lambda: learning_rate([1e-3, 1e-2]), r"Choice\(0.001, 0.01, means='learning_rate'\)"),
        (lambda: batch_size(default=48), "^default must be one of 16, 32, ..., 512, got default=48$"),
        (lambda: learning_rate(default=1), r"^default must be in 1e-05\.\.0.1, got default=1.0$"),
    ],
)
def test_what_a_hyperparameter_cannot_be_is_refused_with_the_way_out(call, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        call()


def test_a_batch_of_one_is_a_power_of_two():
    assert list(batch_size(1, 8).values()) == [1, 2, 4, 8]
