import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from welltempered.budget import Budget, duration
from welltempered.errors import InvalidInput

UNITS_OF_TIME = {
    1: ("s", "sec", "secs", "second", "seconds"),
    60: ("min", "mins", "minute", "minutes"),
    3600: ("h", "hour", "hours"),
    86400: ("d", "day", "days"),
}
seconds_of = {unit: seconds for seconds, units in UNITS_OF_TIME.items() for unit in units}
amounts = st.integers(1, 10**9)
spaces = st.sampled_from(["", " ", "  "])


@given(amounts, st.sampled_from(["epoch", "epochs", "Epochs"]), spaces)
def test_epochs_are_counted_in_whole_numbers(amount, unit, space):
    assert Budget.of(f"{amount}{space}{unit}") == Budget(epochs=amount)


@given(amounts, st.sampled_from(["trial", "trials"]), spaces)
def test_trials_are_counted_in_whole_numbers(amount, unit, space):
    assert Budget.of(f"{amount}{space}{unit}") == Budget(trials=amount)


@given(st.decimals(min_value="0.001", max_value=10**6, places=3), st.sampled_from(list(seconds_of)), spaces)
def test_time_has_a_unit_and_may_be_a_fraction(amount, unit, space):
    assert Budget.of(f"{amount}{space}{unit}") == Budget(seconds=float(amount) * seconds_of[unit])


@given(st.permutations(["200 epochs", "30 trials", "1.5 h"]), st.integers(1, 3), st.sampled_from([",", ", ", " , "]))
def test_several_bounds_come_in_any_order(parts, count, comma):
    read = Budget.of(comma.join(parts[:count]))
    assert read.epochs == (200 if "200 epochs" in parts[:count] else math.inf)
    assert read.trials == (30 if "30 trials" in parts[:count] else math.inf)
    assert read.seconds == (5400 if "1.5 h" in parts[:count] else math.inf)


def test_no_budget_is_no_bound():
    assert Budget.of(None) == Budget() == Budget(epochs=math.inf, trials=math.inf, seconds=math.inf)


def test_a_budget_is_taken_as_it_is():
    budget = Budget(epochs=3, seconds=0.5)
    assert Budget.of(budget) == budget


@pytest.mark.parametrize(
    ("budget", "rule"),
    [
        (200, "must say its unit"),
        (1.5, "must say its unit"),
        (True, "must say its unit"),
        ("200", "must be an amount and a unit"),
        ("epochs", "must be an amount and a unit"),
        ("", "must be an amount and a unit"),
        ("200 steps", "must be an amount and a unit"),
        ("-3 epochs", "must be an amount and a unit"),
        ("inf epochs", "must be an amount and a unit"),
        ("1e3 epochs", "must be an amount and a unit"),
        ("1,000 epochs", "must be an amount and a unit"),
        ("10 min 30 s", "must be an amount and a unit"),
        ("10 epochs,", "must be an amount and a unit"),
        ("0 epochs", "must be above zero"),
        ("0.0 min", "must be above zero"),
        ("1.5 epochs", "must be a whole number of epochs"),
        ("0.5 trials", "must be a whole number of trials"),
        ("3 epochs, 4 epochs", "must name each unit once"),
        ("1 h, 10 min", "must name each unit once"),
    ],
)
def test_anything_else_is_refused_with_the_rule_and_the_value(budget, rule):
    with pytest.raises(InvalidInput, match=f"^budget {rule}.*, got ") as error:
        Budget.of(budget)
    assert str(error.value).endswith(f"got {budget!r}")


@pytest.mark.parametrize("name", ["epochs", "trials", "seconds"])
@pytest.mark.parametrize("value", [0, -1, math.nan, -math.inf])
def test_a_budget_of_nothing_is_refused(name, value):
    with pytest.raises(InvalidInput, match=rf"^{name} of a budget must be above zero, got {name}={value!r}$"):
        Budget(**{name: value})


def test_a_refusal_shows_what_a_budget_looks_like():
    with pytest.raises(InvalidInput) as error:
        Budget.of("soon")
    for example in ("'200 epochs'", "'30 trials'", "'10 min'", "'2 h'", "'200 epochs, 1 h'"):
        assert example in str(error.value)
        Budget.of(example.strip("'"))


def test_a_budget_reads_as_it_was_written():
    assert str(Budget.of("200 epochs, 30 trials, 90 min")) == "200 epochs, 30 trials, 1 h 30 min"
    assert str(Budget.of(None)) == "no bound"


@given(st.floats(0, 1e7))
def test_a_duration_is_off_by_less_than_its_last_unit(seconds):
    scale = {"s": 1, "min": 60, "h": 3600}
    words = duration(seconds).split()
    said = sum(float(amount) * scale[unit] for amount, unit in zip(words[::2], words[1::2], strict=True))
    assert abs(said - seconds) <= (0.5 if seconds < 3600 else 60)
