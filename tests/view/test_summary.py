"""A study at a glance: what it is of, what it spent, what was found."""

import io
import re
import sys

import pytest

import welltempered as wt
from trainings import FULL, broken, experiment, tune
from welltempered.view.summary import say, show, summary


def shown(study, capsys, monkeypatch, *, columns=80):
    monkeypatch.setenv("COLUMNS", str(columns))
    capsys.readouterr()
    show(study)
    return capsys.readouterr().out.splitlines()


def test_a_summary_says_what_was_searched_spent_and_found(capsys, monkeypatch):
    with tune(method=wt.Hyperband(wt.Random(), rounds=1), budget="32 epochs") as study:
        lines = shown(study, capsys, monkeypatch)
        best = study.best
    facts = [re.split(r" {2,}", line.strip(), maxsplit=1) for line in lines[:5]]
    assert facts[0] == ["objective", "minimize loss, 9 epochs, seed 0"]
    assert facts[1] == ["method", "Hyperband(Random(), rounds=1)"]
    assert facts[2] == ["space", "x"]
    assert re.fullmatch(r"32 epochs in [\d.]+ s", facts[3][1])
    assert re.fullmatch(r"\d+: \d+ paused, .*1 interrupted.*", facts[4][1])
    found = next(line for line in lines if line.startswith("best: "))
    assert found.startswith(f"best: trial {best.id}, loss {best.value:.5g} after epoch {best.epoch}, found after ")
    assert lines[-1].split() == ["x", f"{best.params['x']:.5g}"]


def test_a_summary_says_what_replicates_of_the_best_come_to(capsys, monkeypatch):
    space = wt.Space(x=wt.Choice(1, 2))
    with tune(space=space, method=wt.Full(wt.Replicate(wt.Random(), times=3)), budget="9 trials") as study:
        lines = shown(study, capsys, monkeypatch, columns=200)
        same = [study.trials[id].value for id in study.history.replicates(study.best.id)]
    found = next(line for line in lines if line.startswith("best: "))
    assert f", {sum(same) / 3:.5g} on average of 3 trainings, found after " in found


def test_a_summary_counts_who_was_stopped(capsys, monkeypatch):
    rule = wt.Median(wt.Full(wt.Random()), grace=2, least=1, noise=0, trend=0)
    with tune(method=rule, budget="12 trials") as study:
        stopped = sum(trial.state == "stopped" for trial in study.trials)
        lines = shown(study, capsys, monkeypatch, columns=200)
    assert stopped > 2
    assert f"{stopped} stopped" in lines[4]
    assert lines[1].split("method")[1].strip().startswith("Median(Full(Random()), grace=2, least=1, noise=0")


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
    with wt.Study.create(experiment(method=FULL)) as study:
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


def test_sentences_are_folded_between_words_in_a_terminal_and_left_alone_elsewhere(capsys, monkeypatch):
    text = "a sentence of some length, folded\n    code = of_some_length(too)"
    say(text)
    assert capsys.readouterr().out == f"{text}\n"
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    say(text)
    assert capsys.readouterr().out == "a sentence of some\nlength, folded\n    code = of_some_length(too)\n"
