import math
import pickle
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from space_strategies import choices, numbers, parameters, positions

from welltempered.errors import InvalidInput
from welltempered.space import Choice, Float, Int
from welltempered.space.reading import parameter_from_json


@given(parameters, positions)
def test_a_decoded_value_encodes_to_where_it_decodes_again(parameter, u):
    value = parameter.decode(u)
    position = parameter.encode(value)
    again = parameter.decode(position)
    assert 0 <= position <= 1
    assert again == value
    assert type(again) is type(value)


@given(parameters, positions)
def test_a_decoded_value_is_contained(parameter, u):
    assert parameter.contains(parameter.decode(u))


@given(numbers, positions, positions)
def test_decoding_is_monotone(parameter, u, v):
    assert parameter.decode(min(u, v)) <= parameter.decode(max(u, v))


@given(parameters, positions)
def test_decoded_values_are_plain_python(parameter, u):
    assert type(parameter.decode(np.float64(u))) in {float, int, str, bool, list, dict, type(None)}


@given(numbers.filter(lambda p: math.isinf(p.size)), positions)
def test_any_contained_number_survives_up_to_rounding(parameter, part):
    value = parameter.low + part * (parameter.high - parameter.low)
    again = parameter.decode(parameter.encode(min(value, parameter.high)))
    if parameter.scale == "linear":
        assert math.isclose(again, value, abs_tol=1e-8 * (parameter.high - parameter.low))
    elif parameter.scale == "one_minus_log":
        assert math.isclose(1 - again, 1 - value, rel_tol=1e-8)
    else:
        assert math.isclose(again, value, rel_tol=1e-8)


@given(parameters.filter(lambda p: p.size <= 200))
def test_the_grid_of_a_finite_parameter_is_all_of_it(parameter):
    grid = parameter.grid(200)
    assert len(grid) == parameter.size
    assert [parameter.decode(parameter.encode(value)) for value in grid] == list(grid)


@given(numbers, st.integers(2, 9))
def test_a_grid_runs_from_end_to_end_without_repetition(parameter, points):
    grid = parameter.grid(points)
    assert grid[0] == parameter.decode(0)
    assert grid[-1] == parameter.decode(1)
    assert len(set(grid)) == len(grid) <= points
    assert list(grid) == sorted(grid)


@given(parameters)
def test_parameters_survive_json_pickle_and_repr(parameter):
    copies = [
        parameter_from_json(parameter.to_json()),
        pickle.loads(pickle.dumps(parameter)),
        eval(repr(parameter), {"Float": Float, "Int": Int, "Choice": Choice}),
    ]
    for copied in copies:
        assert copied == parameter
        assert hash(copied) == hash(parameter)
        assert copied.decode(0.3) == parameter.decode(0.3)


@given(choices())
def test_options_share_the_interval_equally(choice):
    n = len(choice.options)
    assert [choice.decode((k + 0.5) / n) for k in range(n)] == list(choice.options)


def test_quartiles_of_momentum_are_the_ones_of_its_averaging_time():
    momentum = Float(0.9, 0.999, scale="one_minus_log")
    quartiles = [round(momentum.decode(u), 3) for u in (0.25, 0.5, 0.75)]
    assert quartiles == [0.968, 0.99, 0.997]


def test_a_quarter_of_zero_or_log_is_zero():
    decay = Float(1e-6, 1e-2, scale="zero_or_log")
    values = [decay.decode(u) for u in np.random.default_rng(0).random(4000).tolist()]
    assert 0.23 < values.count(0.0) / len(values) < 0.27
    assert decay.zero == 0.25
    assert decay.encode(0) == 0.125
    assert decay.decode(0.25) == 1e-6
    assert decay.decode(1) == 1e-2


