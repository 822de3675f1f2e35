"""The live view as a function of a picture: what it says, and that it fits whatever the terminal."""

import io
import math
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

import welltempered as wt
from trainings import experiment
from welltempered.view.frame import frame
from welltempered.view.picture import Camera
from welltempered.view.text import bar, sparkline

WIDTHS = [20, 40, 60, 80, 200]
ODD = {
    "long": "a text that goes on and on, with [bold]markup[/red], :smile: and\nlines\x1b[2J",
    "wide": "評価関数の値" * 12,
}
SPACE = wt.Space(
    x=wt.Float(0, 1),
    a_rather_long_name_of_a_parameter_that_nobody_would_type=wt.Float(0, 1),
    text=wt.Choice(*ODD.values()),
)


def drawn(study, width=80, height=math.inf, *, budget=None, heading=(), runs=True):
    """Return the lines of the view."""
    picture = Camera(study).take(wt.Budget.of(budget), runs=runs)
    console = Console(width=width, file=io.StringIO())
    console.print(frame(picture, heading, width, height))
    return console.file.getvalue().splitlines()


def parts(lines):
    """Return what stands beside each name, its further lines included."""
    found, name = {}, ""
    for line in lines:
        name = line[:12].strip() or name
        found.setdefault(name, []).append(line[12:].strip())
    return found


@pytest.fixture
def study():
    """A study that has seen everything: promotions, failures, cuts, NaN."""
    with wt.Study.create(experiment(space=SPACE, method=wt.Halving(wt.Random()), epochs=27)) as study:
        for number in range(40):
            trial = study.ask()
            if number % 9 == 5:
                study.fail(trial, 'Traceback:\n  File "train.py"\nValueError: no layers\n')
            elif number % 9 == 7:
                study.tell(trial, loss=float("nan"))
            elif number % 9 == 8:
                study.append(wt.Cut(trial.id, trial.epoch, "worker lost", 3.0, "its worker died (SIGKILL)"))
            else:
                for epoch in range(trial.epoch, trial.until):
                    study.tell(trial, loss=1 / (trial.id + epoch + 1))
        for _ in range(5):
            study.ask()
        yield study


def test_a_view_says_all_there_is_to_know(study):
    best, history = study.best, study.history
    found = parts(drawn(study, budget="1000 epochs, 1 h", heading=["a heading"]))
    assert found["a heading"] == [""]
    share, epochs, seconds = found["budget"]
    assert share.startswith("█" * int(30 * history.spent / 1000) + "░")
    assert share.split("░ ")[1].startswith(f"{history.spent // 10} %   ETA ")
    assert epochs.startswith(f"{history.spent} of 1000 epochs, {1000 - history.spent} left")
    assert seconds.endswith(" left")
    assert f"{best.value:.5g}" in found["best"][0]
    assert f"trial {best.id} of {len(study.trials)}, epoch {best.epoch}, found after" in "".join(found["best"])
    assert f"x={best.params['x']:.5g}" in "".join(found["best"])
    kinds = {reason: len(ids) for reason, ids in history.failures.items()}
    assert set(found["failures"][0].split(", ")) == {f"{count} {reason}" for reason, count in kinds.items()}
    assert found["failures"][1].endswith(": ValueError: no layers")
    assert found["cut short"][0].endswith(" worker lost")
    assert found["cut short"][1].endswith(": its worker died (SIGKILL)")
    running = [name for name in found if name.startswith("trial ")]
    assert running == [f"trial {id}" for id in sorted(history.running)]


def test_rungs_are_counted_as_the_scheduler_counts_them_without_those_that_diverged_on_the_way(study):
    found = parts(drawn(study))
    ends = [int(word) for word in found["rungs"][0].replace("at", "").split()]
    cells = [cell for cell in found["bracket 0"][0].split("  ") if cell.strip()]
    rungs = study.history.fold(study.scheduler).rungs[0]
    assert ends == [1, 3, 9, 27][: len(ends)]
    reached = [int(cell.split("+")[0].strip(" ·") or 0) for cell in cells]
    arrived = [
        [id for _, id in rung.ranked if study.trials[id].epoch >= end] for rung, end in zip(rungs, ends, strict=False)
    ]
    assert reached == list(map(len, arrived))
    on_way = sum(int(cell.split("+")[1]) for cell in cells if "+" in cell)
    assert on_way == len(study.history.running | study.history.interrupted)


def test_a_view_counts_who_was_stopped_and_says_why_the_last_one():
    rule = wt.Median(wt.Full(wt.Random()), grace=2, least=1, noise=0, trend=0)
    simulator = wt.Simulator(lambda params, epoch: {"loss": params["x"]})
    with wt.Study.create(experiment(method=rule)) as study:
        study.drive(simulator, budget="12 trials")
        found = parts(drawn(study, 200))
        stopped = [trial for trial in study.trials if trial.state == "stopped"]
    assert found["stopped"] == [f"{len(stopped)} of 12 trials", f"last, trial {stopped[-1].id}: {stopped[-1].error}"]
    assert "failures" not in found


def test_a_study_of_full_trainings_has_no_rungs():
    with wt.Study.create(experiment(method=wt.Full(wt.Random()))) as study:
        study.tell(study.ask(), loss=1)
        assert "rungs" not in parts(drawn(study))


