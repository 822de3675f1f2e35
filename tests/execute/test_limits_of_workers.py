"""What a worker may use, and what becomes of its trial when it wants more; with real processes that really do."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import welltempered as wt
from trainings import (
    EVERY_EPOCH,
    alive,
    children,
    end,
    eventually,
    kinds,
    output,
    program,
    reports,
    spent,
    tune,
)

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def marked(folder, times, deed):
    """Return training that does something bad in epoch 3 of trial 0, so many times."""

    def train(run):
        run.keep()
        for epoch in run:
            marks = list(Path(folder).glob("mark-*"))
            if run.trial == 0 and epoch == 3 and len(marks) < times:
                (Path(folder) / f"mark-{len(marks)}").touch()
                deed()
            time.sleep(0.01)
            run.report(loss=run.params["x"])

    from pathlib import Path

    return train


def sleeping():
    time.sleep(600)


def greedy():
    block = bytearray(600_000_000)
    for i in range(0, len(block), 4096):
        block[i] = 1  # resident, not only promised
    time.sleep(600)


def greedy_child():
    """Let a child of this process take the memory."""
    subprocess.run([sys.executable, "-c", "import time; b = b'x' * 600_000_000; time.sleep(600)"], check=True)


def refused():
    raise MemoryError


def limits(**some):
    return wt.Limits(saving=float("inf"), **some)


LOSSES = [
    (sleeping, {"epoch": 2}, "time limit", "an epoch took more than 2 s"),
    (greedy, {"memory": "400 MB"}, "out of memory", "MB, the limit is 400 MB"),
    (greedy_child, {"memory": "400 MB"}, "out of memory", "MB, the limit is 400 MB"),
    (refused, {}, "out of memory", "MemoryError"),
]


@pytest.mark.parametrize(("deed", "limit", "reason", "error"), LOSSES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_trial_beyond_a_limit_goes_on_from_its_last_checkpoint_in_a_fresh_worker(
    tmp_path, deed, limit, reason, error
):
    train, folder = marked(tmp_path, 1, deed), tmp_path / "study"
    with tune(train, budget="2 trials", workers=1, path=folder, limits=limits(**limit)) as study:
        (cut,) = kinds(study, wt.Cut)
        assert (cut.trial, cut.epoch, cut.reason) == (0, 2, reason)
        assert error in cut.error
        assert [trial.state for trial in study.trials] == ["complete", "complete"]
        assert study.history.failures == {}
        assert study.replay(verify=True).differences == ()


@pytest.mark.parametrize(("deed", "limit", "reason", "error"), LOSSES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_trial_that_meets_the_same_wall_again_ends_with_that_reason_and_the_others_go_on(
    tmp_path, deed, limit, reason, error
):
    train, folder = marked(tmp_path, 9, deed), tmp_path / "study"
    with tune(train, budget="2 trials", workers=1, path=folder, limits=limits(**limit)) as study:
        assert len(kinds(study, wt.Cut)) == 1, "one retry, in a fresh worker"
        assert [trial.state for trial in study.trials] == [reason, "complete"]
        assert study.history.failures == {reason: [0]}
        assert error in study.trials[0].error
        assert study.trials[0].epoch == 2, "what it has reached is known"
        assert study.best.id == 1


@linux
def test_lost_workers_leave_no_open_files_behind():
    def train(run):
        raise MemoryError

    def open_files():
        return len(list(Path("/proc/self/fd").iterdir()))

    with tune(budget="1 trials", workers=1):
        pass
    before = open_files()
    with tune(train, budget="4 trials", workers=1) as study:
        assert study.history.failures == {"out of memory": [0, 1, 2, 3]}
    assert open_files() == before


def test_no_retries_end_a_trial_at_its_first_loss(tmp_path):
    train = marked(tmp_path, 1, refused)
    with tune(train, budget="2 trials", workers=1, limits=wt.Limits(retries=0)) as study:
        assert [trial.state for trial in study.trials] == ["out of memory", "complete"]


def test_a_trial_that_trains_too_long_ends_with_what_it_has_reached(tmp_path):
    def train(run):
        for _ in run:
            time.sleep(0.2 if run.trial == 0 else 0.0)
            run.report(loss=run.trial)

    limit = wt.Limits(trial=0.7)
    with tune(train, budget="2 trials", workers=1, path=tmp_path, limits=limit) as study:
        slow, quick = study.trials
        assert (slow.state, slow.error) == ("out of time", "the trial took more than 0.7 s")
        assert 2 <= slow.epoch <= 4
        assert quick.state == "complete"
        assert not slow.failed
        assert study.best == slow, "what it has reported counts"
        assert study.history.failures == {}


def test_trials_that_all_train_too_long_are_no_broken_code():
    def train(run):
        for _ in run:
            time.sleep(0.1)
            run.report(loss=1)

    with tune(train, budget="12 trials", workers=2, limits=wt.Limits(trial=0.15)) as study:
        assert [trial.state for trial in study.trials] == ["out of time"] * 12


def test_what_follows_the_loop_of_a_trial_does_not_count_against_the_next(tmp_path):
    def train(run):
        import os

        run.keep()
        for _ in run:
            run.report(loss=1)
        print("after the loop of", run.trial, flush=True)
        if run.trial == 0:
            time.sleep(1.5)
        if run.trial == 1:
            os.abort()

    limit = wt.Limits(trial=1.0, epoch=1.0, retries=0)
    with tune(train, budget="3 trials", workers=1, path=tmp_path, limits=limit) as study:
        assert [trial.state for trial in study.trials] == ["complete"] * 3
        (cut,) = kinds(study, wt.Cut)
        assert (cut.trial, cut.epoch, cut.reason) == (2, 0, "interrupted")
        assert cut.error == "before it had begun: its worker died (SIGABRT)"
    assert [(tmp_path / "logs" / f"{id}.log").read_text().split()[4] for id in (0, 1)] == ["0", "1"]


def test_the_time_of_a_trial_counts_in_all_its_leases(tmp_path):
    from trainings import Pieces

    def train(run):
        run.keep()
        for _ in run:
            time.sleep(0.2)
            run.report(loss=1)

    limit = wt.Limits(trial=1.1, saving=float("inf"))
    method = Pieces(together=True)
    with tune(train, method=method, budget=None, workers=1, path=tmp_path, limits=limit) as study:
        assert [trial.state for trial in study.trials] == ["out of time", "out of time"]
        assert all(4 <= trial.epoch <= 6 for trial in study.trials)


def test_limits_need_workers():
    with pytest.raises(wt.InvalidInput, match="need workers that can be ended, got workers=0; use workers=1"):
        tune(limits=wt.Limits(memory="4 GB"), workers=0)
    with tune(limits=wt.Limits(disk="1 GB"), workers=0) as study:
        assert study.best


def test_checkpoints_stay_within_their_limit(tmp_path):
    def train(run):
        run.keep(weights=(lambda: b"w" * 100_000, len))
        for _ in run:
            time.sleep(0.005)
            run.report(loss=run.params["x"])

    most = []
    limit = wt.Limits(disk="1 MB", saving=float("inf"))
    method = wt.Halving(wt.Random())
    with wt.Study.create(wt.Experiment(train, SPACE, minimize="loss", epochs=9, method=method), tmp_path) as study:
        watch = lambda event: most.append(study.checkpoints.size())  # noqa: E731
        study.run(train, budget="120 epochs", workers=0, limits=limit, watch=watch)
        assert len(study.trials) > 30
        assert max(most) <= 1_250_000, "one was just written, another one may be"
        assert study.checkpoint(study.best)
        assert study.replay(verify=True).differences == ()


SPACE = wt.Space(x=wt.Float(0, 1))


# -------------------------------------------------------------------- devices


def seen(run):
    import os

    for _ in run:
        run.report(loss=float(os.environ["CUDA_VISIBLE_DEVICES"].removeprefix("GPU-")))


def test_each_slot_sees_one_gpu_and_more_slots_share_them(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-3,GPU-7")

    def train(run):
        time.sleep(0.3)  # so that all slots get a trial
        seen(run)

    with tune(train, epochs=1, budget="3 trials", workers=3) as study:
        assert [trial.device for trial in study.trials] == ["gpu GPU-3", "gpu GPU-7", "gpu GPU-3"]
        assert [trial.value for trial in study.trials] == [3.0, 7.0, 3.0]


def test_gpus_may_be_named(tmp_path):
    with wt.Study.create(wt.Experiment(seen, SPACE, minimize="loss", epochs=1)) as study:
        executor = wt.Processes(seen, study.setting(), slots=1, logs=tmp_path, devices=["5"])
        study.drive(executor, budget="1 trials")
        assert (study.trials[0].device, study.trials[0].value) == ("gpu 5", 5.0)


@pytest.mark.parametrize(("visible", "device"), [("", "cpu"), ("-1", "cpu"), ("2", "gpu 2")])
def test_no_gpu_is_the_cpu(monkeypatch, visible, device):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with tune(epochs=1, workers=0) as study:
        assert study.trials[0].device == device


# -------------------------------------------------------------------- nothing survives its driver

STUBBORN = """
    import os
    import subprocess
    import sys
    import time
    from trainings import tune

    def train(run):
        import ctypes, subprocess, sys
        run.keep()
        for epoch in run:
            if epoch == 2:
                subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
                print("ready", flush=True)
                if HOW == "in C, with the interpreter locked":
                    ctypes.PyDLL(None).sleep(600)
                time.sleep(600)
            run.report(loss=1)

    import time
    HOW = sys.argv[2]
    tune(train, budget=None, workers=2, path=sys.argv[1])
