"""The article's examples in PyTorch run as they are, on the digits of scikit-learn."""

import runpy
import sys
from pathlib import Path

import pytest

import welltempered as wt

pytest.importorskip("torch")
pytest.importorskip("sklearn")

EXAMPLES = Path(__file__).parents[2] / "examples" / "article"


@pytest.mark.parametrize(
    ("name", "budget", "epochs"), [("random_search", "2 trials", [5, 5]), ("hyperband", "21 epochs", [9, 3, 3, 1])]
)
def test_the_example_runs_and_its_study_can_be_opened(name, budget, epochs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WELLTEMPERED_DATA", raising=False)
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--workers", "0", "--budget", budget])
    found = runpy.run_path(str(EXAMPLES / f"{name}_pytorch.py"), run_name="__main__")
    found["study"].close()
    with wt.Study.open(f"{name.replace('_', '-')}-pytorch", readonly=True) as study:
        assert sorted((trial.epoch for trial in study.trials), reverse=True)[: len(epochs)] == epochs
        assert study.best.value > 0.5
