"""Training in processes: what can be sent there, what becomes of what they print, and every way to die."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import welltempered as wt
from trainings import (
    EVERY_EPOCH,
    children,
    end,
    environment,
    eventually,
    experiment,
    kinds,
    output,
    program,
    reports,
    slow,
    spent,
    steady,
    tune,
)

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def undisturbed():
    """The reports of three trials that nobody disturbed."""
    with tune(budget="3 trials") as study:
        return reports(study)


# -------------------------------------------------------------------- what can be sent


def test_training_of_a_script_needs_no_main_guard(tmp_path):
    text = """
        import welltempered as wt

        SCALE = 3.0

        def scaled(x):
            return SCALE * x

        def train(run):
            for epoch in run:
                run.report(loss=scaled(run.params["x"]) / epoch)

        with wt.tune(train, wt.Space(x=wt.Float(0, 1)), minimize="loss", epochs=3, budget="6 epochs", progress=False,
                     method=wt.Full(wt.Random()), workers=2) as study:
            assert [trial.value for trial in study.trials] == [trial.params["x"] for trial in study.trials]
            print(len(study.trials))
    """
    assert output(program(tmp_path, text)) == "2\n", "and it runs once, not once per worker"


def test_training_may_be_a_closure_or_a_lambda():
    def made(factor):
        def train(run):
            for epoch in run:
                run.report(loss=factor * epoch)

        return train

    with tune(made(7), workers=1, epochs=2) as study:
        assert study.trials[0].curve == (7.0, 14.0)
    with tune(lambda run: [run.report(loss=epoch) for epoch in run], workers=1, epochs=2) as study:
        assert study.trials[0].curve == (1.0, 2.0)


@pytest.mark.parametrize("name", [None, "__main__", "nowhere"])
def test_training_may_be_typed_into_a_notebook(name):
    cells = {} if name is None else {"__name__": name}
    exec("import math\nlimit = 2", cells)
    exec("def helper(epoch): return math.sqrt(epoch) + limit", cells)
    exec("def train(run):\n    for epoch in run: run.report(loss=helper(epoch))", cells)
    with tune(cells["train"], workers=1, epochs=1) as study:
        assert study.trials[0].value == 3.0


def test_training_may_be_imported_from_a_folder_that_only_we_know(tmp_path, monkeypatch):
    (tmp_path / "my_training.py").write_text("def train(run):\n    for epoch in run: run.report(loss=epoch)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    from my_training import train

    with tune(train, workers=1, epochs=1) as study:
        assert study.trials[0].value == 1.0


def test_a_worker_imports_from_where_this_process_would(tmp_path):
    """The folder of the script comes first, the working folder not at all."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "helper.py").write_text("PLACE = 'working folder'\n")
    (tmp_path / "sqlalchemy.py").write_text("raise ImportError('not this one')\n")
    (tmp_path / "cloudpickle.py").write_text("raise ImportError('not this one')\n")
    (tmp_path / "scripts" / "helper.py").write_text("PLACE = 'scripts'\n")
    (tmp_path / "scripts" / "training.py").write_text(
        "import helper\ndef train(run):\n    for _ in run: run.report(loss=len(helper.PLACE))\n"
    )
    text = """
        from training import train
        from trainings import tune

        with tune(train, workers=1, epochs=1) as study:
            print(study.trials[0].value)
    """
    assert output(program(tmp_path, text, name="scripts/program.py")) == "7.0\n"


def test_objects_of_named_choices_are_sent_too():
    space = wt.Space(activation=wt.Choice({"twice": lambda x: 2 * x, "half": lambda x: x / 2}))

    def train(run):
        for _ in run:
            run.report(loss=run.params["activation"](1))

    with tune(train, space=space, method=wt.Full(wt.Grid()), workers=1, epochs=1, budget=None) as study:
        assert {trial.params["activation"]: trial.value for trial in study.trials} == {"twice": 2.0, "half": 0.5}


def test_training_that_cannot_be_sent_is_refused_with_the_way_out():
    lock = threading.Lock()

    def train(run):
        with lock:
            pass

    with pytest.raises(
        wt.InvalidInput, match=r"train must be something that can be sent to worker processes, got <func.*"
    ):
        tune(train, workers=1)
    with pytest.raises(
        wt.InvalidInput, match="create what cannot be sent inside of train, or use workers=0 to train in th"
    ):
        tune(train, workers=1)


