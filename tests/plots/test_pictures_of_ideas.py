"""Pictures of scales and averages."""

import numpy as np
import pytest

import welltempered as wt
from welltempered import plots
from welltempered.plots.averages import average

LOG = wt.Float(1e-4, 1e-1, scale="log")


def rows(figure):
    """Return the positions of the ticks in each row, from the top."""
    lines = [line for line in figure.axes[0].lines if line.get_marker() == "|"]
    return [line.get_xdata() for line in reversed(lines)]


def test_on_its_own_scale_a_parameter_is_even_and_a_linear_one_crowds_at_the_upper_end():
    linear, log = rows(plots.scales({"linear": wt.Float(1e-4, 1e-1), "log": LOG}, points=30))
    assert np.allclose(np.diff(log), 1 / 30)
    assert np.mean(np.array(linear) > 2 / 3) > 0.85, "nine tenths of a linear scale lie in its upper decade"


def test_a_row_shows_only_what_the_axis_has():
    wide, narrow = rows(plots.scales({"wide": wt.Float(1e-6, 1e-1, scale="log"), "narrow": LOG}, points=50))
    assert len(narrow) == 50
    assert len(wide) == 30


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (({},), "parameters must be at least one"),
        (({"optimizer": wt.Choice("a", "b")},), "parameters must be Float or Int, got optimizer="),
    ],
)
def test_what_has_no_scale_is_refused(arguments, sentence):
    with pytest.raises(wt.InvalidInput, match=sentence):
        plots.scales(*arguments)


def test_an_average_of_a_constant_is_that_constant_from_the_first_step():
    assert np.allclose(average(np.full(50, 3.0), 0.98), 3.0)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.98])
def test_an_average_weighs_each_step_by_a_power_of_beta(beta):
    values = np.random.default_rng(1).normal(size=40)
    weights = beta ** np.arange(39, -1, -1)
    assert average(values, beta)[-1] == pytest.approx(np.average(values, weights=weights))


def test_the_larger_beta_the_smoother_and_the_later():
    [axes] = plots.averages((0.5, 0.9, 0.98)).axes
    quick, middle, slow = (line.get_ydata() for line in axes.lines[1:])
    assert np.std(np.diff(quick)) > np.std(np.diff(middle)) > np.std(np.diff(slow))
    assert np.argmax(slow) > np.argmax(middle)
    assert [text.get_text() for text in axes.get_legend().get_texts()][-1] == "β = 0.98 averages about 50 steps"


@pytest.mark.parametrize("beta", [1, -0.1, float("nan")])
def test_a_beta_that_averages_nothing_is_refused(beta):
    with pytest.raises(wt.InvalidInput, match=r"betas must be .*at least 0 and below 1, got"):
        plots.averages([beta])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: plots.averages(0.9), "betas must be a list of at least one number, such as"),
        (lambda: plots.averages([]), "betas must be a list of at least one number"),
        (lambda: plots.averages([0.9], series="abc"), "series must be a list of numbers, got series='abc'"),
        (lambda: plots.averages(axes=3), "axes must be axes of matplotlib, such as .*, got axes=3"),
        (lambda: plots.scales([LOG]), "parameters must have names, as in"),
        (lambda: plots.scales({"log": LOG}, axis="m"), "axis must be a Float or Int, .*, got axis='m'"),
        (lambda: plots.schedules([], epochs=3), "schedules must be at least one"),
        (lambda: plots.schedules([wt.ReduceOnPlateau()], epochs=3, losses=[1]), "one per epoch, got 1 for epochs=3"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, sentence):
    with pytest.raises(wt.InvalidInput, match=sentence):
        call()
