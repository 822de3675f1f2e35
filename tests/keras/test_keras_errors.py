"""What is wrong with a Keras training is said in a sentence that names the way out."""

import subprocess
import sys

import keras
import pytest
from keras_training import NO_FRACTION, Turns, X, Y, build, crossentropy, net, settings, trainable

import welltempered as wt
from trainings import environment, tune

pytestmark = pytest.mark.filterwarnings(NO_FRACTION)


def silent(run):
    """A model without metrics."""
    model = net()
    model.compile("adam", crossentropy())
    return model


def wrong(*given, **options):
    return lambda: wt.keras.trainable(build, *given, **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (wrong((X, Y[:-1])), "train must have as many rows of each, at least one, got 50 of x, 49 of y"),
        (wrong((X[:0], Y[:0])), "train must have as many rows of each, at least one, got 0 of x, 0 of y"),
        (
            wrong((X, Y), validation=(X, Y, Y, Y)),
            "validation must be .*, got 4 parts",
        ),
        (wrong(7), "train must be .*a function that returns one of these, got 7"),
        (
            wrong(iter([(X, Y)])),
            "train must be what can be read again .*train=batches, not train=batches()",
        ),
        (wrong((X, Y), batch_size=0), "batch_size must be a whole number of at least 1, got batch_size=0"),
        (wrong((X, Y), callbacks=7), "callbacks must be a list of callbacks, or a function of the run, got 7"),
        (lambda: wt.keras.trainable(net(), (X, Y)), "build must be a function that returns a compiled model, got <Seq"),
        (lambda: wt.keras.trainable(keras.Model, (X, Y)), "build must be a function .*got the class Model"),
        (lambda: wt.keras.state(3), "model must be a keras.Model, got int"),
        (lambda: wt.keras.state(keras.Sequential([keras.layers.Dense(2)])), "model must know the shape of its input"),
        (lambda: wt.keras.state(net()), "model must be compiled, .*call model.compile"),
        (lambda: wt.keras.Report(3), "run must be the run that training code is given, got int"),
    ],
)
def test_arguments_are_looked_at_when_they_are_given(make, message):
    with pytest.raises(wt.InvalidInput, match=message):
        make()


@pytest.mark.parametrize(
    ("changes", "objective", "message"),
    [
        ({"validation": None}, "val_loss", "validation must be given for the objective 'val_loss', got none"),
        ({"build": silent}, "val_accuracy", "'val_accuracy', got 'loss', 'val_loss'; name the metric in model.compile"),
        ({"build": lambda run: net()}, "val_loss", "build must return a model that is compiled, got 'sequential'"),
        ({"build": lambda run: None}, "val_loss", "build must return a keras.Model, got None"),
        ({"data": lambda: (X, Y[1:])}, "val_loss", "train must have as many rows of each, .*50 of x, 49 of y"),
    ],
)
def test_a_training_that_cannot_be_says_why_without_a_traceback(changes, objective, message):
    given = settings(trainable(**{"callbacks": ()} | changes), minimize=objective, method=Turns(2, trials=3))
    with pytest.raises(wt.TrainingFailed, match=message) as caught:
        tune(**given)
    assert "Traceback" not in str(caught.value)


def test_a_loss_that_is_not_a_number_ends_its_trial_and_counts_as_the_worst():
    def rated(run):
        model = net()
        model.compile(keras.optimizers.SGD(1e30 if run.trial == 0 else 0.01), crossentropy())
        return model

    with tune(**settings(trainable(rated, callbacks=()))) as study:
        assert [trial.state for trial in study.trials] == ["diverged", "complete"]
        assert study.best.id == 1


def test_a_trial_does_not_go_on_with_other_callbacks(tmp_path):
    given = settings(budget="2 epochs", path=tmp_path / "study")
    with tune(**given):
        pass
    with tune(**given | {"train": trainable(callbacks=()), "budget": "4 epochs"}) as study:
        assert "callbacks must be those with which the trial has begun, 2, got 0" in study.trials[0].error


def test_the_command_line_says_it_in_one_sentence(tmp_path):
    (tmp_path / "tuning.py").write_text(
        "import welltempered as wt\n"
        "from keras_training import SPACE, trainable\n"
        "experiment = wt.Experiment(trainable(validation=None), SPACE, maximize='val_accuracy', epochs=2)\n"
    )
    command = [sys.executable, "-m", "welltempered", "tune", "tuning.py", "--budget", "3 trials"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().endswith("write trainable(build, (x, y), validation=(x_held, y_held))")
