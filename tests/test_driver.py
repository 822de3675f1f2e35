"""The loop of a study: budgets, interruptions, failing trials; with real signals to real processes."""

import os
import signal
import time

import pytest

import welltempered as wt
from trainings import (
    FULL,
    broken,
    end,
    eventually,
    experiment,
    interrupt,
    kinds,
    leases,
    output,
    program,
    reports,
    slow,
    spent,
    steady,
    tune,
)

RANDOM_HYPERBAND = wt.Hyperband(wt.Random(), rounds=1)


# -------------------------------------------------------------------- budgets


@pytest.mark.parametrize("epochs", [1, 2, 7, 8, 30, 31])
@pytest.mark.parametrize("method", [FULL, wt.Halving(wt.Random()), RANDOM_HYPERBAND], ids=repr)
def test_a_budget_of_epochs_is_kept_exactly(method, epochs):
    with tune(method=method, budget=f"{epochs} epochs") as study:
        assert study.history.spent == epochs
        assert sum(trial.epoch for trial in study.trials) == epochs
        assert not study.history.running


def test_a_budget_of_epochs_is_kept_exactly_by_several_workers():
    with tune(method=wt.Halving(wt.Random()), budget="25 epochs", workers=3) as study:
        assert study.history.spent == 25
        cuts = kinds(study, wt.Cut)
        assert {cut.reason for cut in cuts} <= {"budget"}
        assert study.replay(verify=True).differences == ()


def test_a_budget_of_epochs_goes_on_where_it_was_cut(tmp_path):
    for epochs in (4, 5, 5, 13, 40):
        with tune(method=RANDOM_HYPERBAND, budget=f"{epochs} epochs", path=tmp_path) as study:
            assert study.history.spent == epochs
    with tune(method=RANDOM_HYPERBAND, budget="40 epochs") as whole:
        assert leases(study) == leases(whole)
        assert reports(study) == reports(whole)


def test_a_budget_of_trials_lets_those_started_go_on():
    with tune(method=wt.Halving(wt.Random()), budget="9 trials") as study:
        assert len(study.trials) == 9
        assert sorted(trial.epoch for trial in study.trials) == [1] * 6 + [3] * 2 + [9]
        assert not study.history.interrupted


def test_a_budget_of_time_ends_at_the_next_epoch(tmp_path):
    with tune(slow, epochs=999, budget="0.5 s", path=tmp_path) as study:
        *_, last, cut = study.history.events
        assert (cut.epoch, cut.reason) == (last.epoch, "budget")
        assert sum(report.seconds for report in study.trials[0].reports[:-1]) < 0.5, "no epoch began after the end"
        assert last.at >= 0.5
    with tune(slow, epochs=999, budget="0.5 s", path=tmp_path) as again:
        assert again.history.events == study.history.events


def test_time_between_two_runs_does_not_count(tmp_path):
    with tune(slow, budget="3 epochs", path=tmp_path) as study:
        first = study.history.clock
    time.sleep(0.5)
    with tune(slow, budget="6 epochs", path=tmp_path) as study:
        assert first < study.history.clock < first + 0.45
        times = [event.at for event in study.history.events]
        assert times == sorted(times)


def test_the_first_bound_that_is_reached_counts():
    with tune(budget="3 trials, 5 epochs, 1 h") as study:
        assert study.history.spent == 5
    with tune(budget="1 trials, 500 epochs") as study:
        assert study.history.spent == 9


def test_a_used_budget_does_nothing(tmp_path):
    for budget in ("2 trials", "2 trials", "1 trials", "18 epochs", "3 epochs", "0.001 s"):
        with tune(budget=budget, path=tmp_path) as study:
            assert study.history.spent == 18
            assert len(study.history.events) == 20


def test_without_a_budget_the_method_ends_by_itself():
    with tune(method=RANDOM_HYPERBAND, budget=None) as study:
        assert len(study.trials) == 9 + 5 + 3
        assert study.history.spent == 21 + 21 + 27
        assert study.replay(verify=True).differences == ()


# -------------------------------------------------------------------- failing training


def test_training_that_fails_in_its_first_three_trials_is_broken(tmp_path):
    with pytest.raises(wt.TrainingFailed) as error:
        tune(broken, budget="99 trials", path=tmp_path)
    lines = str(error.value).splitlines()
    assert lines[0] == "the last 3 trials have all failed; the last error is:"
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-1] == "ZeroDivisionError: the net has no layers"
    with wt.Study.open(tmp_path, readonly=True) as study:
        assert [trial.state for trial in study.trials] == ["failed"] * 3


def test_with_several_workers_three_failures_are_enough_too(tmp_path):
    with pytest.raises(wt.TrainingFailed, match="the last 3 trials have all failed"):
        tune(broken, budget="99 trials", workers=2, path=tmp_path)
    with wt.Study.open(tmp_path, readonly=True) as study:
        assert len(study.trials) <= 5


