"""The record of PyTorch loops: the pages say what it says, all loops learn alike, and nothing that is offered loses."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = json.loads((ROOT / "benchmarks" / "records" / "torch_loop.json").read_text(encoding="utf-8"))["rows"]
SPEED = {(row["net"], row["batch_size"], row["loop"]): row["thousand_per_second"] for row in ROWS}
CASES = sorted({(row["net"], row["batch_size"]) for row in ROWS})


def table(page):
    """Return the numbers of a page's table by net and size of batches."""
    lines = re.findall(
        r"^\| (784[\d-]+|small CNN) \| (\d+) \| (.*) \|$", page.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {
        (name.replace("small CNN", "cnn"), int(size)): [float(cell) for cell in cells.split(" | ")]
        for name, size, cells in lines
    }


@pytest.mark.parametrize("case", CASES)
def test_the_pages_say_what_the_record_says(case):
    speeds = [SPEED[*case, loop] for loop in ("naive", "no sync", "batches", "fused", "compiled")]
    assert table(ROOT / "benchmarks" / "README.md")[case] == pytest.approx(speeds, abs=0.05)
    shown = [speeds[0], speeds[3], speeds[3] / speeds[0]]
    assert table(ROOT / "docs" / "pytorch.md")[case] == pytest.approx(shown, abs=0.05)


@pytest.mark.parametrize("case", CASES)
def test_all_loops_learn_alike_and_the_fast_one_is_faster(case):
    losses = [row["loss"] for row in ROWS if (row["net"], row["batch_size"]) == case]
    assert len(losses) == 5
    assert max(losses) < 1.1 * min(losses)
    assert SPEED[*case, "fused"] > SPEED[*case, "naive"] * (1 if case[0] == "cnn" else 1.3)
