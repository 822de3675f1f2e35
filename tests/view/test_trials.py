"""Trials listed, sorted and filtered; what they printed."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

import welltempered as wt
from trainings import experiment
from welltempered.view.logs import logs
from welltempered.view.trials import choose, ordered, table

SPACE = wt.Space(
    lr=wt.Float(1e-4, 1, scale="log"),
    opt=wt.Choice("sgd", "[bold]adam"),
    momentum=wt.Float(0.5, 0.9).when(opt="sgd"),
    a_rather_long_name_of_a_parameter_that_nobody_would_type=wt.Int(1, 9),
)


@pytest.fixture(scope="module")
def study():
    """Thirty trials: trained, failed, diverged, running, with a second metric."""
    with wt.Study.create(experiment(space=SPACE, method=wt.Halving(wt.Random()), epochs=9)) as study:
        for number in range(40):
            trial = study.ask()
            if number % 10 == 4:
                study.fail(trial, "ValueError: no layers\n")
                continue
            for epoch in range(trial.epoch, trial.until):
                loss = float("nan") if number % 10 == 7 and epoch == trial.until - 1 else 1 / (trial.id + epoch + 1)
                study.tell(trial, loss=loss, accuracy=trial.id % 5)
        study.ask()
        yield study


def listed(study, where=(), state=None, sort="value", reverse=False):
    return ordered(choose(study.history, where, state), study.history, sort, reverse=reverse)


def drawn(trials, study, width, columns=()):
    console = Console(width=width, file=io.StringIO(), markup=False)
    console.print(table(trials, study.history, width, columns))
    return console.file.getvalue().splitlines()


def test_trials_come_best_first_and_those_without_a_value_last(study):
    trials = listed(study)
    assert len(trials) == len(study.trials)
    sound = [trial for trial in trials if trial.value is not None and not trial.failed]
    assert trials[0] == study.best
    assert trials[: len(sound)] == sound
    assert [trial.loss for trial in sound] == sorted(trial.loss for trial in sound)
    assert listed(study, sort="loss") == trials, "the objective's name is as good"
    worst = listed(study, reverse=True)
    assert worst[-1].value is None


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("column", ["trial", "epoch", "seconds", "lr", "momentum", "accuracy", "opt", "state"])
def test_trials_can_be_sorted_by_whatever_they_have(study, column, reverse):
    known = {
        "trial": lambda trial: trial.id,
        "epoch": lambda trial: trial.epoch,
        "seconds": lambda trial: round(trial.seconds, 3),
        "state": lambda trial: trial.state,
        "accuracy": lambda trial: trial.reports[-1].metrics["accuracy"] if trial.reports else None,
    }
    value = known.get(column, lambda trial: trial.params.get(column))
    found = [value(trial) for trial in listed(study, sort=column, reverse=reverse)]
    there = [one for one in found if one is not None]
    assert there == sorted(there, reverse=reverse)
    assert found[len(there) :] == [None] * (len(found) - len(there)), "who lacks it comes last"


def test_trials_can_be_filtered_by_expressions_all_of_which_must_hold(study):
    found = listed(study, ["lr > 0.01", "epoch >= 3 and opt == 'sgd'"])
    assert found
    assert {trial.id for trial in found} == {
        trial.id
        for trial in study.trials
        if trial.params["lr"] > 0.01 and trial.epoch >= 3 and trial.params["opt"] == "sgd"
    }
    assert all(trial.value is not None for trial in listed(study, ["value < 1000"])), "who lacks it does not pass"
    assert {trial.id for trial in listed(study, ["momentum < 1"])} == {
        t.id for t in study.trials if "momentum" in t.params
    }


def test_trials_can_be_filtered_by_state(study):
    for state in ("failed", "diverged", "running", "paused", "complete"):
        assert {trial.id for trial in listed(study, state=state)} == {t.id for t in study.trials if t.state == state}
    assert listed(study, state="crashed") == []


MISTAKES = [
    ({"where": ["lrr > 1"]}, r"where must use names of the study \(trial, epoch, .*\), got 'lrr'; did you mean 'lr'\?"),
    ({"where": ["lr >"]}, "cannot read the expression 'lr >'"),
    ({"where": ["1 < 2"]}, "mentions no parameter"),
    ({"where": ["lr.real > 1"]}, "may not use Attribute"),
    ({"where": ["opt > 1"]}, "'opt > 1' cannot be computed from"),
    ({"sort": "nothing"}, "sort must use names of the study"),
    ({"state": "bad"}, "state must be one of 'running', .*, got 'bad'"),
]


@pytest.mark.parametrize(("options", "sentence"), MISTAKES)
def test_a_wrong_wish_is_refused_in_a_sentence(study, options, sentence):
    with pytest.raises(wt.InvalidInput, match=sentence):
        listed(study, **options)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_a_table_has_as_many_columns_as_fit_and_names_the_others(study, width):
    lines = drawn(listed(study), study, width)
    assert max(map(cell_len, lines)) <= width
    heading = next(line for line in lines if "trial" in line)  # what stands above is folded
    assert heading.split()[:4] == ["trial", "epoch", "loss", "state"]
    text = "".join(line.strip() for line in lines)
    for name in (*SPACE, "accuracy", "seconds"):
        assert name in text or name[:12] in text
    rows = [line for line in lines if line.split() and line.split()[0].isdigit()]
    assert [int(row.split()[0]) for row in rows] == [trial.id for trial in listed(study)]


def test_columns_can_be_chosen(study):
    lines = drawn(listed(study)[:3], study, 60, ["lr", "trial"])
    assert lines[0].split() == ["lr", "trial"]
    assert [int(line.split()[1]) for line in lines[1:]] == [trial.id for trial in listed(study)[:3]]
    with pytest.raises(wt.InvalidInput, match="columns must use names of the study"):
        drawn(listed(study), study, 60, ["no"])


# -------------------------------------------------------------------- logs


def printed(capsys, study, trial, **options):
    capsys.readouterr()
    logs(study, trial, **options)
    return capsys.readouterr().out


@pytest.fixture
def chatty(tmp_path):
    """A study of a trial that prints, one that fails and one that has to be cut."""
    with wt.Study.create(experiment(method=wt.Full(wt.Random())), tmp_path / "study") as study:
        (study.path / "logs").mkdir()
        for _ in range(3):
            study.ask()
        study.log_path(0).write_bytes("one\ntwo ü\nthree\n".encode() + b"\xff\n")
        study.fail(1, "Traceback:\nValueError: no layers\n")
        study.append(wt.Cut(2, 0, "worker lost", 75.0, "its worker died (SIGKILL)"))
        yield study


def test_logs_are_what_a_trial_printed(chatty, capsys):
    assert printed(capsys, chatty, 0) == "one\ntwo ü\nthree\n\ufffd\n"
    assert printed(capsys, chatty, 0, tail=2) == "three\n\ufffd\n"
    assert printed(capsys, chatty, 0, tail=0) == ""


def test_logs_say_why_a_trial_failed_or_was_cut_short(chatty, capsys):
    silent = "has printed nothing; with workers=0 it prints where the study runs\n"
    assert printed(capsys, chatty, 1) == (
        f"trial 1 {silent}trial 1 has ended after epoch 0: failed\nTraceback:\nValueError: no layers\n"
    )
    assert printed(capsys, chatty, 2) == (
        f"trial 2 {silent}trial 2 was cut short after 1 min 15 s, to go on from epoch 0: "
        "worker lost: its worker died (SIGKILL)\n"
    )


def test_the_list_and_the_logs_show_who_was_stopped_and_why(capsys):
    with wt.Study.create(experiment()) as study:
        study.append(wt.Started(0, {"x": 0.5}, 1))
        study.append(wt.Reported(0, 1, {"loss": 0.5}))
        study.append(wt.Ended(0, "stopped", "median: loss at best 0.5 in 1 epochs, median of 9 others 0.1"))
        assert [trial.id for trial in listed(study, state="stopped")] == [0]
        (study.path / "logs").mkdir()
        assert printed(capsys, study, 0).splitlines()[1:] == [
            "trial 0 has ended after epoch 1: stopped",
            "median: loss at best 0.5 in 1 epochs, median of 9 others 0.1",
        ]


def test_logs_of_a_trial_that_is_none_are_refused(chatty):
    with pytest.raises(wt.InvalidInput, match=r"trial must be one of the study's, 0\.\.2, got 3"):
        logs(chatty, 3)
    with (
        wt.Study.create(experiment()) as empty,
        pytest.raises(wt.InvalidInput, match="none has started yet, got 0"),
    ):
        logs(empty, 0)
