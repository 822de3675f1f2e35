import math
import sys

import numpy as np
import pytest

from simulated import SPACES, history_of, simulate, study_of, suggested
from welltempered.errors import InvalidInput
from welltempered.events import Reported, Started
from welltempered.schedulers.full import Full
from welltempered.schedulers.hyperband import Hyperband
from welltempered.searchers.cma import CMA
from welltempered.searchers.sobol import Sobol
from welltempered.space import Choice, Float, Int, Space

pytestmark = pytest.mark.usefixtures("no_global_randomness")
CUBE = Space({f"x{i}": Float(0, 1) for i in range(4)})
MIXED = Space(
    lr=Float(1e-5, 1, scale="log"), layers=Int(1, 9), units=Int(1, 1000), act=Choice("relu", "tanh", "gelu", "elu")
)


def searched(searcher, space, loss, trials, seed=0):
    """Return the history of full trainings of one epoch, one after the other."""
    history = history_of(space, Full(searcher), epochs=1, seed=seed)
    for trial in range(trials):
        params = searcher.suggest(history)
        history.apply(Started(trial, params, 1))
        value = loss(params)
        history.apply(Reported(trial, 1, {"loss": value if math.isfinite(value) else None}))
    return history


def valley(params):
    """Return the height of a narrow and slanting valley whose lowest point is away from the middle."""
    x = np.array(list(params.values())) - [0.3, 0.6, 0.7, 0.4]
    slanting = np.array([x[0] + x[1], x[0] - x[1], x[2] + x[3], x[2] - x[3]])
    return float((np.array([1, 100, 10, 100]) * slanting**2).sum())


def mixed(params):
    wrong = {"relu": 0.5, "tanh": 0.2, "gelu": 0.0, "elu": 0.3}[params["act"]]
    return wrong + abs(math.log10(params["lr"]) + 3) + abs(params["layers"] - 6) + abs(params["units"] - 300) / 1000


def best(history):
    return history.best.loss


@pytest.mark.parametrize("seed", range(3))
def test_it_goes_down_a_slanting_valley_where_even_points_do_not(seed):
    assert best(searched(CMA(), CUBE, valley, 300, seed)) < 0.1 * best(searched(Sobol(), CUBE, valley, 300, seed))


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_the_best_option_and_integer_together_with_the_numbers(seed):
    history = searched(CMA(), MIXED, mixed, 250, seed)
    late = [trial.params for trial in history.trials[-30:]]
    assert best(history) < 0.05
    assert sum(params["act"] == "gelu" and params["layers"] == 6 for params in late) > 15


def test_only_the_order_of_losses_matters():
    plain = searched(CMA(), CUBE, valley, 60)
    bent = searched(CMA(), CUBE, lambda params: math.exp(valley(params)) - 1e3, 60)
    assert [trial.params for trial in plain.trials] == [trial.params for trial in bent.trials]


def test_it_moves_away_from_where_trials_diverge():
    history = searched(CMA(), CUBE, lambda params: math.inf if params["x0"] > 0.5 else params["x1"], 120)
    diverged = [trial.failed for trial in history.trials]
    assert sum(diverged[:8]) >= 2  # of the first generation
    assert sum(diverged[-40:]) <= 4


def test_it_goes_on_when_all_trials_diverge():
    history = searched(CMA(), MIXED, lambda params: math.inf, 60)
    assert len({str(trial.params) for trial in history.trials}) == 60


def test_a_run_that_has_converged_begins_anew_elsewhere_with_twice_as_many_points():
    searcher = CMA()
    history = searched(searcher, Space(x=Float(0, 1)), lambda params: abs(params["x"] - 0.3), 250)
    late = history.matrix()[-100:, 0]
    state = history.fold(searcher)
    assert state.runs >= 2
    assert state.population == 4 * 2 ** (state.runs - 1)
    assert np.ptp(late) > 0.3


