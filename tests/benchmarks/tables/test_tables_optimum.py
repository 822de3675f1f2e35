"""The best value of a surrogate is found by a long search, once."""

import numpy as np
import pytest

import welltempered as wt
from benchmarks.tables import optimum as optima
from benchmarks.tables.optimum import optimum

SPACE = wt.Space(rate=wt.Float(1e-4, 1e-1, scale="log"), beta=wt.Float(0, 0.99, scale="one_minus_log"), n=wt.Int(1, 5))


@pytest.fixture(autouse=True)
def _small(monkeypatch, tmp_path):
    monkeypatch.setattr(optima, "MEMORY", tmp_path / "work" / "optima.json")
    monkeypatch.setattr(optima, "_RANDOM", 2_000)


def losses(x):
    epoch, rate, beta, n = x.T
    assert set(np.unique(n)) <= {1, 2, 3, 4, 5}
    assert epoch.min() >= 2
    assert epoch.max() <= 51
    far = np.log10(rate / 0.003) ** 2 + np.log10((1 - beta) / 0.1) ** 2 + (n - 4) ** 2
    return 7 + far + np.abs(epoch - 40) / 50  # it overfits after the 40th


def test_the_best_epoch_of_the_best_params_is_found():
    assert optimum(SPACE, losses, "digest", "task") == pytest.approx(7, abs=1e-3)


def test_what_was_found_is_remembered_for_this_surrogate_and_task():
    first = optimum(SPACE, losses, "digest", "task")
    higher = lambda x: losses(x) + 1  # noqa: E731
    assert optimum(SPACE, higher, "digest", "task") == first
    assert optimum(SPACE, higher, "digest", "other") == pytest.approx(first + 1, abs=1e-3)
    assert optimum(SPACE, higher, "changed", "task") == pytest.approx(first + 1, abs=1e-3)
