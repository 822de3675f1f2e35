"""A short form of each slow run: real -9 to drivers and workers of a real training, and what must hold after it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def soak(folder, name, times):
    """Return what a run has counted; it must have kept its promises."""
    file = folder / "record.json"
    command = [sys.executable, "-m", "soak", name, "--times", str(times), "--seed", "7", "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(file.read_text())["runs"][name]


def test_a_study_killed_at_random_ends_as_if_nothing_had_happened(tmp_path):
    found = soak(tmp_path, "crash", 5)
    assert sum(found["kills"].values()) >= 5
    assert found["studies"] == found["finished"] == found["replayed"] >= 1
    assert found["compared"] == found["same"] >= 1
    assert found["acknowledged"] > 60
    assert (found["lost"], found["orphans"], found["faults"]) == (0, 0, [])
    assert found["most_repeated_per_kill"] <= 1


def test_the_memory_of_a_worker_stays_flat(tmp_path):
    found = soak(tmp_path, "memory", 40)
    assert found["complete"] + found["failed"] == 40
    assert found["drift"] <= 0.05


def test_nothing_outlives_a_killed_driver(tmp_path):
    found = soak(tmp_path, "orphans", 3)
    assert found["processes"] > 6
    assert found["orphans"] == 0
