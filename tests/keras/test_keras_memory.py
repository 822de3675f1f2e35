"""What a process keeps of Keras models that are gone is bounded."""

import json
import subprocess
import sys
from pathlib import Path

import jax
import keras
import pytest
from keras_training import NO_FRACTION, Turns, net, settings, trainable

from trainings import tune
from welltempered.keras import memory

pytestmark = pytest.mark.filterwarnings(NO_FRACTION)

ROOT = Path(__file__).parents[2]


def test_caches_of_jax_are_emptied_when_they_hold_much_and_models_of_one_shape_add_nothing(monkeypatch):
    monkeypatch.setattr(memory, "BOUND", 4)
    emptied = []
    monkeypatch.setattr(jax, "clear_caches", lambda: emptied.append(1))
    memory.give_back()
    for seen, width in enumerate((21, 21, 21, 22, 22)):
        del emptied[:]
        with tune(**settings(trainable(lambda run, width=width: compiled(width)), method=Turns(4, trials=1))):
            assert emptied == ([1] if seen in {1, 4} else []), "after the first one of a shape"


def compiled(width):
    model = net(width)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def test_the_benchmark_of_memory_runs(tmp_path):
    command = [sys.executable, "-m", "benchmarks.keras_memory", "--quick", "--only", "jax, compiled epochs"]
    done = subprocess.run(
        [*command, "--json", str(tmp_path / "record.json")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "record.json").read_text())
    assert len(record["ways"]["jax, compiled epochs"]["mib"]) == 4
    assert {"date", "commit", "modified", "machine", "python", "versions", "noise", "seconds"} <= set(record)
