"""Searchers spread values as the scale of a preset says: quartiles, drawn by the searchers themselves."""

import numpy as np
import pytest

from simulated import simulate, study_of, suggested
from welltempered.presets.design import units
from welltempered.presets.regularisation import weight_decay
from welltempered.presets.training import batch_size, epsilon, learning_rate, momentum
from welltempered.schedulers.full import Full
from welltempered.searchers.grid import Grid
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol
from welltempered.space import Space

QUARTERS = (0.25, 0.5, 0.75)
# Four standard errors of a quartile of 1500 uniform numbers, 4 * sqrt(0.25 * 0.75 / 1500); Sobol's points are a net,
# in which a quartile is off by one gap at most; the quartiles of a grid are points of it.
SEARCHERS = {
    "random": (Random(), 1500, 0.045),
    "sobol": (Sobol(), 512, 1 / 512),
    "grid": (Grid(points=5), 5, 1e-9),
}
every_searcher = pytest.mark.parametrize(("searcher", "trials", "error"), SEARCHERS.values(), ids=SEARCHERS)

SCALES = {
    "momentum": (momentum(0.9, 0.999), [0.968377, 0.99, 0.996838]),
    "learning_rate": (learning_rate(1e-5, 1e-1), [1e-4, 1e-3, 1e-2]),
    "epsilon": (epsilon(1e-10, 1e-2), [1e-8, 1e-6, 1e-4]),
}


def values_of(parameter, searcher, trials, seed=1):
    return [params["it"] for params in suggested(searcher, Space(it=parameter), trials, seed=seed)]


@every_searcher
@pytest.mark.parametrize("name", SCALES)
def test_quartiles_are_those_of_the_scale(name, searcher, trials, error):
    parameter, quartiles = SCALES[name]
    values = values_of(parameter, searcher, trials)
    assert len(values) == trials
    found = np.quantile([parameter.encode(value) for value in values], QUARTERS)
    assert found == pytest.approx(QUARTERS, abs=error)
    assert [parameter.encode(value) for value in quartiles] == pytest.approx(QUARTERS, abs=1e-3)


@pytest.mark.parametrize(("searcher", "digits"), [(Random(), 0.0025), (Sobol(), 0.0005), (Grid(points=5), 0.0005)])
def test_the_quartiles_of_momentum_are_those_of_the_article(searcher, digits):
    """A linear scale has 0.925, 0.950 and 0.974 here, and `reverse_log` of other tuners a median of 0.951."""
    values = values_of(momentum(0.9, 0.999), searcher, 5 if isinstance(searcher, Grid) else 1024, seed=2)
    assert np.quantile(values, QUARTERS) == pytest.approx([0.968, 0.990, 0.997], abs=digits)


def test_a_whole_study_spreads_momentum_alike():
    study = simulate(study_of(Space(it=momentum()), Full(Sobol()), epochs=1), budget="256 trials")
    values = [trial.params["it"] for trial in study.trials]
    assert np.quantile(values, QUARTERS) == pytest.approx([0.968, 0.990, 0.997], abs=0.0006)


@pytest.mark.parametrize(("searcher", "trials", "error"), [(Random(), 1500, 0.045), (Sobol(), 512, 0.004)], ids=repr)
def test_a_quarter_of_the_weight_decays_is_exactly_zero_and_the_others_are_log(searcher, trials, error):
    # With a second parameter, since a trial without any of it would be tried only once.
    space = Space(it=weight_decay(1e-6, 1e-2), lr=learning_rate())
    values = np.array([params["it"] for params in suggested(searcher, space, trials, seed=1)])
    assert np.mean(values == 0) == pytest.approx(0.25, abs=error)
    logs = np.log10(values[values > 0])
    assert np.quantile(logs, QUARTERS) == pytest.approx([-5, -4, -3], abs=5 * error)


def test_a_grid_tries_zero_once_and_spreads_the_others():
    assert values_of(weight_decay(1e-6, 1e-2), Grid(points=6), 9) == [0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2]


@pytest.mark.parametrize("parameter", [batch_size(16, 512), units(n_in=784, n_out=10)], ids=["batch_size", "units"])
@pytest.mark.parametrize("searcher", [Random(), Sobol()], ids=repr)
def test_every_power_of_two_is_tried_equally_often(parameter, searcher):
    space = Space(it=parameter, lr=learning_rate())
    values = [params["it"] for params in suggested(searcher, space, 600, seed=3)]
    counts = [values.count(value) for value in parameter.values()]
    assert sum(counts) == 600
    fair = 600 / len(counts)
    assert all(abs(count - fair) < 4.5 * fair**0.5 for count in counts)
