"""Pictures of the records that are in the repository."""

import json

import pytest

from benchmarks.pictures import PICTURES, ROOT, horizon

RECORD = json.loads((ROOT / "benchmarks" / "records" / "horizon.json").read_text())


def test_both_rankings_and_all_curves_of_the_horizon_are_drawn():
    task = RECORD["tasks"][-1]
    agreement, curves = horizon(RECORD).axes
    for line, kind in zip(agreement.lines, ("full", "lease"), strict=False):
        assert list(line.get_ydata()) == [row["kendall"] for row in task["rows"] if row["horizon"] == kind]
    assert len(curves.lines) == len(task["curves"]) + 2
    assert {text.get_text() for text in agreement.texts} == {"full training", "lease alone", "another seed, to the end"}
    best, _ = curves.lines[-2:]
    assert best.get_ydata()[-1] == min(curve["full"][-1] for curve in task["curves"])


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_has_its_record(name):
    assert (ROOT / "benchmarks" / "records" / f"{name}.json").exists()
