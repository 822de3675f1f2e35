"""What surrounds a study may fail, too: no rights, no room, a locked or deleted file; nothing acknowledged is lost."""

import json
import shutil
import sqlite3
import tempfile
import threading
import time
from pathlib import Path

import pytest

import welltempered as wt
from telling import told
from trainings import experiment, output, program, slow, steady, tune
from welltempered.log import sql

HALVING = wt.Halving(wt.Random())

AS_NOBODY = """
    import contextlib
    import io
    import json
    import os
    import sys
    import traceback
    import welltempered as wt
    from trainings import FULL, steady, tune
    from welltempered.cli import main

    def call(arguments):
        out, err = io.StringIO(), io.StringIO()
        sys.argv = ["welltempered", *arguments]
        code = 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as end:
                code = end.code or 0
            except BaseException:
                traceback.print_exc()
        return code, out.getvalue(), err.getvalue()

    os.chdir(sys.argv[1])
    calls = json.loads(sys.argv[2])
    call(["tune", "tuning.py", "--budget", "1 epochs", "--workers", "0", "--path", "open/warm"])
    call(["show", "open/warm"])  # what is imported late, others than root might not be allowed to read
    if os.geteuid() == 0:
        os.seteuid(65534)  # permissions say nothing to root
    print(json.dumps([call(arguments) for arguments in calls]))
"""
WRITTEN = "must be a database that can be written, got:"
ACCESS = "allow access to the file and its folder"
TUNE = ["tune", "tuning.py", "--workers", "0", "--budget"]
FORBIDDEN = [
    (
        [*TUNE, "9 epochs", "--path", "closed/new"],
        "path must be a folder that can be made, got closed/new: Permission denied",
    ),
    (
        [*TUNE, "9 epochs", "--path", "hidden/new"],
        "path must be a folder that can be made, got hidden/new: Permission denied",
    ),
    (
        [*TUNE, "9 epochs", "--path", "closed"],
        f"closed/study.db {WRITTEN} unable to open database file; {ACCESS}",
    ),
    (
        [*TUNE, "90 epochs", "--path", "sealed"],
        f"sealed/study.db {WRITTEN} attempt to write a readonly database; {ACCESS.replace('access', 'writing')}",
    ),
    (["show", "hidden"], "path must be a folder that can be read, got hidden: Permission denied"),
    (["replay", "hidden", "--verify"], "path must be a folder that can be read, got hidden: Permission denied"),
    (
        ["best", "unreadable"],
        f"unreadable/study.db {WRITTEN.replace('written', 'read')} unable to open database file; {ACCESS}",
    ),
    (
        ["export", "sealed", "--output", "closed/rows.csv"],
        "output must be a file that can be written, ...: Permission denied",
    ),
    (
        ["tune", "secret.py", "--budget", "9 epochs"],
        "secret.py must be a Python file that can be imported, got Permission...",
    ),
]
"""What somebody may not do, and what they are told."""


def test_who_may_not_read_or_write_is_told_so(tmp_path):
    with tempfile.TemporaryDirectory() as outside:  # the folders of pytest are for their owner alone
        home = Path(outside)
        for name in ("tuning.py", "secret.py"):
            (home / name).write_text("from trainings import experiment, steady\nexperiment = experiment(steady)\n")
        with tune(path=home / "sealed"):
            pass
        for name in ("hidden", "unreadable"):
            shutil.copytree(home / "sealed", home / name)
        for name in ("closed", "open"):
            (home / name).mkdir()
        (home / "sealed" / "study.db").chmod(0o444)
        (home / "unreadable" / "study.db").chmod(0)
        (home / "secret.py").chmod(0)
        for name, mode in (("", 0o755), ("open", 0o777), ("closed", 0o555), ("sealed", 0o555), ("hidden", 0)):
            (home / name).chmod(mode)
        before = (home / "sealed" / "study.db").read_bytes()
        calls = json.dumps([arguments for arguments, _ in FORBIDDEN])
        found = json.loads(output(program(tmp_path, AS_NOBODY, home, calls)))
        for (arguments, sentence), (code, out, err) in zip(FORBIDDEN, found, strict=True):
            assert (code, out) == (2, ""), (arguments, err)
            start, _, end = sentence.partition("...")
            last = err.splitlines()[-1]
            assert last.startswith(f"error: {start}"), err
            assert last.endswith(end)
            assert "Traceback" not in err
        assert (home / "sealed" / "study.db").read_bytes() == before
        assert not any((home / "closed").iterdir())
        (home / "hidden").chmod(0o755)


# -------------------------------------------------------------------- no room

FULL_DISK = """
    import resource
    import sys
    import welltempered as wt
    from trainings import steady, tune

    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    told = []
    try:
        tune(
            lambda run: steady(run), path=sys.argv[1], method=wt.Halving(wt.Random()), budget="3000 epochs",
            workers=int(sys.argv[3]),
        )
    except wt.WelltemperedError as error:
        print(type(error).__name__, error, sep=": ")
"""


