"""What the process that runs a study says of it: lines in files, a live view in terminals."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

import welltempered as wt
from trainings import FULL, SECONDS, broken, environment, experiment, tune
from welltempered.view.progress import Progress

LINE = r" *\d+% · best loss [\d.]+ \(trial \d\) · \d+ trials · \d+ epochs · [\d.]+ s( · ETA \d+ s)?"
CONTROL = r"\x1b\[[\d;?]*[A-Za-z]|\r"
STYLE = r"\x1b\[[\d;]*m"


def test_a_file_gets_a_line_at_the_end_and_nothing_that_a_terminal_would_need(capsys):
    with tune(budget="2 trials", progress=True):
        err = capsys.readouterr().err
    assert re.fullmatch(LINE + "\n", err)
    assert err.startswith("100% ")


def test_a_line_without_a_budget_has_no_share(capsys):
    with tune(method=wt.Hyperband(wt.Random(), rounds=1), budget=None, progress=True):
        assert re.fullmatch(r"best loss [\d.]+ \(trial \d+\) · 17 trials · 69 epochs · .*\n", capsys.readouterr().err)


def test_a_line_counts_failures_and_says_nothing_of_a_best_that_is_not_there(capsys):
    with pytest.raises(wt.TrainingFailed):
        tune(broken, budget="50 trials", progress=True)
    assert re.fullmatch(r" +6% · 3 trials · 0 epochs · [\d.]+ s · 3 failed\n", capsys.readouterr().err)


def test_a_study_that_takes_longer_says_now_and_then_how_it_goes(capsys):
    def train(run):
        from time import sleep

        run.keep()
        for epoch in run:
            sleep(0.25)
            run.report(loss=1 / epoch)

    with tune(train, budget="13 epochs", progress=True):
        lines = capsys.readouterr().err.splitlines()
    assert 2 <= len(lines) <= 3
    assert all(re.fullmatch(LINE, line) for line in lines)


def test_quiet_is_quiet(capsys):
    with wt.Study.create(experiment(method=FULL)) as study:
        with Progress(study, wt.Budget(epochs=9), quiet=True) as watch:
            trial = study.ask()
            study.tell(trial, loss=1)
            watch(study.history.events[-1])
        assert capsys.readouterr() == ("", "")


SCRIPT = """
import sys
from trainings import slow, tune

with tune(slow, budget="40 epochs", workers=int(sys.argv[1]), path="study", progress=True) as study:
    print("done", study.history.spent)
