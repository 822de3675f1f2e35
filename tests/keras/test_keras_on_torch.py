"""The tests that hold on each backend, on torch."""

import pytest
from another_backend import passes


def test_trainings_continue_and_take_all_kinds_of_data_on_torch():
    pytest.importorskip("torch")
    assert passes("torch")
