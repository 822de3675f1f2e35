"""The race from the command line, on data made for it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.tables.report import markdown

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def raced(tmp_path_factory):
    """A record, what was printed, and the folder; of two tasks whose best rows have a large x and a small y."""
    folder = tmp_path_factory.mktemp("raced")
    (folder / "taskset").mkdir()
    hp = np.random.default_rng(0).random((200, 2))
    losses = (1 - hp[:, :1] + hp[:, 1:]) * np.linspace(2, 1, 51)
    for name in "ab":
        np.savez(folder / "taskset" / name, hp_names=np.array(["x", "y"]), hp=hp, valid_loss=losses)
    return race(folder), folder


def race(folder):
    command = [sys.executable, "-m", "benchmarks.tables", "--data", str(folder), "--memory", str(folder / "memory")]
    command += ["--json", str(folder / "record.json"), "--figures", str(folder / "figures"), "--seeds", "2"]
    command += ["--budget", "100", "--methods", "Halving(Random(), eta=4)"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads((folder / "record.json").read_text())


def test_the_record_says_where_it_comes_from_and_how_it_was_made(raced):
    (_, record), _ = raced
    assert record["format"] == 1
    assert {"date", "commit", "machine", "versions"} <= set(record)
    assert record["options"]["methods"] == ["Halving(Random(), eta=4)"]
    assert [(group["family"], group["workers"]) for group in record["groups"]] == [("taskset", 1), ("taskset", 8)]


def test_each_contender_has_a_row_with_falling_regret_rank_and_wins(raced):
    (_, record), _ = raced
    for group in record["groups"]:
        assert group["marks"] == [50, 100]
        assert group["tasks"] == {"a": "design", "b": "judged"}
        assert len(group["rows"]) == 7
        for row in group["rows"]:
            for values in (row["regret"]["mean"], *row["tasks"].values()):
                assert values == sorted(values, reverse=True)
                assert 0 <= values[-1] <= 1
            assert row["rank"]["low"] <= row["rank"]["mean"] <= row["rank"]["high"]
        assert sum(row["rank"]["mean"] for row in group["rows"]) == pytest.approx(28, abs=0.01)
        assert sum(row["wins"] for row in group["rows"]) >= 2


def test_random_search_with_twice_the_budget_is_at_50_where_the_other_is_at_100(raced):
    (_, record), _ = raced
    rows = {row["name"]: row["regret"] for row in record["groups"][0]["rows"]}
    assert rows["random, twice the budget"]["mean"][0] == rows["random"]["mean"][1]


def test_tables_and_pictures_are_made(raced):
    (printed, record), folder = raced
    assert "### taskset, 8 workers" in printed
    assert printed.count("| Halving(Random(), eta=4) |") == 4
    assert {path.name for path in (folder / "figures").iterdir()} == {"taskset-1.svg", "taskset-8.svg"}
    assert markdown(record["groups"][0]) in printed


def test_what_is_remembered_gives_the_same_record(raced):
    (printed, record), folder = raced
    before = (folder / "memory" / "taskset.jsonl").read_text()
    again, repeated = race(folder)
    assert (folder / "memory" / "taskset.jsonl").read_text() == before
    assert again == printed
    assert repeated["groups"] == record["groups"]
