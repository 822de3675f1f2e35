"""What a check answers, and what it refuses; with trainings that need no torch."""

import json
import os

import pytest

import welltempered as wt
from trainings import broken, experiment, steady


def test_where_nothing_explains_it_there_are_hints():
    result = wt.check(experiment(elsewhere), epochs=3, stop=1, progress=False)
    assert not result.exact
    (trial,) = result.trials
    assert trial.problem.startswith("nothing that the training loop holds explains it; look for generators of your own")
    assert "first effect: loss of epoch 2 is " in trial.problem
    assert str(result).splitlines()[:2] == [
        "training does not continue exactly",
        "trained: 3 epochs twice, and 1 + 2 in two processes",
    ]


def test_training_that_cannot_continue_is_only_checked_for_determinism(capsys):
    result = wt.check(experiment(resumable=False, epochs=1))
    assert result.exact
    assert (result.stop, result.epochs) == (None, 1)
    assert str(result).splitlines() == [
        "resumable=False: nothing is continued; two identical trainings are equal",
        "trained: 1 epochs twice",
        "compared bit for bit: 1 numbers reported",
    ]
    assert capsys.readouterr().err == "training 1 epochs\ntraining them again\n"


def test_the_answer_is_json_too():
    answer = wt.check(experiment(), params={"x": 0.25}, progress=False).to_json()
    assert json.loads(json.dumps(answer)) == answer
    (trial,) = answer.pop("trials")
    assert answer == {"exact": True, "epochs": 6, "stop": 3}
    assert (trial["params"], trial["numbers"], trial["leaves"]) == ({"x": 0.25}, 6, 2)


def test_training_that_fails_anyway_is_no_answer():
    with pytest.raises(wt.TrainingFailed, match=r"(?s)before it can be checked:.*trainings.py.*ZeroDivisionError: the"):
        wt.check(experiment(broken), progress=False)


def elsewhere(run):
    """Count where nobody looks."""
    steady.passes = 0 if run.epoch == 0 else getattr(steady, "passes", 0)
    run.keep()
    for _ in run:
        steady.passes += 1
        run.report(loss=steady.passes)


def leave_early(run):
    """Return after two epochs."""
    run.keep()
    for epoch in run:
        run.report(loss=epoch)
        if epoch == 2:
            return


def die(run):
    """Take the worker along."""
    os._exit(3)


def test_training_that_ends_before_the_stop_asks_for_an_earlier_one():
    with pytest.raises(wt.InvalidInput, match=r"stop must be before the end of training, which ends after epoch 2, go"):
        wt.check(experiment(leave_early), progress=False)


def test_a_worker_that_dies_is_no_answer():
    with pytest.raises(wt.TrainingFailed, match=r"training must not lose its worker: its worker died \(exit code 3\)"):
        wt.check(experiment(die), progress=False)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"epochs": 10}, r"epochs must be in 2\.\.9, which is a full training, got epochs=10"),
        ({"epochs": 1}, r"epochs must be in 2\.\.9, which is a full training, got epochs=1"),
        ({"epochs": 4, "stop": 4}, r"stop must be in 1\.\.3, before the last epoch, got stop=4"),
        ({"stop": 0}, r"stop must be in 1\.\.5, before the last epoch, got stop=0"),
        ({"epochs": "6"}, r"epochs must be in 2\.\.9, which is a full training, got epochs='6'"),
        ({"trials": 1.5}, r"trials must be at least 1, got trials=1.5"),
        ({"params": "x"}, r"params must be a dict of the space's params, got 'x'"),
        ({"trials": 0}, r"trials must be at least 1, got trials=0"),
        ({"params": {"x": 2}}, "x cannot be 2"),
    ],
)
def test_wrong_arguments_are_refused(settings, sentence):
    with pytest.raises(wt.InvalidInput, match=sentence):
        wt.check(experiment(steady), progress=False, **settings)
