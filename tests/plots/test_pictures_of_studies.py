"""Pictures of trials and their curves: what is drawn is what the study knows."""

import math
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

import welltempered as wt
from welltempered import plots

SPACE = wt.Space(
    lr=wt.Float(1e-4, 1e-1, scale="log"),
    optimizer=wt.Choice("adam", "sgd"),
    momentum=wt.Float(0.9, 0.999, scale="one_minus_log").when(optimizer="sgd"),
)


def curve(params, epoch):
    """Every fourth rate diverges, the best is the largest that does not."""
    return {"loss": math.nan if params["lr"] > 0.03 and epoch > 1 else -math.log(params["lr"]) / epoch}


@pytest.fixture(scope="module")
def study():
    study = wt.Study.create(wt.Experiment(print, SPACE, minimize="loss", epochs=9, method=wt.Hyperband(wt.Sobol())))
    study.drive(wt.Simulator(curve), budget="90 epochs")
    assert any(trial.loss == math.inf for trial in study.trials)
    yield study
    study.close()


def points(axes, marker):
    """Return the (x, y) of the lines that are drawn with a marker only."""
    lines = [line for line in axes.lines if line.get_marker() == marker]
    return [tuple(map(float, point)) for line in lines for point in line.get_xydata()]


def test_trials_lie_where_their_params_are_on_the_scales_of_the_search(study):
    [axes] = plots.trials(study.history, "lr", "optimizer").axes
    drawn = {tuple(point) for point in axes.collections[0].get_offsets().round(9).tolist()}
    assert drawn == {tuple(row) for row in study.history.matrix()[:, :2].round(9).tolist()}
    best = SPACE.encode(study.best.params)[:2]
    assert np.allclose(axes.collections[1].get_offsets(), [best])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("lr", "optimizer")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["adam", "sgd"]
    assert next(label.get_text() for label in axes.get_xticklabels()) == "0.0001"


def test_a_trial_without_the_parameter_is_not_drawn(study):
    [axes] = plots.trials(study.history, "lr", "momentum").axes
    with_momentum = [trial for trial in study.trials if "momentum" in trial.params]
    assert 0 < len(axes.collections[0].get_offsets()) == len(with_momentum) < len(study.trials)


def test_the_better_a_trial_the_darker_it_is(study):
    [axes] = plots.trials(study.history, "lr", "optimizer").axes
    places, shades = axes.collections[0].get_offsets(), axes.collections[0].get_alpha()
    losses = {
        tuple(row[:2].round(9)): trial.loss for row, trial in zip(study.history.matrix(), study.trials, strict=True)
    }
    order = [losses[tuple(place)] for place in places.round(9).tolist()]
    assert order == sorted(order, reverse=True)
    assert list(shades) == sorted(shades)


def test_a_study_without_trials_has_an_empty_picture():
    with wt.Study.create(wt.Experiment(print, SPACE, minimize="loss", epochs=9)) as study:
        assert len(plots.trials(study.history, "lr", "optimizer").axes[0].collections[0].get_offsets()) == 0
        assert plots.curves(study.history).axes[0].get_xlabel() == "epoch"


def test_an_unknown_parameter_is_refused_with_those_there_are(study):
    with pytest.raises(wt.InvalidInput, match="parameter must be one of lr, optimizer, momentum, got 'rate'"):
        plots.trials(study.history, "rate", "lr")


def test_curves_are_what_was_reported(study):
    [axes] = plots.curves(study.history).axes
    lines = [line for line in axes.lines if line.get_linestyle() == "-"]
    drawn = [line.get_xydata().tolist() for line in lines]
    known = [
        [[report.epoch, report.metrics["loss"]] for report in trial.reports if report.metrics["loss"] is not None]
        for trial in study.trials
    ]
    assert drawn == known
    assert [text.get_text() for text in axes.texts] == [f"trial {study.best.id}"]


def test_a_cross_ends_the_curve_of_a_trial_that_diverged(study):
    [axes] = plots.curves(study.history).axes
    diverged = [trial for trial in study.trials if trial.loss == math.inf]
    assert points(axes, "x") == [(trial.epoch - 1, trial.losses[-2]) for trial in diverged]


def test_pictures_go_into_axes_of_ones_own_and_leave_the_global_state_alone(study, tmp_path):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    figure = Figure((8, 3))
    left, right = figure.subplots(1, 2)
    assert plots.curves(study.history, axes=left) is figure
    assert plots.trials(study.history, "lr", "optimizer", axes=right) is figure
    assert left.lines
    assert right.collections
    figure.savefig(tmp_path / "both.svg")
    assert (tmp_path / "both.svg").read_text().startswith("<?xml")
    assert dict(mpl.rcParams) == before


def test_pictures_need_no_window_and_load_nothing_before_the_first():
    script = (
        "import sys; from welltempered import plots; assert 'matplotlib' not in sys.modules; "
        "plots.averages(); assert 'matplotlib' in sys.modules; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_without_matplotlib_it_says_how_to_get_it():
    script = (
        "import sys; sys.modules['matplotlib'] = None; from welltempered import InvalidInput, plots\n"
        "try: plots.averages()\nexcept InvalidInput as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "pictures need matplotlib, which is not installed: pip install 'welltempered[plots]'\n"


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_an_explosion_does_not_flatten_the_other_curves(goal):
    sign = 1 if goal == "minimize" else -1

    def exploding(params, epoch):
        return {"score": sign * (1e6 if params["lr"] > 0.08 else params["lr"] + 1 / epoch)}

    experiment = wt.Experiment(print, SPACE, **{goal: "score"}, epochs=9, method=wt.Full(wt.Sobol()))
    with wt.Study.create(experiment) as study:
        study.drive(wt.Simulator(exploding), budget="40 trials")
        assert any(abs(trial.value) > 1e5 for trial in study.trials)
        ends = plots.curves(study.history).axes[0].get_ylim()
    assert max(map(abs, ends)) < 3
    assert min(sign * end for end in ends) < 0.12


def test_a_study_in_place_of_its_history_is_told_where_that_is(study):
    for draw in (lambda: plots.curves(study), lambda: plots.trials(study, "lr", "optimizer")):
        with pytest.raises(wt.InvalidInput, match=r"; give study\.history$"):
            draw()
    with pytest.raises(wt.InvalidInput, match=r"history must be that of a study, study\.history, got <class"):
        plots.curves(wt.Study)
    with pytest.raises(wt.InvalidInput, match="x and y must be two parameters, got x='lr', y='lr'"):
        plots.trials(study.history, "lr", "lr")
