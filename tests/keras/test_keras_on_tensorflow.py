"""The tests that hold on each backend, on TensorFlow."""

import importlib.util

import pytest
from another_backend import passes

ONLY = "continues or called_again or PyDataset or shuffled or mixed"
"""It takes a second to trace a model, so not all kinds of data have their turn."""


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed")
def test_trainings_continue_and_take_most_kinds_of_data_on_tensorflow():
    assert passes("tensorflow", ONLY)