@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(study, width, runs):
    heading = ["a heading that goes on and on " * 5, ODD["long"]]
    lines = drawn(study, width, budget="1000 epochs, 40 trials, 1 h", heading=heading, runs=runs)
    assert max(map(cell_len, lines)) <= width
    assert not any("\x1b" in line for line in lines)


@pytest.mark.parametrize("height", range(1, 30))
@pytest.mark.parametrize("width", [40, 80])
def test_a_view_is_never_higher_than_the_terminal_and_keeps_what_matters_most(study, width, height):
    lines = drawn(study, width, height, budget="1000 epochs", heading=["a heading"])
    assert len(lines) <= height
    text = "\n".join(lines)
    order = ["a heading", "budget", "best", "failures", "running", "x=", "last, trial", "rungs"]
    seen = [word in text for word in order[: 2 if height < 8 else 5 if height < 20 else 8]]
    assert all(seen[:height])


def test_where_many_trials_run_as_many_are_shown_as_fit():
    with wt.Study.create(experiment()) as study:
        for _ in range(1000):
            study.ask()
        lines = drawn(study, 60, 20)
        assert len(lines) == 20
        hidden = int(lines[-1].split()[1])
        assert hidden + sum(line.startswith(" trial") for line in lines) == 1000


def test_brackets_that_do_not_fit_are_the_oldest():
    curve = wt.Simulator(lambda params, epoch: {"loss": params["x"] / epoch})
    with wt.Study.create(experiment(method=wt.Hyperband(wt.Random()))) as study:
        study.drive(curve, budget="1500 epochs")
        lines = drawn(study, 60, 16)
        last = max(trial.bracket for trial in study.trials)
        brackets = [int(line.split()[1]) for line in lines if line.startswith(" bracket")]
        assert brackets[-1] == last
        assert brackets == list(range(brackets[0], last + 1))
        assert f" and {brackets[0]} before" in lines


@pytest.mark.parametrize("budget", [None, "1000 epochs", "3 trials", "2 h", "9 epochs, 2 trials, 1 min"])
@pytest.mark.parametrize("width", WIDTHS)
def test_before_the_first_trial_and_before_its_first_report_there_is_a_view_too(width, budget):
    with wt.Study.create(experiment()) as study:
        assert "no trial has started" in "\n".join(drawn(study, max(40, width), budget=budget))
        study.ask()
        lines = drawn(study, width, budget=budget)
        assert max(map(len, lines)) <= width
        study.tell(0, loss=float("inf"))
        found = parts(drawn(study, 80, budget=budget))
        assert found["best"] == ["no finite value reported yet"]
        assert found["failures"] == ["1 diverged"]


def test_a_study_that_stopped_has_no_eta_and_its_leases_are_left_open(study):
    lines = drawn(study, budget="1000 epochs", runs=False)
    assert "ETA" not in "\n".join(lines)
    assert "left open" in parts(lines)


def eta(study, budget):
    return Camera(study).take(wt.Budget.of(budget), runs=True).eta


def test_eta_is_what_is_left_at_the_pace_of_the_last_epochs():
    curve = wt.Simulator(lambda params, epoch: {"loss": params["x"]}, slots=2, seconds=lambda params: 10)
    with wt.Study.create(experiment(method=wt.Halving(wt.Random()))) as study:
        study.drive(curve, budget="100 epochs")  # two in ten seconds
        assert eta(study, "200 epochs") == pytest.approx(500, rel=0.05)
        assert eta(study, "10000 s") == pytest.approx(10_000 - study.history.clock, rel=0.05)
        assert eta(study, "200 epochs, 600 s") == pytest.approx(600 - study.history.clock, rel=0.05)
        assert eta(study, "100000 trials") is None, "nobody knows who will be promoted"
        assert eta(study, None) is None
        assert eta(study, "50 epochs") is None


def test_eta_of_full_trainings_is_known_from_the_trials_left():
    curve = wt.Simulator(lambda params, epoch: {"loss": params["x"]}, seconds=lambda params: 10)
    with wt.Study.create(experiment(method=wt.Full(wt.Random()))) as study:
        study.drive(curve, budget="10 trials")
        assert eta(study, "20 trials") == pytest.approx(900, rel=0.05)


def test_a_curve_goes_from_its_lowest_to_its_highest_value():
    assert sparkline([1.0, 2.0, 3.0], 10) == "▁▅█"
    assert sparkline([1.0, 1.0], 10) == "▄▄"
    assert sparkline([None, 1.0, math.inf, 2.0, math.nan], 10) == "×▁×█×"
    assert sparkline([None], 10) == "×"
    assert sparkline([], 10) == sparkline([1.0], 0) == sparkline([1.0], -1) == ""
    assert sparkline([-1.7e308, 1.7e308], 10) == "▁█"
    long = sparkline(range(1000), 8)
    assert long == "▁▂▃▄▅▆▇█"
    assert bar(0, 4) + bar(1, 4) == "░░░░████"


def test_colours_are_those_that_read_on_light_and_on_dark():
    package = Path(wt.__file__).parent / "view"
    text = "\n".join(path.read_text() for path in package.glob("*.py"))
    for style in ("yellow", "white", "bright", "dim", "cyan", "black"):
        assert f'"{style}' not in text
