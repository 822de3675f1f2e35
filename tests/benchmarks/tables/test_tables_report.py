"""Rows of the tables: what peers are charged, and who is the best of them."""

import pytest
from known_task import task

from benchmarks.tables.peer import Peer
from benchmarks.tables.pictures import draw
from benchmarks.tables.race import Contender
from benchmarks.tables.report import Standings, markdown

OURS = Contender("ours", "asha")
RESUMES = Contender("resumes", peer=Peer("resumes", (), resumes=True))
AGAIN = Contender("again", peer=Peer("again", (), resumes=False))


def run_of(*trace, **more):
    return {"trace": trace, "median_ms": 1.0, "p90_ms": 2.0, "trials": 3, "seconds": 4.0, **more}


@pytest.fixture
def standings():
    runs = {
        "ours": run_of([1, 1, 0.3], [10, 10, 0.1]),
        "resumes": run_of([2, 2, 0.4], [90, 90, 0.2]),
        "again": run_of([1, 1, 0.4], [50, 101, 0.1]),
    }
    tasks = [task(epochs=50)]
    return Standings.of(tasks, 1, 100, [OURS, RESUMES, AGAIN], {(name, "line", 0): runs[name] for name in runs})


def test_a_peer_that_trains_again_has_a_row_with_and_one_without_that_charge(standings):
    rows = {row["name"]: row for row in standings.record()["rows"]}
    assert list(rows) == ["ours", "resumes", "again, charged", "again, not charged"]
    assert rows["again, charged"]["regret"]["mean"] == [0.8, 0.8]
    assert rows["again, not charged"]["regret"]["mean"] == [0.2, 0.2]


def test_each_contender_is_ranked_once_with_its_real_cost(standings):
    rows = {row["name"]: row for row in standings.record()["rows"]}
    assert [rows[name]["rank"]["mean"] for name in ("ours", "resumes", "again, charged")] == [1, 2, 3]
    assert "rank" not in rows["again, not charged"]
    assert [row.get("wins") for row in rows.values()] == [1, 0, 0, None]


def test_epochs_are_counted_to_the_end_of_the_best_peer_charged_or_not(standings):
    record = standings.record()
    assert record["best_peer"] == "again, not charged"
    assert [row["to_best_peer"] for row in record["rows"]] == [10, None, None, 50]


def test_failed_runs_are_counted_in_the_table():
    runs = {("ours", "line", 0): run_of([1, 1, 0.3]), ("ours", "line", 1): {"error": "no more"}}
    record = Standings.of([task(epochs=50)], 1, 100, [OURS], runs).record()
    assert record["rows"][0]["regret"]["mean"] == [0.8, 0.8]
    assert "| ours (1 failed) | 0.800 | 0.800 |" in markdown(record)


def test_a_picture_is_the_same_each_time(standings, tmp_path):
    first = draw(standings, tmp_path / "a").read_bytes()
    assert b"<svg" in first
    assert first == draw(standings, tmp_path / "b").read_bytes()