def test_training_that_cannot_be_loaded_ends_in_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "vanishing.py").write_text("def train(run): pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    from vanishing import train

    (tmp_path / "vanishing.py").unlink()
    with pytest.raises(wt.TrainingFailed) as error:
        tune(train, workers=1, budget="9 trials")
    lines = str(error.value).strip().splitlines()
    assert lines[0] == "the last 3 trials have all failed; the last error is:"
    assert lines[1] == "train cannot be loaded in a worker process:"
    assert lines[-1] == "ModuleNotFoundError: No module named 'vanishing'"


@pytest.mark.parametrize(("argument", "value"), [("slots", 0), ("threads", -1)])
def test_there_is_a_slot_and_a_thread_at_least(tmp_path, argument, value):
    study = wt.Study.create(experiment())
    with (
        study,
        pytest.raises(
            wt.InvalidInput, match=f"^{argument} must be a whole number of at least 1, got {argument}={value}$"
        ),
    ):
        wt.Processes(steady, study.setting(), **{"slots": 1, "logs": tmp_path, argument: value})


# -------------------------------------------------------------------- what it sees and says


def test_what_training_prints_lands_in_the_log_of_its_trial(tmp_path, capfd):
    def train(run):
        run.keep()
        print("hello from trial", run.trial)
        for epoch in run:
            print("warning:", epoch, file=sys.stderr)
            os.system(f"echo child {epoch}")
            run.report(loss=epoch)
        print("over")

    with tune(train, method=wt.Hyperband(wt.Random()), epochs=3, budget="12 epochs", workers=1, path=tmp_path) as study:
        logs = {path.name: path.read_text().splitlines() for path in (tmp_path / "logs").iterdir()}
        assert sorted(logs) == [f"{trial.id}.log" for trial in study.trials]
        for trial in study.trials:
            lines = logs[f"{trial.id}.log"]
            spoken = [line for line in lines if line not in (f"hello from trial {trial.id}", "over")]
            epochs = range(1, trial.epoch + 1)
            assert spoken == [line for epoch in epochs for line in (f"warning: {epoch}", f"child {epoch}")]
    assert capfd.readouterr() == ("", "")


def test_a_worker_has_the_environment_one_thread_and_nothing_to_read():
    def train(run):
        import os
        import sys

        for _ in run:
            run.report(
                loss=float(os.environ["OMP_NUM_THREADS"]),
                mkl=float(os.environ["MKL_NUM_THREADS"]),
                mine=float(os.environ["WELLTEMPERED_TEST"]),
                read=len(sys.stdin.read()),
            )

    os.environ["WELLTEMPERED_TEST"] = "7"
    try:
        with tune(train, workers=1, epochs=1) as study:
            assert reports(study) == [[{"loss": 1.0, "mkl": 1.0, "mine": 7.0, "read": 0.0}]]
    finally:
        del os.environ["WELLTEMPERED_TEST"]


def test_workers_are_started_when_needed_and_used_again():
    def train(run):
        import os

        for _ in run:
            run.report(loss=os.getpid())

    with tune(train, workers=3, epochs=1, budget="1 trials") as study:
        assert len(study.trials) == 1
    with tune(train, workers=1, epochs=1, budget="5 trials") as study:
        assert len({trial.value for trial in study.trials}) == 1


# -------------------------------------------------------------------- dying workers


def dying(where, *, times, how):
    """Return `slow` training that dies in trial 0 at the given epoch, so many times."""

    def train(run):
        state = {"total": 0.0}
        run.keep(state=(lambda: dict(state), state.update))
        for epoch in run:
            marks = sorted(Path(where).glob("died-*"))
            if run.trial == 0 and epoch == 5 and len(marks) < times:
                (Path(where) / f"died-{len(marks)}").touch()
                how()
            time.sleep(0.01)
            state["total"] = state["total"] / 2 + random.random()
            run.report(loss=run.params["x"] + state["total"])

    import random
    from pathlib import Path

    return train


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def gone():
    os._exit(3)


def half_said():
    """Die in the middle of a message, and leave a child behind."""
    pipe = next(int(fd.name) for fd in Path("/proc/self/fd").iterdir() if is_socket(fd))
    if os.fork() == 0:
        time.sleep(30)
        os._exit(0)
    os.write(pipe, (1000).to_bytes(4, "big") + b"half")
    os.kill(os.getpid(), signal.SIGKILL)


def is_socket(fd):
    try:
        return str(fd.readlink()).startswith("socket:")
    except OSError:
        return False


def orphaned():
    """Leave a child behind that holds everything this process had open."""
    if os.fork() == 0:
        time.sleep(30)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("how", "error"),
    [
        (killed, "its worker died (SIGKILL)"),
        (gone, "its worker died (exit code 3)"),
        (orphaned, "its worker died (SIGKILL)"),
        pytest.param(half_said, "its worker died (SIGKILL)", marks=linux),
    ],
)
def test_a_dead_worker_costs_one_epoch_and_the_study_ends_as_if_nothing_had_happened(tmp_path, undisturbed, how, error):
    began = time.monotonic()
    train, folder = dying(tmp_path, times=1, how=how), tmp_path / "study"
    with tune(train, budget="3 trials", workers=2, path=folder, limits=EVERY_EPOCH) as study:
        (cut,) = kinds(study, wt.Cut)
        assert (cut.trial, cut.epoch, cut.reason, cut.error) == (0, 4, "worker lost", error)
        assert reports(study) == undisturbed
        assert [trial.state for trial in study.trials] == ["complete"] * 3
        assert [len(trial.cuts) for trial in study.trials] == [1, 0, 0]
        assert study.replay(verify=True).differences == ()
    assert time.monotonic() - began < 25