"""


@linux
@pytest.mark.parametrize("how", ["asleep", "in C, with the interpreter locked"])
def test_workers_and_their_children_die_with_a_killed_driver_whatever_they_do(tmp_path, how):
    driver = program(tmp_path, STUBBORN, tmp_path / "study", how)
    logs = tmp_path / "study" / "logs"
    eventually(lambda: sum("ready" in log.read_text() for log in logs.glob("*.log")) == 2)
    workers = list(children(driver.pid))
    everybody = [*workers, *(child for worker in workers for child in children(worker))]
    assert len(everybody) == 4
    end(driver)
    eventually(lambda: not any(map(alive, everybody)), seconds=5)


@linux
def test_children_of_a_killed_worker_die_with_it(tmp_path):
    text = """
        import os
        import signal
        import subprocess
        import sys
        from pathlib import Path
        from trainings import alive, tune

        def train(run):
            import os, signal, subprocess, sys
            run.keep()
            for epoch in run:
                if run.trial == 0 and epoch == 2:
                    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
                    print(child.pid, flush=True)
                    os.kill(os.getpid(), signal.SIGKILL)
                run.report(loss=1)

        with tune(train, budget="2 trials", workers=1, path="study") as study:
            assert [trial.state for trial in study.trials] == ["crashed", "complete"]
        pids = Path("study/logs/0.log").read_text().split()
        assert len(pids) == 3
        assert not any(map(alive, pids))
    """
    output(program(tmp_path, text))


# -------------------------------------------------------------------- SIGTERM to everything, as clusters send it

CLUSTER = """
    import sys
    import welltempered as wt
    from trainings import slow, tune

    limits = wt.Limits(grace=float(sys.argv[2]), saving=float("inf"))
    with tune(slow, method=wt.Full(wt.Random()), epochs=200, budget=None, workers=2, path=sys.argv[1], limits=limits):
        print("over")
