"""The benchmark of horizons runs, and its rows follow from its curves; what they say is for the record."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    path = tmp_path_factory.mktemp("horizon") / "new" / "record.json"
    command = [sys.executable, "-m", "benchmarks.horizon", "--quick", "--json", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "| 27 | stretched |" in done.stdout
    return json.loads(path.read_text())


def test_record_says_where_it_comes_from(record):
    assert {"date", "commit", "modified", "machine", "python", "versions", "noise", "seconds"} <= set(record)


def test_every_way_to_anneal_has_the_curve_that_it_should_have(record):
    for task in record["tasks"]:
        assert len(task["configurations"]) == len(task["curves"]) == 3
        for curve in task["curves"]:
            assert {name: len(errors) for name, errors in curve.items()} == {
                "full": 27,
                "again": 27,
                "lease": 3,
                "stretched": 27,
            }
            assert curve["stretched"][0] == curve["lease"][0], "the first lease is the same training"


def test_the_rows_of_the_kept_record_follow_from_its_curves():
    from benchmarks.horizon import rates_of, rows_of

    kept = json.loads((ROOT / "benchmarks" / "records" / "horizon.json").read_text())
    for task in kept["tasks"]:
        for found, row in zip(
            rows_of(task["curves"], rates_of(task["configurations"]), resamples=1), task["rows"], strict=True
        ):
            assert found.keys() == row.keys()
            assert all(found[key] == row[key] for key in ("lease", "horizon", "kendall", "kept", "regret", "rate"))
