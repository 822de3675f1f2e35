"""How a study looks: lines of progress in files and in terminals, and a summary."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

import welltempered as wt
from trainings import FULL, broken, environment, experiment, tune
from welltempered.view import Progress, show, summary

LINE = r" *\d+% · best loss [\d.]+ \(trial \d\) · \d+ trials · \d+ epochs · [\d.]+ s"


def shown(study, capsys, monkeypatch, *, columns=80):
    monkeypatch.setenv("COLUMNS", str(columns))
    capsys.readouterr()
    show(study)
    return capsys.readouterr().out.splitlines()


# -------------------------------------------------------------------- progress


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

with tune(slow, budget="40 epochs", progress=True) as study:
    pass
"""


def in_terminal(columns):
    """Run a study in a terminal of this width, and return all that is written to it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stderr=theirs, env=environment()) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # nobody holds the other end any more
                break
            if not part:
                break
            written += part
    os.close(ours)
    assert process.returncode == 0, written
    return written.decode()


@pytest.mark.parametrize("columns", [40, 120])
def test_a_terminal_shows_one_line_that_changes_in_its_place_and_never_wraps(columns):
    written = in_terminal(columns)
    drawn = [part for part in re.split(r"\r?\x1b\[[\d;]*[A-Za-z]|\r|\n", written) if part]
    assert len(drawn) > 3
    *changing, last = drawn
    assert all(len(line) < columns for line in changing)
    shares = [int(line.split("%")[0]) for line in drawn]
    assert shares == sorted(shares)
    assert shares[-1] == 100
    assert re.fullmatch(LINE, last), "the last line stays, whole"


# -------------------------------------------------------------------- summary


def test_a_summary_says_what_was_searched_spent_and_found(capsys, monkeypatch):
    with tune(method=wt.Hyperband(wt.Random(), rounds=1), budget="32 epochs") as study:
        lines = shown(study, capsys, monkeypatch)
        best = study.best
    facts = [re.split(r" {2,}", line.strip(), maxsplit=1) for line in lines[:5]]
    assert facts[0] == ["objective", "minimize loss, 9 epochs, seed 0"]
    assert facts[1] == ["method", "Hyperband(Random(), eta=3, rounds=1)"]
    assert facts[2] == ["space", "x"]
    assert re.fullmatch(r"32 epochs in [\d.]+ s", facts[3][1])
    assert re.fullmatch(r"\d+: \d+ paused, .*1 interrupted.*", facts[4][1])
    assert f"best: trial {best.id}, loss {best.value:.5g} after epoch {best.epoch}" in lines
    assert lines[-1].split() == ["x", f"{best.params['x']:.5g}"]


def test_a_summary_lists_the_ten_best_without_the_failed_ones(capsys, monkeypatch):
    def train(run):
        for epoch in run:
            if epoch == 2 and run.trial == 3:
                broken(run)
            run.report(loss=run.params["x"] if run.trial != 5 else float("nan"))

    with tune(train, epochs=2, budget="14 trials") as study:
        lines = shown(study, capsys, monkeypatch)
        expected = sorted((t for t in study.trials if t.id != 3), key=lambda trial: (trial.loss, trial.id))[:10]
    rows = [line.strip("│┃ ").split() for line in lines if line.startswith("│")]
    assert [int(row[0]) for row in rows] == [trial.id for trial in expected]
    assert len(rows) == 10


def test_a_summary_of_nothing_says_so(capsys, monkeypatch):
    with wt.Study.create(experiment()) as study:
        lines = shown(study, capsys, monkeypatch)
    assert lines[-1] == "no trial has reported a finite objective yet"
    assert lines[4].split() == ["trials", "0"]


@pytest.mark.parametrize("columns", [30, 60, 200])
def test_no_line_of_a_summary_is_longer_than_the_terminal(capsys, monkeypatch, columns):
    names = wt.Space(**{f"a_rather_long_name_of_a_parameter_{number}": wt.Float(0, 1) for number in range(6)})

    def train(run):
        for _ in run:
            run.report(loss=1 / 3)

    with tune(train, space=names) as study:
        lines = shown(study, capsys, monkeypatch, columns=columns)
    assert max(map(len, lines)) <= columns
    text = "".join("".join(line.split()) for line in lines)
    for name in names:
        assert name in text, "folded, not cut"


@pytest.mark.parametrize("value", ["[bold]", "[/red]", ":smile:", "[link=x]y[/link]", "relu[0]", "\\[x]"])
def test_values_are_shown_as_they_are(capsys, monkeypatch, value):
    def train(run):
        for _ in run:
            run.report(loss=1)

    with tune(train, space=wt.Space(act=wt.Choice(value, "other")), method=wt.Full(wt.Grid()), budget=None) as study:
        assert study.best.params == {"act": value}
        assert shown(study, capsys, monkeypatch)[-1] == f"  act  {value}".ljust(len(f"  act  {value}"))


def test_a_summary_can_be_put_into_other_things():
    from rich.console import Console

    with tune() as study:
        console = Console(width=70, file=io.StringIO())
        console.print(summary(study))
        assert "best trials" in console.file.getvalue()