"""


@linux
def test_sigterm_to_all_processes_at_once_ends_a_study_in_good_order(tmp_path):
    folder = tmp_path / "study"
    driver = program(tmp_path, CLUSTER, folder, 60)
    eventually(lambda: spent(folder) >= 6)
    for pid in [*children(driver.pid), driver.pid]:
        os.kill(pid, signal.SIGTERM)
    assert output(driver) == "over\n"
    with wt.Study.open(folder, readonly=True) as study:
        assert {cut.reason for cut in kinds(study, wt.Cut)} == {"interrupted"}
        assert not study.history.running
        assert not study.history.failures
        assert all(cut.epoch == study.trials[cut.trial].epoch > 0 for cut in kinds(study, wt.Cut))


def test_after_the_grace_time_a_study_leaves_though_an_epoch_goes_on(tmp_path):
    text = CLUSTER.replace("slow, method", "endless, method").replace(
        "limits =",
        """
    def endless(run):
        import time
        run.keep()
        for epoch in run:
            if epoch > 2:
                time.sleep(600)
            run.report(loss=1)

    limits =""",
    )
    folder = tmp_path / "study"
    driver = program(tmp_path, text, folder, 1)
    eventually(lambda: spent(folder) == 4)
    began = time.monotonic()
    os.kill(driver.pid, signal.SIGTERM)
    assert driver.wait(timeout=20) == 128 + signal.SIGTERM
    assert 1 <= time.monotonic() - began < 10
    with tune(path=folder, method=wt.Full(wt.Random()), epochs=200, budget="4 epochs") as study:
        assert [(cut.epoch, cut.reason) for cut in kinds(study, wt.Cut)] == [(2, "driver lost")] * 2


# -------------------------------------------------------------------- memory stays flat


@linux
def test_a_worker_is_given_back_the_memory_of_its_last_trial(tmp_path):
    """Training that leaves garbage in cycles, as models with hooks do, in one worker."""

    def train(run):
        import os
        from pathlib import Path

        class Net:
            def __init__(self):
                self.weights = bytearray(20_000_000)
                self.hook = self  # a cycle: only the collector can free it

        for _ in run:
            net = Net()
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            run.report(loss=pages * os.sysconf("SC_PAGE_SIZE") / 1e6, size=len(net.weights))

    with tune(train, epochs=1, budget="20 trials", workers=1, path=tmp_path) as study:
        used = [trial.value for trial in study.trials]
        assert max(used[2:]) < min(used[2:]) + 25, used
    assert reports(study)


def test_every_epoch_is_saved_if_that_is_wanted(tmp_path):
    with tune(budget="1 trials", workers=1, path=tmp_path, limits=EVERY_EPOCH) as study:
        assert study.trials[0].saves == tuple(range(1, 10))
    with tune(budget="1 trials", workers=0, limits=wt.Limits(saving=0)) as study:
        assert study.trials[0].saves == (9,)
