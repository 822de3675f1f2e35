"""The record of the range test's benchmark says what its rows say, and the peers' rules do what is said of them."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.range_peers import FASTAI
from benchmarks.range_problems import DESIGN, FRESH, HELD, JUDGED, PROBLEMS, WHOLE
from benchmarks.range_test import OURS, summary, table

RECORD = json.loads((Path(__file__).parents[2] / "benchmarks" / "records" / "range_test.json").read_text())


def test_every_problem_is_in_the_record():
    assert [row["name"] for row in RECORD["problems"]] == [problem.name for problem in PROBLEMS]
    assert {row["half"] for row in RECORD["problems"]} == {DESIGN, JUDGED, FRESH, HELD}
    assert all(len(row[OURS]) == len(row["others"]) == 5 for row in RECORD["problems"])


def test_the_summary_follows_from_the_rows():
    again = summary(RECORD["problems"])
    assert again["inside"] == RECORD["summary"]["inside"]
    assert again["confidence"] == RECORD["summary"]["confidence"]
    assert again["widths"] == pytest.approx(RECORD["summary"]["widths"], rel=1e-2)


def test_ours_hold_the_good_rate_more_often_than_ranges_of_the_same_width_around_single_suggestions():
    held = {who: int(shares["all"].split("/")[0]) for who, shares in RECORD["summary"]["inside"].items()}
    assert held[OURS] > max(held[who] for who in RECORD["problems"][0]["others"][0])
    assert RECORD["summary"]["widths"]["median"] <= 2.05
    assert RECORD["summary"]["steps_per_epoch"]["max"] <= 1


def test_beside_an_epoch_of_the_usual_size_it_costs_less_than_one():
    assert [row["name"] for row in RECORD["whole"]] == [problem.name for problem in WHOLE]
    assert all(max(row["epochs_of_time"]) <= 1 for row in RECORD["whole"])


def test_the_table_has_a_line_per_problem():
    assert all(f"| {problem.name} |" in table(RECORD) for problem in PROBLEMS)


def test_rules_of_others_find_their_points():
    rates = np.geomspace(1e-5, 1, 51)
    losses = 2 - 1 / (1 + (1e-3 / rates) ** 2) + rates
    assert FASTAI["fastai steep"](rates, losses) == pytest.approx(1e-3, rel=0.5)
    assert FASTAI["fastai minimum"](rates, losses) == pytest.approx(rates[losses.argmin()] / 10)
    end = int(losses.argmin())
    assert FASTAI["fastai valley"](rates, losses) == pytest.approx(rates[end // 2], rel=0.3)
