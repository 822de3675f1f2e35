"""The picture of a range test shows the points, the curve and what follows from them."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from welltempered import InvalidInput, plots
from welltempered.sweep.points import Sweep
from welltempered.sweep.result import range_of

SWEPT = (1e-6, 10.0)


def sweep(seed, *, explodes=True):
    """A fall around 1e-3 and, if wanted, an explosion at 1e-1."""
    rates = np.geomspace(1e-6, 5.0, 60)
    losses = 2 - 1 / (1 + (1e-3 / rates) ** 2) + 0.02 * np.random.default_rng(seed).standard_normal(60)
    losses += (rates / 0.1) ** 6 if explodes else 0.0
    return Sweep(tuple(rates.tolist()), tuple(losses.tolist()), 2.0, diverged=explodes)


@pytest.fixture
def axes():
    return Figure().subplots()


def texts(axes):
    return [text.get_text().strip() for text in axes.texts]


def test_everything_that_was_found_is_marked_and_named(axes):
    found = range_of([sweep(seed) for seed in range(3)], SWEPT, 180)
    plots.range_test(found, axes=axes)
    axes.figure.canvas.draw()
    assert axes.get_xscale() == "log"
    assert axes.get_xlim() == SWEPT
    assert texts(axes) == [
        f"range {found.low:.2g} to {found.high:.2g}",
        f"try {found.suggested:.2g}",
        "steepest",
        "diverges",
    ]
    places = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 2]
    assert places == pytest.approx([found.suggested, found.divergence])
    assert axes.patches[0].get_x() == pytest.approx(found.low)
    assert axes.patches[0].get_x() + axes.patches[0].get_width() == pytest.approx(found.high)


def test_points_of_every_seed_are_there(axes):
    found = range_of([sweep(seed) for seed in range(3)], SWEPT, 180)
    plots.range_test(found, axes=axes)
    points = [line for line in axes.lines if line.get_marker() == "."]
    assert [list(line.get_ydata()) for line in points] == [list(each.losses) for each in found.sweeps]


def test_an_explosion_does_not_flatten_the_curve(axes):
    found = range_of([sweep(seed) for seed in range(3)], SWEPT, 180)
    plots.range_test(found, axes=axes)
    bottom, top = axes.get_ylim()
    assert max(found.sweeps[0].losses) > 1e6
    assert 0 < bottom < 1
    assert top < 6


def test_without_a_divergence_none_is_drawn(axes):
    found = range_of([sweep(seed, explodes=False) for seed in range(3)], SWEPT, 180)
    plots.range_test(found, axes=axes)
    assert "steepest" in texts(axes)
    assert "diverges" not in texts(axes)


def test_when_nothing_can_be_said_the_reason_stands_in_the_picture(axes):
    flat = Sweep(sweep(0).rates, (2.0,) * 60, 2.0, diverged=False)
    plots.range_test(range_of([flat], SWEPT, 60), axes=axes)
    axes.figure.canvas.draw()
    assert "does not move" in axes.get_title().replace("\n", " ")
    assert not axes.patches


def test_a_test_without_a_curve_says_why(axes):
    plots.range_test(range_of([Sweep((), (), math.inf, diverged=True)], SWEPT, 1), axes=axes)
    axes.figure.canvas.draw()
    assert "not finite before the first step" in texts(axes)[0].replace("\n", " ")


def test_other_things_are_refused(axes):
    with pytest.raises(InvalidInput, match="result must be a RangeTest"):
        plots.range_test("found", axes=axes)