def test_a_study_goes_on_once_its_training_is_repaired(tmp_path):
    with pytest.raises(wt.TrainingFailed):
        tune(broken, budget="5 trials", path=tmp_path)
    with tune(budget="5 trials", path=tmp_path) as study:
        assert [trial.state for trial in study.trials] == ["failed"] * 3 + ["complete"] * 2


def test_training_that_has_worked_once_may_fail_ten_times_in_a_row():
    def train(run):
        if run.trial:
            broken(run)
        steady(run)

    with pytest.raises(wt.TrainingFailed, match="the last 10 trials have all failed"):
        tune(train, budget="99 trials")
    with tune(train, budget="10 trials") as study:
        assert [trial.state for trial in study.trials] == ["complete"] + ["failed"] * 9


def test_three_failures_alike_are_enough_though_epochs_were_reported_and_messages_differ():
    def train(run):
        run.keep()
        for epoch in run:
            if epoch == 3:
                raise ValueError(f"trial {run.trial} cannot go on")
            run.report(loss=1)

    with pytest.raises(wt.TrainingFailed, match=r"the last 3 trials have all failed(?s:.*)trial 2 cannot go on"):
        tune(train, budget="99 trials")


def test_first_failures_that_differ_may_be_bad_luck():
    def train(run):
        if run.trial == 0:
            raise ValueError("one")
        if run.trial == 1:
            raise ValueError("the same kind from another line")
        if run.trial == 2:
            raise KeyError("another kind")
        steady(run)

    with tune(train, budget="4 trials") as study:
        assert [trial.state for trial in study.trials] == ["failed"] * 3 + ["complete"]
        assert study.history.failures == {"failed": [0, 1, 2]}


def test_a_traceback_shows_the_users_frames_and_none_of_ours():
    def helper(run):
        run.report(loss="low")

    def train(run):
        for _ in run:
            helper(run)

    with pytest.raises(wt.TrainingFailed) as error:
        tune(train, budget="9 trials", workers=1)
    lines = str(error.value).splitlines()
    frames = [line for line in lines if line.startswith("  File")]
    assert [line.rpartition(" in ")[2] for line in frames] == ["train", "helper"]
    assert all(__file__ in line for line in frames)
    assert lines[-1].endswith("InvalidInput: run.report must be given numbers, got loss='low'")


def test_workers_that_crash_in_the_first_three_trials_are_broken_code():
    def train(run):
        import os

        os._exit(3)

    with pytest.raises(
        wt.TrainingFailed, match=r"the last 3 trials have all failed(?s:.*)its worker died \(exit code 3"
    ):
        tune(train, budget="99 trials", workers=1)


def test_trials_that_fail_now_and_then_are_left_behind():
    def train(run):
        if run.trial % 3 == 1:
            broken(run)
        steady(run)

    with tune(train, method=RANDOM_HYPERBAND, budget=None) as study:
        assert [trial.failed for trial in study.trials] == [number % 3 == 1 for number in range(17)]
        assert not study.best.failed
        assert study.replay(verify=True).differences == ()


# -------------------------------------------------------------------- interruptions

TUNE = """
    import sys
    from trainings import slow, tune
    import welltempered as wt

    method = wt.Hyperband(wt.Random(), rounds=1)
    with tune(slow, method=method, budget=None, workers=int(sys.argv[2]), path=sys.argv[1]) as study:
        print(len(study.history.running), study.history.spent)
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_ctrl_c_ends_the_leases_saves_and_leaves_and_the_same_call_goes_on(tmp_path, workers):
    folder = tmp_path / "study"
    process = program(tmp_path, TUNE, folder, workers)
    eventually(lambda: spent(folder) >= 12)
    interrupt(process)
    running, epochs = map(int, output(process).split())
    assert running == 0
    with wt.Study.open(folder, readonly=True) as study:
        assert 12 <= study.history.spent == epochs < 69
        cuts = kinds(study, wt.Cut)
        assert len(cuts) <= max(1, workers)
        for cut in cuts:
            assert (cut.reason, cut.epoch) == ("interrupted", study.trials[cut.trial].epoch)
            assert cut.epoch == 0 or study.checkpoint(study.trials[cut.trial])
        after = study.history.events[study.history.events.index(cuts[0]) :] if cuts else ()
        assert not [event for event in after if isinstance(event, wt.Started | wt.Resumed)], "nothing new was begun"
    with tune(method=RANDOM_HYPERBAND, budget=None, path=folder) as study:
        with tune(method=RANDOM_HYPERBAND, budget=None) as whole:
            assert reports(study) == reports(whole)
        assert study.replay(verify=True).differences == ()


def test_sigterm_ends_a_study_like_ctrl_c(tmp_path):
    process = program(tmp_path, TUNE, tmp_path / "study", 0)
    eventually(lambda: spent(tmp_path / "study") >= 3)
    os.kill(process.pid, signal.SIGTERM)
    assert output(process).startswith("0 ")


SLUGGISH = """
    import sys
    import time
    import welltempered as wt
    from trainings import experiment

    def train(run):
        run.keep()
        for epoch in run:
            if epoch > 3:
                time.sleep(600)
            run.report(loss=1)

    found = experiment(train, method=wt.Full(wt.Random()))
    with wt.Study.create(found, sys.argv[1]) as study:
        study.run(
            train,
            budget=None,
            workers=int(sys.argv[2]),
            limits=wt.Limits(saving=float("inf")),
            watch=lambda event: print(type(event).__name__, flush=True),
        )