def test_a_run_without_any_gain_begins_anew():
    searcher = CMA(growth=1)
    history = searched(searcher, CUBE, lambda params: 1.0, 500)
    assert history.fold(searcher).runs >= 2
    assert history.fold(searcher).population == 8


def test_a_generation_may_hold_trials_that_the_one_before_left_open():
    """Workers never wait: of ten open trials the first eight to come back are the generation."""
    searcher = CMA()
    history = history_of(CUBE, Full(searcher), epochs=1)
    for trial in range(10):
        history.apply(Started(trial, searcher.suggest(history), 1))
    for trial in (9, 8, 7, 6, 5, 4, 3):
        history.apply(Reported(trial, 1, {"loss": float(trial)}))
    assert history.fold(searcher).optimizer.generation == 0
    history.apply(Reported(2, 1, {"loss": 2.0}))
    state = history.fold(searcher)
    assert state.optimizer.generation == 1
    assert sorted(state.points) == [0, 1]


def test_trials_of_others_are_left_out():
    searcher = CMA()
    history = history_of(CUBE, Full(searcher), epochs=1)
    for trial in range(8):
        history.apply(Started(trial, Sobol().suggest(history), 1))
        history.apply(Reported(trial, 1, {"loss": 1.0}))
    assert history.fold(searcher).optimizer.generation == 0


def test_it_learns_within_hyperband_and_from_several_workers():
    def curve(params, epoch):
        return {"loss": valley(params) + 1 / epoch}

    study = study_of(CUBE, Hyperband(CMA()), epochs=9)
    simulate(study, slots=4, budget="900 epochs", curve=curve)
    losses = [valley(trial.params) for trial in study.trials]
    assert np.median(losses[-50:]) < 0.2 * np.median(losses[:50])
    assert study.replay(verify=True).differences == ()


def test_a_space_that_is_used_up_does_not_make_the_population_grow_for_ever():
    searcher = CMA()
    space = Space(first=Int(1, 20), second=Int(1, 20))
    history = searched(searcher, space, lambda params: params["first"], 400)
    assert searcher.suggest(history) is None
    assert history.fold(searcher).population <= 6 * 2**4


def test_both_values_of_a_parameter_with_two_are_tried():
    drawn = suggested(CMA(), Space(width=Int(1, 2, scale="log"), kind=Choice("a", "b"), x=Float(0, 1)), 30)
    assert {(params["width"], params["kind"]) for params in drawn} == {(1, "a"), (1, "b"), (2, "a"), (2, "b")}


def test_a_space_of_constants_has_one_point():
    assert suggested(CMA(), Space(act=Choice("relu")), 3) == [{"act": "relu"}]


def test_integers_of_many_values_and_the_largest_seed_are_no_trouble():
    space = Space(steps=Int(1, 10**9, scale="log"), width=Int(1, 10**6))
    assert len(suggested(CMA(), space, 20, seed=2**63 - 1)) == 20


def test_thirty_dimensions_are_no_trouble():
    space = Space({f"x{i}": Float(0, 1) for i in range(20)}, {f"c{i}": Choice("a", "b", "c") for i in range(10)})
    assert len(searched(CMA(), space, lambda params: params["x0"], 60).trials) == 60


def test_without_the_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "cmaes", None)
    with pytest.raises(InvalidInput, match=r'pip install "welltempered\[cma\]"'):
        CMA().suggest(history_of(SPACES["continuous"], Full(CMA())))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sigma": 0}, "sigma must be above 0 and at most 1, got sigma=0"),
        ({"sigma": 1.5}, "sigma must be above 0 and at most 1, got sigma=1.5"),
        ({"population": 3}, "population must be a whole number of at least 4 or None, got population=3"),
        ({"growth": 0}, "growth must be a whole number of at least 1, got growth=0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(InvalidInput) as error:
        CMA(**arguments)
    assert str(error.value) == message