@pytest.mark.parametrize(("room", "workers"), [(3_000, 0), (60_000, 0), (100_000, 0), (100_000, 1)])
def test_a_full_disk_is_said_in_a_sentence_and_costs_nothing_that_was_written(tmp_path, room, workers):
    folder = tmp_path / "study"
    kind, _, sentence = output(program(tmp_path, FULL_DISK, folder, room, workers)).strip().partition(": ")
    assert kind == "WelltemperedError"
    assert sentence.startswith(f"{folder}/study.db must be a database that can be written, got: ")
    assert sentence.endswith("; make room or repair the disk, then run the study again: what was written is safe")
    assert "\n" not in sentence
    before = []
    if room > 60_000:
        with wt.Study.open(folder, readonly=True) as study:
            before = list(study.history.events)
            assert study.replay(verify=True).differences == ()
        assert before
    with tune(steady, path=folder, method=HALVING, budget="40 epochs") as study:
        assert study.history.events[: len(before)] == before
        assert study.history.spent == 40
        assert study.replay(verify=True).differences == ()


# -------------------------------------------------------------------- others who write


def test_a_database_that_is_locked_for_long_is_said_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(sql, "_WAIT", 0.1)
    locked = (
        f"{tmp_path}/study.db must be a database that can be written, got: database is locked; wait for the process ..."
    )
    with tune(path=tmp_path, budget="3 epochs"):
        pass
    with sqlite3.connect(tmp_path / "study.db", isolation_level=None) as other, wt.Study.open(tmp_path) as study:
        events = list(study.history.events)
        other.execute("BEGIN IMMEDIATE")
        told(lambda: study.run(steady, budget="5 epochs", workers=0), locked)
        told(study.ask, locked)
        with wt.Study.open(tmp_path, readonly=True) as reader:
            assert reader.history.events == events
        other.execute("ROLLBACK")
        assert study.run(steady, budget="5 epochs", workers=0).history.spent == 5
    other.close()


def test_a_new_study_in_a_database_that_is_locked_is_said_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(sql, "_WAIT", 0.1)
    with sqlite3.connect(tmp_path / "study.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        locked = f"{tmp_path}/study.db must be a database that can be written, got: database is locked; wait for ..."
        told(lambda: wt.Study.create(experiment(), tmp_path), locked)
        other.execute("ROLLBACK")
    other.close()
    with wt.Study.create(experiment(), tmp_path) as study:
        assert not study.history.events


# -------------------------------------------------------------------- gone

GONE = "...study.db must stay where it is while it is written, but it has been deleted or moved; put it back, or ..."


@pytest.mark.parametrize("workers", [0, 1])
def test_a_study_that_is_deleted_while_it_runs_says_so_and_does_not_come_back_half(tmp_path, workers):
    folder = tmp_path / "study"

    def watch(event):
        if isinstance(event, wt.Reported) and event.epoch == 2:
            shutil.rmtree(folder)

    with wt.Study.create(experiment(slow, method=HALVING), folder) as study:
        told(lambda: study.run(slow, budget="99 epochs", workers=workers, watch=watch), GONE)
    assert not folder.exists()


def test_a_study_that_is_moved_while_it_is_open_is_not_written_and_can_be_put_back(tmp_path):
    with wt.Study.create(experiment(method=wt.Full(wt.Random())), tmp_path / "study") as study:
        study.tell(study.ask(), loss=1)
        (tmp_path / "study").rename(tmp_path / "elsewhere")
        told(lambda: study.tell(0, loss=2), GONE)
        (tmp_path / "elsewhere").rename(tmp_path / "study")
        assert study.tell(0, loss=3).curve == (1.0, 3.0)


def test_a_study_replaced_by_another_one_while_it_is_open_is_not_mixed_with_it(tmp_path):
    with wt.Study.create(experiment(method=wt.Full(wt.Random())), tmp_path / "study") as study:
        study.ask()
        shutil.rmtree(tmp_path / "study")
        with tune(path=tmp_path / "study", budget="3 epochs") as other:
            events = list(other.history.events)
        told(lambda: study.tell(0, loss=2), GONE)
    with wt.Study.open(tmp_path / "study", readonly=True) as found:
        assert found.history.events == events


def test_the_busy_study_of_a_thread_leaves_its_sentence_quickly(tmp_path):
    with wt.Study.create(experiment(slow), tmp_path / "study") as study:
        holding = threading.Event()
        running = threading.Thread(
            target=lambda: study.run(slow, budget="5 epochs", workers=0, watch=lambda event: holding.set())
        )
        running.start()
        holding.wait()
        began = time.monotonic()
        told(
            lambda: study.run(slow, budget="5 epochs", workers=1), "study ... is being run by this process already; ..."
        )
        assert time.monotonic() - began < 5
        running.join()
        assert study.replay(verify=True).differences == ()