"""


@pytest.mark.parametrize("workers", [0, 1])
def test_a_second_ctrl_c_leaves_at_once_and_loses_nothing_that_was_written(tmp_path, workers):
    folder = tmp_path / "study"
    process = program(tmp_path, SLUGGISH, folder, workers)
    printed = [process.stdout.readline().strip() for _ in range(4)]
    assert printed == ["Started", "Reported", "Reported", "Reported"]
    interrupt(process)
    time.sleep(0.5)
    assert process.poll() is None, "one alone waits for the epoch"
    began = time.monotonic()
    interrupt(process)
    process.wait(timeout=10)
    assert time.monotonic() - began < 5
    assert process.returncode == -signal.SIGINT
    assert process.stderr.read().splitlines()[-1] == "KeyboardInterrupt"
    end(process)
    with wt.Study.open(folder, readonly=True) as study:
        assert [type(event).__name__ for event in study.history.events] == printed
        assert study.trials[0].state == "running"

    def train(run):
        run.keep()
        for _ in run:
            run.report(loss=1)

    with tune(path=folder, train=train) as study:
        assert [(event.epoch, event.reason) for event in kinds(study, wt.Cut)] == [(3, "driver lost")]
        assert study.trials[0].state == "complete"


def test_ctrl_c_means_again_what_it_meant_before_once_a_study_is_over():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with tune():
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    with pytest.raises(wt.TrainingFailed):
        tune(broken, budget="9 trials")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_study_runs_in_a_thread_too(tmp_path):
    text = """
        import threading
        from trainings import tune

        found = []
        thread = threading.Thread(target=lambda: found.append(tune(path="study")))
        thread.start()
        thread.join()
        print(found[0].best.epoch)
        found[0].close()
    """
    assert output(program(tmp_path, text)) == "9\n"


def test_what_trains_for_nobody_stops_and_writes_nothing(tmp_path):
    """A run that ends by an error leaves its thread behind, until the end of the epoch."""
    epochs = []

    def train(run):
        run.keep(epoch=(lambda: run.epoch, int))
        for epoch in run:
            epochs.append(epoch)
            time.sleep(0.2)
            run.report(loss=1)

    def watch(event):
        if isinstance(event, wt.Reported):
            raise ZeroDivisionError("in the watch")

    found = experiment(train, method=FULL)
    with wt.Study.create(found) as study:
        with pytest.raises(ZeroDivisionError, match="in the watch"):
            study.run(train, budget=None, workers=0, watch=watch)
        folder = study.path
    assert not folder.exists()
    time.sleep(0.5)
    assert epochs == [1, 2]
    assert not folder.exists()


# -------------------------------------------------------------------- the same, whatever the number of workers


def test_workers_do_not_change_what_a_synchronous_method_does():
    with tune(method=RANDOM_HYPERBAND, budget=None) as one:
        for workers in (1, 2):
            with tune(method=RANDOM_HYPERBAND, budget=None, workers=workers) as other:
                assert leases(other) == leases(one)
                assert reports(other) == reports(one)
                assert other.best.id == one.best.id
                assert other.replay(verify=True).differences == ()


@pytest.mark.parametrize("workers", [0, 2])
def test_halving_works_where_trials_cannot_be_resumed(workers):
    def train(run):
        total = 0
        for epoch in run:
            total += epoch
            run.report(loss=run.params["x"] + total)

    method = wt.Halving(wt.Random())
    with tune(train, method=method, resumable=False, budget="300 trials", workers=workers) as study:
        assert not any(trial.failed for trial in study.trials)
        assert {trial.epoch for trial in study.trials} == {1, 3, 9}
        for trial in study.trials:
            expected = [trial.params["x"] + sum(range(1, epoch + 1)) for epoch in range(1, trial.epoch + 1)]
            assert list(trial.curve) == expected
        assert study.replay(verify=True).differences == ()


def test_hyperband_needs_trials_that_can_be_resumed():
    with pytest.raises(wt.InvalidInput, match="Hyperband must be able to pause trials, got resum"):
        tune(method=RANDOM_HYPERBAND, resumable=False)
