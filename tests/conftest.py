"""It stands here so that all tests can import the helpers beside it, such as `simulated`."""

import importlib
import os
import pickle
import random

import numpy as np
import pytest

from trainings import end_programs

os.environ.setdefault("KERAS_BACKEND", "jax")  # the one that compiles epochs; others in programs of their own


def global_state():
    """Return the state of the generators that the whole process shares."""
    return random.getstate(), pickle.dumps(np.random.get_state())  # noqa: NPY002 - to see that nobody uses it


@pytest.fixture
def no_global_randomness(monkeypatch):
    """Fail a test that draws from a global generator, or makes a new one from nowhere."""
    importlib.import_module("scipy.stats.qmc")  # SciPy does so itself while it is imported
    make = np.random.default_rng

    def seeded(seed=None):
        assert seed is not None, "somebody makes a generator without a seed"
        return make(seed)

    monkeypatch.setattr(np.random, "default_rng", seeded)
    before = global_state()
    yield
    assert global_state() == before, "somebody draws from a global generator"


@pytest.fixture(autouse=True)
def _nothing_runs_on():
    """End the programs that a test has started, above all if it failed before it could."""
    yield
    end_programs()
