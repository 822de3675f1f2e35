"""Keras trainings continue exactly, bit for bit: at every epoch, in other processes, after a sudden death."""

import signal

import keras
import pytest
from keras_training import NO_FRACTION, WHOLE, results, settings

import welltempered as wt
from trainings import output, program, tune

pytestmark = pytest.mark.filterwarnings(NO_FRACTION)

PROGRAM = "import sys, keras_training; keras_training.die(sys.argv[1])"


@pytest.fixture(scope="module")
def whole():
    """Two trials without a stop, one with a schedule that stops early, one with a plateau."""
    workers = int(keras.backend.backend() == "jax")  # others take long to start
    with tune(**settings(method=WHOLE, workers=workers)) as study:
        found = results(study)
        assert [len(trial.reports) for trial in study.trials] == [4, 3], "the second has stopped before its end"
        rates = {report.metrics["learning_rate"] for report in study.trials[0].reports}
        assert len(rates) > 1, "the rate of the first has fallen"
    return found


def test_a_trial_that_is_stopped_after_each_epoch_is_the_same(whole):
    with tune(**settings()) as study:
        assert results(study) == whole


def test_a_study_that_is_killed_goes_on_exactly(whole, tmp_path):
    killed = program(tmp_path, PROGRAM, tmp_path / "study")
    output(killed, code=-signal.SIGKILL)
    with wt.Study.open(tmp_path / "study", readonly=True) as study:
        assert [len(trial.reports) for trial in study.trials] == [4, 1]
    with tune(**settings(method=WHOLE, path=tmp_path / "study")) as study:
        assert results(study) == whole


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="it starts four processes")
def test_check_finds_nothing_that_is_forgotten():
    given = settings()
    experiment = wt.Experiment(given["train"], given["space"], minimize="val_loss", epochs=2)
    found = wt.check(experiment, progress=False)
    assert found.exact, str(found)