def test_a_trial_goes_on_from_its_last_checkpoint_when_its_worker_dies(tmp_path, undisturbed):
    from trainings import Pieces

    train, method = dying(tmp_path, times=1, how=killed), Pieces(trials=3, together=True)
    limits = wt.Limits(saving=0)  # where saving would take too long, only the end of a lease is saved
    with tune(train, method=method, budget=None, workers=1, path=tmp_path / "study", limits=limits) as study:
        (cut,) = kinds(study, wt.Cut)
        assert (cut.trial, cut.epoch) == (0, 3)
        assert reports(study) == undisturbed


def test_a_trial_that_kills_three_workers_has_crashed_and_the_others_go_on(tmp_path, undisturbed):
    with tune(dying(tmp_path, times=9, how=killed), budget="3 trials", workers=2, path=tmp_path / "study") as study:
        assert [trial.state for trial in study.trials] == ["crashed", "complete", "complete"]
        assert study.trials[0].error == "its worker died (SIGKILL), 3 times"
        assert study.trials[0].failed
        assert study.best.id != 0
        assert len(kinds(study, wt.Cut)) == 2
        assert reports(study)[1:] == undisturbed[1:]
        assert len(list(tmp_path.glob("died-*"))) == 3


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.3])
def test_ctrl_c_does_not_reach_a_worker_that_is_just_starting(tmp_path, delay):
    text = """
        import os
        import signal
        import sys
        import threading
        import welltempered as wt
        from trainings import experiment, slow

        def watch(event):
            if isinstance(event, wt.Started):
                threading.Timer(float(sys.argv[1]), lambda: os.killpg(0, signal.SIGINT)).start()

        found = experiment(slow, method=wt.Full(wt.Random()))
        with wt.Study.create(found) as study:
            study.run(slow, budget=None, workers=1, watch=watch)
            print([event.reason for event in study.history.events if isinstance(event, wt.Cut)])
    """
    assert output(program(tmp_path, text, delay)) == "['interrupted']\n"


# -------------------------------------------------------------------- a dying driver

HYPERBAND = """
    import sys
    from trainings import slow, tune
    import welltempered as wt

    budget = None if len(sys.argv) < 3 else sys.argv[2]
    with tune(slow, method=wt.Hyperband(wt.Random(), rounds=1), epochs=9, budget=budget, workers=2, path=sys.argv[1]):
        print("over")
"""


@linux
def test_a_killed_driver_takes_its_workers_along_and_the_study_goes_on_as_if_nothing_had_happened(tmp_path):
    folder = tmp_path / "study"
    for least in (5, 25):
        driver = program(tmp_path, HYPERBAND, folder)
        eventually(lambda least=least: spent(folder) >= least)
        workers = children(driver.pid)
        assert len(workers) == 2
        end(driver)
        eventually(lambda workers=workers: not any(Path(f"/proc/{pid}").exists() for pid in workers), seconds=5)
    method = wt.Hyperband(wt.Random(), rounds=1)
    with (
        tune(slow, method=method, budget=None, workers=2, path=folder) as study,
        tune(method=method, budget=None) as whole,
    ):
        assert [trial.params for trial in study.trials] == [trial.params for trial in whole.trials]
        assert reports(study) == reports(whole)
        assert {cut.reason for cut in kinds(study, wt.Cut)} == {"driver lost"}
        assert study.replay(verify=True).differences == ()


@linux
def test_nothing_is_left_of_thirty_studies(tmp_path):
    text = """
        import os
        from trainings import children, tune

        def left():
            return len(os.listdir("/proc/self/fd")), children(os.getpid())

        def studies(number):
            for turn in range(number):
                with tune(workers=2 if turn % 6 == 0 else 0, epochs=2, path=f"study{turn}"):
                    pass
                with tune(epochs=2):
                    pass

        studies(1)
        before = left()
        studies(15)
        assert left() == before, (left(), before)
        assert before[1] == {}
    """
    output(program(tmp_path, text))


def test_a_worker_leaves_when_its_driver_is_not_there(tmp_path):
    ours, theirs = os.pipe()
    os.close(ours)
    command = [sys.executable, "-m", "welltempered.execute.worker", str(theirs), str(theirs), str(tmp_path)]
    with subprocess.Popen(command, pass_fds=[theirs], process_group=0, env=environment()) as worker:
        os.close(theirs)
        assert worker.wait(timeout=30) == -signal.SIGKILL
