"""The figures of the benchmark of stopping rules, on curves of which they are known."""

import math

import pytest

import welltempered as wt
from benchmarks.stopping import Task, measure, settings, table

FLAT = [[n / 40] * 10 for n in range(38)]
DIVERGED = [[0.5, math.nan, *[0.4] * 8], [math.nan] * 10]


def task(curves, *, maximize=False):
    return Task("flat", "a group", curves, maximize, 0)


def test_without_a_rule_only_divergence_saves_epochs():
    found = measure(task(FLAT + DIVERGED), wt.Full)
    assert found["saved"] == found["diverged"] == pytest.approx((8 + 9) / 400, abs=1e-4)
    assert (found["lost"], found["top"], found["best_lost"], found["regret"]) == (0, 2, False, 0)
    assert found["leases"] == 1


@pytest.mark.parametrize("maximize", [False, True])
def test_a_rule_that_is_right_saves_most_and_loses_nothing(maximize):
    curves = [[-loss for loss in curve] for curve in FLAT] if maximize else FLAT
    found = measure(task(curves, maximize=maximize), lambda searcher: wt.Percentile(wt.Full(searcher)))
    assert found["saved"] > 0.5
    assert (found["lost"], found["best_lost"], found["regret"]) == (0, False, 0)


def test_a_rule_that_is_wrong_loses_the_best():
    late = [[1.0] * 9 + [-1.0], [1.0] * 9 + [-2.0]]
    found = measure(task(FLAT + late), lambda searcher: wt.Percentile(wt.Full(searcher)))
    assert found["best_lost"]
    assert 1 <= found["lost"] <= found["top"] == 2
    assert found["regret"] > 0.3


def test_the_table_has_a_line_per_setting():
    makes = [wt.Full, lambda searcher: wt.Percentile(wt.Full(searcher), percent=50)]
    rows = [{"setting": f"setting {n}", "studies": [measure(task(FLAT), make)]} for n, make in enumerate(makes)]
    lines = table({"tasks": {"flat": "a group"}, "rows": rows}).splitlines()
    assert "**a group**: flat" in lines
    assert "| `setting 0` | 0.0% | 0.0% (0/2) | 0/1 | +0.000 | 1.0 |" in lines
    assert len(list(settings())) > 30
