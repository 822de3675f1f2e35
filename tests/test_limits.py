"""Limits: what users may write, and what they are told if they may not."""

import math

import pytest

import welltempered as wt


def test_without_a_word_nothing_is_limited_but_retries_and_the_grace_time():
    limits = wt.Limits()
    assert (limits.memory, limits.epoch, limits.trial, limits.disk) == (math.inf,) * 4
    assert (limits.retries, limits.grace, limits.saving) == (2, 25.0, 0.1)


@pytest.mark.parametrize(
    ("text", "size"),
    [("4 GB", 4e9), ("4gb", 4e9), ("1.5 GiB", 1.5 * 2**30), ("500 MB", 5e8), ("7 b", 7), (123, 123), (0.5, 0.5)],
)
def test_sizes_are_bytes_or_texts(text, size):
    assert wt.Limits(memory=text).memory == wt.Limits(disk=text).disk == size


@pytest.mark.parametrize(
    ("text", "seconds"), [("10 min", 600), ("2 h", 7200), ("1.5 minutes", 90), ("3 s", 3), ("1 day", 86400), (7, 7)]
)
def test_times_are_seconds_or_texts(text, seconds):
    limits = wt.Limits(epoch=text, trial=text, grace=text)
    assert (limits.epoch, limits.trial, limits.grace) == (seconds,) * 3


@pytest.mark.parametrize("name", ["memory", "disk", "epoch", "trial", "grace"])
@pytest.mark.parametrize("value", ["4", "GB", "four GB", "4 parsecs", "-1 s", 0, -3, True, math.nan, [], "", "0 GB"])
def test_what_is_no_amount_is_refused_with_an_example(name, value):
    with pytest.raises(
        wt.InvalidInput, match=rf"^{name} must be above zero and have a unit, such as '.*', got {name}="
    ):
        wt.Limits(**{name: value})


@pytest.mark.parametrize("value", [-1, 1.5, True, "2"])
def test_retries_are_counted(value):
    with pytest.raises(wt.InvalidInput, match="retries must be a whole number of at least 0, got retries="):
        wt.Limits(retries=value)


@pytest.mark.parametrize("value", [-0.1, math.nan, True, "0.1"])
def test_saving_is_a_share(value):
    with pytest.raises(wt.InvalidInput, match=r"saving must be a share of at least 0, such as 0.1, got saving="):
        wt.Limits(saving=value)


def test_the_same_wall_is_met_twice_at_most():
    assert [wt.Limits(retries=n).retries_after("worker lost") for n in (0, 1, 5)] == [0, 1, 5]
    assert [wt.Limits(retries=n).retries_after("out of memory") for n in (0, 1, 5)] == [0, 1, 1]
