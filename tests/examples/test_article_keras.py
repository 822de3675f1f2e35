"""The article's examples in Keras run as they are, on the digits of scikit-learn."""

import runpy
import sys
from pathlib import Path

import pytest

import welltempered as wt

pytest.importorskip("keras")
pytest.importorskip("jax")
pytest.importorskip("sklearn")

EXAMPLES = Path(__file__).parents[2] / "examples" / "article"


@pytest.mark.parametrize(
    ("name", "budget", "epochs"), [("random_search", "1 trials", [5]), ("hyperband", "2 epochs", [1, 1])]
)
def test_the_example_runs_and_its_study_can_be_opened(name, budget, epochs, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WELLTEMPERED_DATA", raising=False)
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--workers", "0", "--budget", budget])
    found = runpy.run_path(str(EXAMPLES / f"{name}_keras.py"), run_name="__main__")
    found["study"].close()
    with wt.Study.open(f"{name.replace('_', '-')}-keras", readonly=True) as study:
        assert sorted((trial.epoch for trial in study.trials), reverse=True)[: len(epochs)] == epochs
        assert study.best.value > 0.5
    assert "not by compiled epochs" not in capfd.readouterr().err
