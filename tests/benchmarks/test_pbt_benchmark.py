"""The benchmark of population-based training runs, and its record holds what its table says."""

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import welltempered as wt  # noqa: E402 - after the skip
from benchmarks import pbt  # noqa: E402

ROOT = Path(__file__).parents[2]


def test_every_method_trains_as_many_epochs_and_the_schedule_can_be_trained_again(monkeypatch):
    monkeypatch.setattr(pbt, "EPOCHS", 4)
    monkeypatch.setattr(pbt, "POPULATION", 4)
    generator = torch.Generator().manual_seed(0)
    parts = {
        name: (torch.randn(200, 784, generator=generator), torch.randint(10, (200,), generator=generator))
        for name in ("train", "valid", "test")
    }
    methods = {"pbt": wt.PBT(wt.Sobol(), population=4), "cosine": wt.Full(wt.Sobol())}
    runs = pbt.compare(parts, 0, methods)
    assert [(run["method"], run["epochs"]) for run in runs] == [("pbt", 16), ("again", 4), ("cosine", 16)]
    assert runs[0]["stages"][0]["params"] == runs[1]["stages"][0]["params"]
    assert len(pbt.table(runs).splitlines()) == 5


def test_the_kept_record_is_of_equal_budgets():
    record = json.loads((ROOT / "benchmarks" / "records" / "pbt.json").read_text())
    seeds = {run["seed"] for run in record["runs"] if run["method"] == "pbt"}
    assert len(record["runs"]) == len(seeds) * (len(record["methods"]) + 1)
    whole = pbt.POPULATION * record["epochs"]
    assert {run["epochs"] for run in record["runs"] if run["method"] != pbt.AGAIN} == {whole}