@pytest.mark.parametrize(
    ("parameter", "points", "grid"),
    [
        (Float(0, 1), 5, (0.0, 0.25, 0.5, 0.75, 1.0)),
        (Float(0, 1), 1, (0.5,)),
        (Float(0, 1, step=0.1), 99, (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)),
        (Float(1, 1.001, step=0.001), 99, (1.0, 1.001)),
        (Float(0, 1, step=0.3), 99, (0.0, 0.3, 0.6, 0.9)),
        (Float(1e-4, 1, scale="log", step=10), 99, (1e-4, 1e-3, 1e-2, 1e-1, 1.0)),
        (Float(0.9, 0.999, scale="one_minus_log"), 3, (0.9, 0.99, 0.999)),
        (Float(1e-4, 1, scale="zero_or_log"), 4, (0.0, 1e-4, 1e-2, 1.0)),
        (Float(1e-4, 1, scale="zero_or_log"), 2, (0.0, 1.0)),
        (Int(1, 9), 3, (1, 5, 9)),
        (Int(32, 100, step=32), 9, (32, 64, 96)),
        (Int(16, 300, scale="log", step=2), 9, (16, 32, 64, 128, 256)),
        (Int(1, 3, scale="zero_or_log"), 9, (0, 1, 2, 3)),
        (Int(1, 1000, scale="log"), 4, (1, 6, 79, 1000)),
        (Choice("a", "b", "c"), 2, ("a", "b", "c")),
    ],
)
def test_grids(parameter, points, grid):
    assert parameter.grid(points) == grid


def test_half_of_a_logarithmic_integer_range_is_small():
    units = Int(1, 1000, scale="log")
    assert units.decode(0.5) < 40
    assert [units.decode(units.encode(k)) for k in range(1, 1001)] == list(range(1, 1001))


def test_powers_stay_below_high():
    assert Int(1, 2**39 - 1, scale="log", step=2).grid(99)[-1] == 2**38
    assert Int(1, 2**39, scale="log", step=2).grid(99)[-1] == 2**39
    assert Float(1e-300, 1e300, scale="log").decode(0.5) == 1.0


def test_defaults_are_kept_as_plain_numbers():
    parameter = Float(0, 2, default=np.int64(1))
    assert repr(parameter) == "Float(0.0, 2.0, default=1.0)"
    assert parameter_from_json(parameter.to_json()) == parameter
    assert parameter.start == 1.0
    assert Choice("a", "b", default="b").start == "b"
    assert Choice([1], (2,), default=(2,)).to_json()["default"] == [2]


def test_huge_integers_are_told_apart():
    for scale in ("linear", "log"):
        big = Int(1, 10**12, scale=scale)
        for value in (1, 2, 10**6 + 1, 10**12 - 1, 10**12):
            assert big.decode(big.encode(value)) == value


def test_numbers_of_the_wrong_type_are_not_contained():
    assert Float(0, 1).contains(1)
    assert not Float(0, 1).contains(True)
    assert not Float(0, 1).contains("0.5")
    assert not Float(0, 1).contains(math.nan)
    assert not Int(0, 1).contains(1.0)
    assert not Int(0, 1).contains(True)


def test_values_off_the_steps_are_not_contained():
    assert Float(0, 1, step=0.1).contains(0.1 + 0.2)
    assert not Float(0, 1, step=0.1).contains(0.25)
    assert not Float(1e6, 1e6 + 1, step=0.001).contains(1e6 + 0.0005)
    assert not Float(0, 1, step=0.3).contains(1.0)
    assert not Int(0, 11, step=5).contains(11)
    assert not Int(16, 100, scale="log", step=2).contains(48)
    assert not Int(2, 8, scale="zero_or_log").contains(1)


def test_options_are_compared_as_json_does():
    kinds = Choice(0, False, 0.0, None, "0", [0], (1, [2]), {"b": 1, "a": (2,)})
    assert len(kinds.options) == kinds.size == 8
    assert [kinds.options.index(o) for o in ("0", [0])] == [4, 5]
    assert kinds.decode(kinds.encode(False)) is False
    assert kinds.contains([1, (2,)])
    assert kinds.contains({"a": [2], "b": 1})
    assert not kinds.contains(1)
    assert not kinds.contains(object())
    assert not kinds.contains({1, 2})


