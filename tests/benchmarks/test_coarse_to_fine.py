"""The comparison of zooming with plain search runs, and its record is as benchmarks/README.md describes it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """The record of a table of 16 x 16 points, of which the last is the best."""
    folder = tmp_path_factory.mktemp("data")
    table = folder / "hpobench-mlp"
    table.mkdir()
    (table / "space.json").write_text(json.dumps({"alpha": list(range(16)), "width": list(range(16))}))
    alpha, width = np.divmod(np.arange(256), 16)
    np.savez(table / "made.npz", bal_acc=((alpha + width) / 40)[:, None] + np.array([[0.0, 0.001]]))
    path = folder / "new" / "record.json"
    command = [sys.executable, "-m", "benchmarks.coarse_to_fine", "--data", str(folder), "--json", str(path)]
    done = subprocess.run([*command, "--seeds", "2"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "| FCNet and HPOBench, unseen | Full | 200 |" in done.stdout
    return json.loads(path.read_text())


def test_the_record_says_where_it_comes_from(record):
    assert record["format"] == 1
    assert record["seeds"] == {"Full": 2, "Hyperband": 1}
    assert record["marks"]["Full"] == [20, 50, 100, 200]
    assert {"date", "commit", "machine", "versions"} <= set(record)


def test_regrets_fall_and_runs_are_counted(record):
    (group,) = record["groups"]
    for name in ("plain", "zoom"):
        assert group[name] == sorted(group[name], reverse=True)
        assert 0 <= group[name][-1] <= 1
    assert group["plain"][0] == group["zoom"][0], "before the first zoom both are the same"
    for i, runs in enumerate(group["runs"]):
        assert sum(map(int, runs.split("/"))) == 2
        assert group["interval"][0][i] <= group["difference"][i] <= group["interval"][1][i]
    assert set(group["problems"]) == {"hpobench made"}
