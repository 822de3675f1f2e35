"""The record of the article's race: its table says what the runs say, and what the pages show is of it."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.article.race import time_to

ROOT = Path(__file__).parents[2]
RECORD = json.loads((ROOT / "benchmarks" / "records" / "article.json").read_text(encoding="utf-8"))
[GROUP] = RECORD["groups"]
ROWS = {row["who"]: row for row in GROUP["rows"]}
SHOWN = 0.8852


def table():
    """Return the cells of the page's table by program."""
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| `([a-z-]+)` \| (\d.*) \|$", page, re.MULTILINE)
    return {who: cells.split(" | ") for who, cells in lines if who in ROWS}


def numbers(cell):
    return [float(number) for number in re.findall(r"\d+\.?\d*", cell)]


@pytest.mark.parametrize("who", ROWS)
def test_a_row_is_what_the_runs_come_to(who):
    runs = [run for run in GROUP["runs"] if run["who"] == who]
    assert sum(run["wall"] for run in runs) / len(runs) == pytest.approx(ROWS[who]["wall"]["mean"], abs=1e-3)
    best = [max(found for _, _, _, found, _ in run["epochs"]) for run in runs]
    assert sum(best) / len(best) == pytest.approx(ROWS[who]["best"]["mean"], abs=1e-4)


@pytest.mark.parametrize("who", ROWS)
def test_the_page_says_what_the_record_says(who):
    wall, share, cpu, best, reached = table()[who]
    row = ROWS[who]
    assert numbers(wall) == pytest.approx([row["wall"][key] for key in ("mean", "low", "high")], abs=0.051)
    assert numbers(share) == pytest.approx([row["of_reference"]], abs=0.0051)
    assert numbers(cpu) == pytest.approx([row["cpu"]["mean"]], abs=0.51)
    assert numbers(best) == pytest.approx([row["best"][key] for key in ("mean", "low", "high")], abs=0.000051)
    times = sorted(time_to(run, SHOWN) for run in GROUP["runs"] if run["who"] == who)
    assert numbers(reached) == pytest.approx(times, abs=0.051)


def test_all_programs_trained_as_many_epochs_and_none_failed():
    assert all(119 < row["epochs"]["mean"] < 122 for row in ROWS.values())
    assert all(row["failed"] == 0 and row["runs"] == 3 for row in ROWS.values())
    assert RECORD["modified"] is False
