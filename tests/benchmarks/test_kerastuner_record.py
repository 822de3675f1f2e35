"""The record of KerasTuner's own tests, and what the page says of it."""

import json
from pathlib import Path

from benchmarks.kerastuner_suite import table

ROOT = Path(__file__).parents[2]
RECORD = json.loads((ROOT / "benchmarks" / "records" / "kerastuner_suite.json").read_text(encoding="utf-8"))


def test_table_of_the_page_is_that_of_the_record():
    page = (ROOT / "docs" / "kerastuner.md").read_text(encoding="utf-8")
    assert table(RECORD["tests"]) in page
    passed = sum(test["result"] == "passed" for test in RECORD["tests"])
    assert f"{passed} of {len(RECORD['tests'])} pass" in page


def test_every_test_that_does_not_pass_has_a_reason():
    assert [test["test"] for test in RECORD["tests"] if test["result"] == "failed" and not test["reason"]] == []