def test_changing_a_decoded_list_does_not_change_the_choice():
    layers = Choice([[64, 64], [128]])
    layers.decode(0).append(32)
    layers.grid(1)[0].append(32)
    layers.start.append(32)
    assert layers.decode(0) == [64, 64]


def test_named_choices_hold_names_and_resolve_to_objects():
    schedule = Choice({"flat": print, "steep": len})
    assert schedule.decode(0.1) == "flat"
    assert schedule.resolve("steep") is len
    assert schedule == Choice({"flat": max, "steep": min}), "objects cannot be compared"
    assert hash(schedule) == hash(Choice({"flat": max, "steep": min}))
    assert schedule != Choice("flat", "steep"), "training is given something else"
    assert pickle.loads(pickle.dumps(schedule)).resolve("flat") is print
    assert Choice("a", "b").resolve("a") == "a"


def test_equality_sees_every_argument():
    base = Float(1e-3, 1, scale="log")
    others = [
        Float(1e-3, 2, scale="log"),
        Float(1e-3, 1),
        Float(1e-3, 1, scale="log", step=10),
        Float(1e-3, 1, scale="log", default=0.1),
        base.when(opt="sgd"),
    ]
    assert len({base, *others, Float(0.001, 1.0, scale="log")}) == 6
    assert Choice("a", "b") != Choice("b", "a")
    assert Choice("a", "b") != Choice("a", "b", default="a")
    assert Choice(1, 2) != Choice(1.0, 2.0)
    assert Float(0, 1, scale="linear") != Int(0, 1)


def test_bounds_may_be_numpy_numbers():
    assert repr(Float(np.float32(0.5), np.int64(1))) == "Float(0.5, 1.0)"
    assert repr(Int(np.int64(1), 3)) == "Int(1, 3)"
    assert repr(Choice(list(np.arange(2)))) == "Choice(0, 1)"


def test_when_joins_conditions():
    child = Int(1, 3).when("depth > 2").when(opt=("sgd", "adam")).when("depth > 2", flag=True)
    text = "depth > 2 and opt in ('sgd', 'adam') and flag == True"
    assert child.condition.text == text
    assert eval(repr(child), {"Int": Int}) == child
    assert Int(1, 3).condition is None


