"""A study that runs in one process, watched from another."""

import os
import re
import signal
import subprocess
import sys
import time

import welltempered as wt
from trainings import SECONDS, end, environment, eventually, experiment, output, program
from welltempered.lock import read

WATCHED = """
    import sys
    from trainings import experiment, slow
    import welltempered as wt

    study = wt.Study.create(experiment(slow, method=wt.Hyperband(wt.Random())), "study")
    study.run(slow, budget=sys.argv[1], workers=2)
    print("over", flush=True)
    sys.stdin.readline()
"""
FOLLOW = ["-c", "from welltempered.cli import main; main()", "show", "study", "--follow"]


def watched(folder, budget):
    """Start a study, and wait until it trains."""
    process = program(folder, WATCHED, budget)
    eventually(lambda: (note := read(folder / "study" / "lock")) is not None and note.budget)
    return process


def follower(folder, **variables):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *FOLLOW], cwd=folder, env=environment(**variables), **options)


def said(process):
    out = output(process)
    assert "\x1b" not in out
    return out.splitlines()


def test_a_study_is_followed_to_the_end_of_its_run(tmp_path):
    process = watched(tmp_path, "200 epochs")
    first, *lines, last = said(follower(tmp_path))
    assert re.fullmatch(
        rf"running in process {process.pid} on {os.uname().nodename}: \d+ % of 200 epochs, 2 workers", first
    )
    assert all(re.fullmatch(r" *\d+% · .* epochs · .*", line) for line in lines)
    assert lines[-1].startswith("100% · best loss ")
    assert last == "finished: the budget of 200 epochs is used"
    assert process.stdout.readline() == "over\n", "and its process lives"
    end(process)


def test_a_study_that_was_killed_is_followed_until_then_and_says_how_to_continue(tmp_path):
    process = watched(tmp_path, "1000 epochs")
    reader = follower(tmp_path)
    assert reader.stdout.readline().startswith("running in process ")
    end(process)
    lines = said(reader)
    command = f"{sys.executable} {tmp_path / 'program.py'} '1000 epochs'"
    assert lines[-1] == f"not running; to continue: {command}"
    again = subprocess.run([sys.executable, *FOLLOW], cwd=tmp_path, env=environment(), capture_output=True, check=True)
    assert again.stdout.decode().splitlines() == lines[-2:]
    glance = subprocess.run(
        [sys.executable, *FOLLOW[:2], "show", "study"], cwd=tmp_path, env=environment(), capture_output=True, check=True
    )
    assert b" left open" in glance.stdout
    assert not re.search(rb"\d running", glance.stdout), "nobody trains these"


def test_a_reader_elsewhere_is_told_the_folder_too(tmp_path):
    process = watched(tmp_path, "1000 epochs")
    end(process)
    (tmp_path / "elsewhere").mkdir()
    command = [sys.executable, *FOLLOW[:2], "show", "../study", "--follow"]
    options = {"cwd": tmp_path / "elsewhere", "env": environment(), "capture_output": True, "text": True}
    shown = subprocess.run(command, check=True, **options).stdout
    assert f"not running; to continue: cd {tmp_path} && {sys.executable} " in shown


def test_ctrl_c_ends_the_reader_and_nothing_else(tmp_path):
    process = watched(tmp_path, "100000 epochs")
    reader = follower(tmp_path)
    assert reader.stdout.readline().startswith("running in process ")
    reader.send_signal(signal.SIGINT)
    out, err = reader.communicate(timeout=SECONDS)
    assert out.splitlines()[-1].startswith("running in process ")
    assert (reader.returncode, err) == (0, "")
    assert process.poll() is None
    assert wt.Study.open(tmp_path / "study", readonly=True).note.holds
    end(process)


def test_a_study_that_nobody_has_run_is_not_running(tmp_path):
    with wt.Study.create(experiment(), tmp_path / "study") as study:
        assert study.note is None
    assert said(follower(tmp_path)) == ["0 trials · 0 epochs · 0 s", "not running"]


EVENTS = """
    import sys
    import time
    from trainings import experiment
    import welltempered as wt

    study = wt.Study.create(experiment(epochs=1, method=wt.Full(wt.Random())), "study")
    print("ready", flush=True)
    sys.stdin.readline()
    appending, seconds = 0.0, float(sys.argv[1])
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        due = time.monotonic() + 0.1
        before = time.perf_counter()
        for _ in range(50):
            trial = study.ask()
            study.tell(trial, loss=trial.params["x"])
        appending += time.perf_counter() - before
        time.sleep(max(0.0, due - time.monotonic()))
    print(len(study.history.events), appending, flush=True)
"""


def rate(folder, followers):
    """Seconds per event of a writer that is watched by so many."""
    folder.mkdir()
    writer = program(folder, EVENTS, 3)
    assert writer.stdout.readline() == "ready\n"
    writer.stdin.write("\n")
    writer.stdin.flush()
    eventually(lambda: read(folder / "study" / "lock"))
    readers = [follower(folder) for _ in range(followers)]
    time.sleep(1.5)
    assert all(reader.poll() is None for reader in readers)
    events, seconds = output(writer).split()
    for reader in readers:
        assert reader.wait(SECONDS) == 0, reader.stderr.read()
        reader.stdout.close()
        reader.stderr.close()
    assert int(events) > 1000
    return float(seconds) / int(events)


def test_two_readers_disturb_no_writer(tmp_path):
    rates = [rate(tmp_path / f"{number}", 2 * (number % 2)) for number in range(2)]
    assert rates[1] < 3 * rates[0], "on a busy machine; alone it is some percent"
