"""The check of one's own training: what was forgotten is named, what matters not is not, and exact is exact."""

import re

import pytest

import welltempered as wt

pytest.importorskip("torch")

EXACT = ["exact", "patient", "stateless"]
"""Trainings of which nothing is to be said."""
SENTENCES = {
    "adam": "optimizer: exp_avg of parameter 0 differs when epoch 4 begins; did you pass it to run.keep?\n"
    "    run.keep(model=model, optimizer=optimizer)",
    "momentum": "optimizer: momentum_buffer of parameter 0 differs when epoch 4 begins",
    "rmsprop": "optimizer: square_avg of parameter 0 differs when epoch 4 begins",
    "schedule": "schedule: last_epoch differs (0 instead of 3) when epoch 4 begins; did you pass it to run.keep?\n"
    "    run.keep(\n        model=model,\n        optimizer=optimizer,\n        schedule=schedule,\n    )",
    "schedule_made_late": "optimizer (lr of group 0) was restored, but has changed when epoch 4 begins: call run.keep",
    "batchnorm": "model: 1.running_mean differs when epoch 4 begins; did you pass it to run.keep?\n"
    "    run.keep(parameters=(...), model=model)",
    "loader_generator": "generator: the state differs when epoch 4 begins; did you pass it to run.keep?\n"
    "    run.keep(\n        model=model,\n        optimizer=optimizer,\n"
    "        generator=(generator.get_state, generator.set_state),\n    )\nor use the global generators",
    "hidden_generator": "loader.generator: the state differs when epoch 4 begins",
    "numpy_generator": "rng: the state differs when epoch 4 begins",
    "ema": "ema differs when epoch 4 begins; did you pass it to run.keep?",
    "best": "best differs (-1.0 instead of ",
    "counter": "passes differs (0 instead of 3) when epoch 4 begins; did you pass it to run.keep?\n"
    '    state = {"passes": passes}',
    "attribute": "self.passes differs (0 instead of 3) when epoch 4 begins",
    "attribute_optimizer": "trainer.optimizer: exp_avg of parameter 0 differs when epoch 4 begins; did you pass it to "
    "run.keep?\n    run.keep(\n        model=trainer.model,\n        optimizer=trainer.optimizer,\n    )\n",
    "iterator": "batches: an iterator made before the loop begins anew when training continues",
    "persistent_workers": "loader: workers that persist from epoch to epoch begin anew when training continues",
    "setter": "passes was kept, but came back differently: what restores it must take all that was saved",
    "mode": "model.training differs (True instead of False) when epoch 4 begins: call model.train() at the beginning",
    "shared": "_passes (a global) differs (0 instead of 3) when epoch 4 begins",
    "everything": "train never calls run.keep, so nothing is restored when a trial continues\n"
    "model: 0.weight differs when epoch 4 begins; did you pass it to run.keep?\n"
    "    run.keep(model=model, optimizer=optimizer)\n",
    "first_epoch": "training fails when it continues after epoch 3:\nTraceback (most recent call last):",
    "unsteady": "training is not deterministic: loss of epoch 1 differs between two identical runs (0.",
}


@pytest.fixture(scope="module")
def found():
    """What is said of each training, all of them in one check."""
    import forgetful

    names = [*EXACT, *SENTENCES]
    result = wt.check(forgetful.experiment(*names), trials=len(names), progress=False)
    assert {trial.params["training"] for trial in result.trials} == set(names), "options come up before they repeat"
    return {trial.params["training"]: trial for trial in result.trials}


@pytest.mark.parametrize("name", SENTENCES)
def test_what_was_forgotten_is_named(found, name):
    assert found[name].problem.startswith(SENTENCES[name])


@pytest.mark.parametrize("name", sorted({*SENTENCES} - {"first_epoch", "unsteady"}))
def test_the_first_effect_is_named_too(found, name):
    effect = r"^first effect: loss of epoch [4-6] is [\d.]+ instead of [\d.]+$"
    assert re.search(effect, found[name].problem, re.MULTILINE)


def test_training_that_never_keeps_anything_is_given_two_ways_out(found):
    assert found["everything"].problem.endswith("for training that cannot continue, say resumable=False")


def test_what_the_loop_overwrites_is_not_blamed(found):
    assert "total" not in found["best"].problem


@pytest.mark.parametrize("name", EXACT)
def test_training_that_forgets_nothing_is_exact(found, name):
    trial = found[name]
    assert trial.problem is None
    assert trial.epochs == trial.numbers == (4 if name == "patient" else 6)
    assert (trial.leaves, trial.bytes > 0) == {"exact": (48, True), "patient": (15, True), "stateless": (0, True)}[name]


def test_what_differs_between_identical_runs_is_not_compared_and_said(found):
    assert found["exact"].noise == ("seconds",)