def test_a_lone_option_may_be_a_list_or_dict():
    assert repr(Choice([[1, 2]])) == "Choice([[1, 2]])"
    assert repr(Choice([{"a": 1}])) == "Choice([{'a': 1}])"
    assert Choice([1, 2]) == Choice(1, 2)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (partial(Float, 0.1, 0.01), "low must be below high, got low=0.1, high=0.01"),
        (partial(Int, 3, 3), "low must be below high, got low=3, high=3; a constant is Choice(3)"),
        (partial(Float, "0", 1), "low must be a finite number, got low='0'"),
        (partial(Float, 0, math.inf), "high must be a finite number, got high=inf"),
        (partial(Float, None, 1), "low must be a finite number, got low=None"),
        (partial(Int, 1, 2.5), "high must be an integer, got high=2.5"),
        (partial(Int, 0, 10**12), "the range is too wide, got low=0, high=1000000000000"),
        (
            partial(Float, 0, 1, scale="log"),
            (
                "low must be above 0 on a log scale, got low=0.0; "
                "with scale='zero_or_log' low is the smallest value above zero"
            ),
        ),
        (
            partial(Int, 1, 2, scale="one_minus_log"),
            "scale must be one of linear, log, zero_or_log, got scale='one_minus_log'",
        ),
        (
            partial(Float, 0.9, 1, scale="one_minus_log"),
            "high must be below 1 with scale='one_minus_log', got high=1.0",
        ),
        (partial(Float, 1, 2, zero=0.5), "zero needs scale='zero_or_log', got scale='linear'"),
        (
            partial(Float, 1, 2, scale="zero_or_log", zero=1),
            "zero must be a probability between 0 and 1, got zero=1",
        ),
        (
            partial(Float, 0, 1, step=2),
            "step must be above 0 and at most high - low = 1, got step=2.0",
        ),
        (
            partial(Int, 1, 8, scale="log", step=1),
            "step must be a factor above 1 and at most high / low = 8, got step=1",
        ),
        (
            partial(Float, 0.1, 0.9, scale="one_minus_log", step=0.1),
            "step does not go with scale='one_minus_log': use a Choice",
        ),
        (
            partial(Float, 0, 1, step=1e-7),
            "step=1e-07 makes more than 100000 values: leave the step out",
        ),
        (partial(Float, 0, 1, default=2), "default must be in 0..1, got default=2.0"),
        (
            partial(Int, 16, 512, scale="log", step=2, default=48),
            "default must be one of 16, 32, ..., 512, got default=48",
        ),
        (
            partial(Float, 1e-6, 0.1, scale="zero_or_log", default=1),
            "default must be 0 or in 1e-06..0.1, got default=1.0",
        ),
        (partial(Choice, "a", default="b"), "default must be one of ['a'], got default='b'"),
        (Choice, 'Choice needs at least one option, as in Choice("sgd", "adam")'),
        (partial(Choice, "a", "b", "a"), "options must differ, got 'a' twice"),
        (partial(Choice, {1: 2}), "names of options must be strings, got [1]"),
        (
            partial(Choice, "a", len),
            ("option <built-in function len> cannot be stored as JSON: name it, as in Choice({'len': ..., ...})"),
        ),
        (
            partial(Choice, math.nan),
            "option nan cannot be stored as JSON: name it, as in Choice({'name': ..., ...})",
        ),
        (partial(Choice("a").resolve, "b"), "Choice('a') does not contain 'b'"),
        (partial(Float(0, 1).encode, 2), "Float(0.0, 1.0) does not contain 2"),
        (partial(Float(0, 1).decode, math.nan), "u must be a number in [0, 1], got nan"),
        (partial(Int(0, 1).grid, 0), "points must be at least 1, got points=0"),
        (
            Int(0, 1).when,
            'when() needs a test, such as when(opt="sgd") or when("depth > 2")',
        ),
        (
            partial(parameter_from_json, {"kind": "flaot"}),
            "unknown kind of parameter 'flaot'; this version knows float, int, choice",
        ),
        (
            partial(parameter_from_json, {"kind": "int", "low": 1}),
            "cannot read the parameter {'kind': 'int', 'low': 1}: 'high'",
        ),
    ],
)
def test_errors_say_what_is_wrong(make, sentence):
    with pytest.raises(InvalidInput) as error:
        make()
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    "parameter", [Float(0, 1, means="dropout"), Int(1, 3, means="depth"), Choice("a", "b", means="optimizer")]
)
def test_what_a_parameter_means_comes_back_from_json_and_makes_no_difference(parameter):
    back = parameter_from_json(parameter.to_json())
    assert back.means == parameter.means
    arguments = {name: value for name, value in parameter.to_json().items() if name != "means"}
    unnamed = parameter_from_json(arguments)
    assert unnamed.means is None
    assert unnamed == parameter
    assert hash(unnamed) == hash(parameter)
    assert parameter.when("other > 1").means == parameter.means


@pytest.mark.parametrize("means", ["", "learning rate", 1])
def test_what_a_parameter_means_is_a_word(means):
    with pytest.raises(InvalidInput, match=r"means must be a word such as 'learning_rate', got means="):
        Float(0, 1, means=means)


def test_a_range_that_vanishes_on_its_scale_is_refused():
    with pytest.raises(InvalidInput, match="low and high must differ as 1 - x with scale='one_minus_log'"):
        Float(1e-17, 2e-17, scale="one_minus_log")
