"""The benchmark runs and its record has the shape that benchmarks/README.md describes; no timing is judged here."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    path = tmp_path_factory.mktemp("engine") / "new" / "record.json"
    command = [sys.executable, "-m", "benchmarks.engine", "--quick", "--no-peers", "--json", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ask + tell" in done.stdout
    return json.loads(path.read_text())


def rows_of(record):
    return [(group, row) for group in record["groups"] for row in group["rows"]]


def test_record_says_where_it_comes_from(record):
    assert record["format"] == 1
    assert record["quick"]
    assert record["rounds"] == 1
    assert set(record["machine"]) == {"cpu", "cores", "memory_gib", "system", "filesystem"}
    assert {"date", "commit", "modified", "python", "noise"} <= set(record)
    assert {"welltempered", "numpy", "SQLAlchemy"} <= set(record["versions"])
    assert record["peers"] == {}


def test_every_group_is_measured(record):
    names = [group["name"] for group in record["groups"]]
    assert names == ["ask_tell_memory", "ask_tell_disk", "hyperband", "reopen", "replay", "import", "processes"]
    assert all(group["rows"] for group in record["groups"])


def test_every_row_has_values_and_no_error(record):
    for _, row in rows_of(record):
        assert row["who"] == "welltempered"
        assert row["error"] is None
        assert [set(noise) for noise in row["noise"]] == [{"load", "loop"}]
        assert row["values"]
        for value in row["values"].values():
            assert value["best"] in value["all"]
            assert all(map(math.isfinite, value["all"]))


def test_every_target_is_about_a_measured_value(record):
    targets = [(row, target) for _, row in rows_of(record) for target in row["targets"]]
    assert targets
    for row, target in targets:
        assert target["best"] == row["values"][target["value"]]["best"]
        sign, bound = target["bound"].split()
        bound = float(bound.replace(",", ""))
        assert target["met"] == (target["best"] <= bound if sign == "<=" else target["best"] >= bound)


def test_import_loads_no_torch(record):
    (row,) = [row for group, row in rows_of(record) if group["name"] == "import"]
    assert not row["facts"]["torch"]