"""


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, folder, *, columns=80, workers=1, script=SCRIPT, **variables):
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        (folder / "script.py").write_text(script)
        command = [sys.executable, "script.py", str(workers)]
        settings = environment(**{"TERM": "xterm-256color"} | variables)
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=settings, start_new_session=True
        )
        os.close(theirs)
        self.written = ""

    def read(self, until=None):
        """Read what is written until it contains something, or to its end."""
        deadline = time.monotonic() + SECONDS
        while until is None or not re.search(until, self.written):
            assert time.monotonic() < deadline, self.written
            try:
                part = os.read(self._ours, 65536)
            except OSError:  # nobody holds the other end any more
                part = b""
            if not part:
                assert until is None, self.written
                break
            self.written += part.decode()
        return self.written

    def end(self):
        """Read to the end and return the exit status."""
        self.read()
        os.close(self._ours)
        return self.process.wait(SECONDS)

    def lines(self):
        """All lines ever drawn, without what moves the cursor."""
        return lines(self.written)


def lines(written):
    return [line for line in re.sub(CONTROL, "\n", re.sub(STYLE, "", written)).split("\n") if line.strip()]


@pytest.mark.parametrize("columns", [40, 120])
def test_a_terminal_shows_a_view_that_changes_in_its_place_and_never_wraps(tmp_path, columns):
    terminal = Terminal(tmp_path, columns=columns)
    assert terminal.end() == 0
    *drawn, last, done = terminal.lines()
    shares = [int(found) for line in drawn for found in re.findall(r"^budget .* (\d+) %", line)]
    assert len(shares) > 1
    assert shares == sorted(shares)
    assert all(len(line) <= columns for line in drawn)
    assert any(re.match(r" trial \d +\d/9 .*[▁█]", line) for line in drawn)
    assert re.fullmatch(LINE, last), "the last line stays, whole"
    assert done == "done 40"


def test_a_view_says_the_method_and_why_it_was_chosen(tmp_path):
    terminal = Terminal(tmp_path, columns=120, script=SCRIPT.replace("budget=", 'method="auto", budget='))
    assert terminal.end() == 0
    said = "minimize loss · FreezeThaw(): trials can be resumed, and a full training has 9 epochs"
    assert terminal.lines()[0] == said


@pytest.mark.parametrize(("workers", "variables"), [(0, {}), (1, {"TERM": "dumb"}), (1, {"TERM": ""})])
def test_a_terminal_gets_lines_where_nothing_can_be_drawn_or_training_prints_into_it(tmp_path, workers, variables):
    terminal = Terminal(tmp_path, workers=workers, **variables)
    assert terminal.end() == 0
    assert "\x1b" not in terminal.written
    assert all(re.fullmatch(LINE, line) for line in terminal.lines()[:-1])


def test_a_view_is_without_colour_where_nobody_wants_it(tmp_path):
    terminal = Terminal(tmp_path, NO_COLOR="1")
    assert terminal.end() == 0
    assert set(re.findall(r"\x1b\[([\d;]*)m", terminal.written)) <= {"1", "0"}, "bold, and its end"


def test_a_terminal_may_change_its_size(tmp_path):
    terminal = Terminal(tmp_path, columns=100)
    terminal.read("running")
    fcntl.ioctl(terminal._ours, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 40, 0, 0))
    seen = len(terminal.written)
    assert terminal.end() == 0
    *drawn, _, _ = lines(terminal.written[seen:])
    wide = [number for number, line in enumerate(drawn) if len(line) > 40]
    resized = drawn[max(wide, default=-1) + 1 :]
    assert len(resized) > 5
    assert max(map(len, resized)) <= 40


def test_ctrl_c_once_ends_the_leases_and_says_how_to_continue(tmp_path):
    terminal = Terminal(tmp_path)
    terminal.read(r" [1-9]/9")
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.end() == 0
    text = "\n".join(terminal.lines())
    assert "ending the leases at this epoch and saving; Ctrl-C again to leave at once" in text
    assert f"interrupted; nothing is lost. To continue: {sys.executable} script.py 1\n" in text
    with wt.Study.open(tmp_path / "study", readonly=True) as study:
        assert not study.history.running
        assert study.note.released
        assert not study.note.finished
        assert study.note.command == f"{sys.executable} script.py 1"
        assert text.endswith(f"done {study.history.spent}")
        assert study.history.spent < 40


def test_ctrl_c_twice_leaves_at_once_and_says_how_to_continue(tmp_path):
    text = SCRIPT.replace("import slow", "import steady").replace("tune(slow", "tune(lambda run: steady(run, 60)")
    (tmp_path / "program.py").write_text(text)
    command = [sys.executable, "program.py", "1"]
    options = {"cwd": tmp_path, "env": environment(), "text": True, "start_new_session": True}
    with subprocess.Popen(command, stderr=subprocess.PIPE, **options) as process:
        while not (tmp_path / "study" / "logs" / "0.log").exists():
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        assert (
            process.stderr.readline() == "ending the leases at this epoch and saving; Ctrl-C again to leave at once\n"
        )
        os.killpg(process.pid, signal.SIGINT)
        said = process.stderr.read()
    assert "left at once; epochs that were not saved are trained again. To continue: " in said
    assert said.rstrip().endswith("KeyboardInterrupt"), "a script may want to know"


def test_an_interrupted_study_in_memory_is_not_promised_to_anybody(capsys):
    def train(run):
        for epoch in run:
            if epoch == 2:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.5)
            run.report(loss=1)

    with tune(train, progress=True, resumable=False):
        said = capsys.readouterr().err.splitlines()
    assert said[-1] == "interrupted; the study is in memory only, path=... would keep it for another time"


def test_a_view_that_cannot_be_written_stops_nobody(monkeypatch):
    class Gone:
        def isatty(self):
            return False

        def write(self, text):
            raise OSError

    monkeypatch.setattr(sys, "stderr", Gone())
    with tune(progress=True) as study:
        assert study.history.spent == 9
