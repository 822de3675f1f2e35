"""Every executor keeps the promises of executors."""

import pytest

import welltempered as wt
from trainings import broken, experiment
from welltempered.testing import check_executor, expected


def test_inline_keeps_the_promises_of_executors():
    check_executor(wt.Inline)


@pytest.mark.parametrize("slots", [1, 2])
def test_processes_keep_the_promises_of_executors(slots, tmp_path):
    check_executor(lambda train, setting: wt.Processes(train, setting, slots=slots, logs=tmp_path))


@pytest.mark.parametrize("slots", [1, 3])
def test_a_simulator_keeps_the_promises_of_executors(slots):
    check_executor(lambda train, setting: wt.Simulator(expected, slots=slots), trains=False)


@pytest.mark.parametrize("workers", [0, 1])
def test_the_traceback_of_a_failure_shows_the_users_frames_alone(workers):
    study = wt.Study.create(experiment(broken, method=wt.Full(wt.Random())))
    with pytest.raises(wt.TrainingFailed):
        study.run(broken, budget="9 epochs", workers=workers)
    lines = study.trials[0].error.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].startswith(f'  File "{broken.__code__.co_filename}", line ')
    assert lines[-1] == "ZeroDivisionError: the net has no layers"
    assert sum(line.startswith("  File") for line in lines) == 1
    study.close()
