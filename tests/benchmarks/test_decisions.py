import json
import subprocess
import sys

import pytest

from benchmarks.decisions import METHODS, measured


@pytest.mark.parametrize("name", METHODS)
def test_each_method_is_measured(name):
    found = measured(name, 45)
    assert found["decision"] > 0
    assert found["learning"] > 0


def test_the_record_holds_a_row_per_method_and_mark(tmp_path):
    path = tmp_path / "record.json"
    marks = ["--marks", "41", "43", "--only", "TPE", "--rounds", "1", "--json", str(path)]
    subprocess.run([sys.executable, "-m", "benchmarks.decisions", *marks], check=True, capture_output=True)
    assert [(row["method"], row["trials"]) for row in json.loads(path.read_text())["rows"]] == [
        ("TPE", 41),
        ("TPE", 43),
    ]
