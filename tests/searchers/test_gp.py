import math
from itertools import combinations

import numpy as np
import pytest

from simulated import SPACES, history_of, params_of, simulate, study_of
from welltempered.errors import InvalidInput
from welltempered.events import Reported, Started
from welltempered.schedulers.full import Full
from welltempered.schedulers.hyperband import Hyperband
from welltempered.searchers import gp as module
from welltempered.searchers.gp import GP
from welltempered.searchers.sobol import Sobol
from welltempered.space import Choice, Float, Int, Space

pytestmark = pytest.mark.usefixtures("no_global_randomness")

SPACE = Space(
    kind=Choice("good", "bad"),
    x=Float(0, 1),
    y=Float(1e-4, 1, scale="log"),
    own=Float(0, 1).when(kind="good"),
    whole=Int(1, 4),
)


def loss(params):
    u = dict(zip(SPACE.names, SPACE.encode(params), strict=True))
    value = (u["x"] - 0.3) ** 2 + (u["y"] - 0.7) ** 2 + 0.1 * abs(params["whole"] - 3)
    return value + (1 if params["kind"] == "bad" else (params["own"] - 0.5) ** 2)


def searched(searcher, trials, *, space=SPACE, loss=loss, seed=0):
    """Return the history of a study in which each trial is one epoch."""
    history = history_of(space, Full(searcher), epochs=1, seed=seed)
    for id in range(trials):
        history.apply(Started(id, searcher.suggest(history), 1))
        history.apply(Reported(id, 1, {"loss": loss(history.trials[id].params)}))
    return history


def lowest(history):
    return min(trial.loss for trial in history.trials)


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_in_40_trials_what_even_points_do_not_find_in_200(seed):
    assert lowest(searched(GP(), 40, seed=seed)) < 0.2 * lowest(searched(Sobol(), 200, seed=seed))


def test_the_first_trials_are_those_of_sobol():
    assert params_of(searched(GP(start=6), 6)) == params_of(searched(Sobol(), 6))
    assert params_of(searched(GP(start=6), 7))[6] != params_of(searched(Sobol(), 7))[6]


def test_it_keeps_away_from_where_trials_diverge():
    def cliff(params):
        return None if params["x"] > 0.5 else 1 - params["x"]

    history = searched(GP(), 40, space=Space(x=Float(0, 1), y=Float(0, 1)), loss=cliff)
    assert sum(trial.failed for trial in history.trials[20:]) <= 10
    assert 0.5 < lowest(history) < 0.51


def test_an_outlier_among_losses_does_not_blind_it():
    def outlying(params):
        return 1e30 if params["kind"] == "bad" else loss(params)

    assert lowest(searched(GP(), 40, loss=outlying)) < 0.02


def test_what_is_running_is_not_tried_again_nearby():
    square = Space(x=Float(0, 1), y=Float(0, 1))
    history = searched(
        GP(), 10, space=square, loss=lambda params: math.sin(9 * params["x"]) * math.cos(7 * params["y"])
    )
    for id in range(10, 18):
        history.apply(Started(id, GP().suggest(history), 1))
    running = square.encode_many(params_of(history)[10:])
    apart = [np.linalg.norm(one - other) for one, other in combinations(running, 2)]
    assert max(apart) > 0.3


def test_trials_that_all_fail_leave_it_to_even_points():
    everything = searched(GP(start=2), 12, loss=lambda params: None)
    assert params_of(everything) == params_of(searched(Sobol(), 12))


def test_a_process_holds_no_more_than_its_most_and_the_best_are_among_them(monkeypatch):
    monkeypatch.setattr(module, "_MOST", 30)
    monkeypatch.setattr(module, "_LESS", 20)
    history = searched(GP(), 40)
    state = history.fold(GP())
    assert len(state.ids) == state.process.size <= 30
    first = [trial.loss for trial in history.trials[:31]]
    assert set(np.argsort(first)[:10]) <= set(state.ids)
    assert lowest(history) < 0.02


def test_state_asked_for_late_is_the_state_that_was_there_from_the_start():
    early = searched(GP(), 30)
    late = history_of(SPACE, Full(GP()), epochs=1)
    for event in early.events:
        late.apply(event)
    assert GP().suggest(late) == GP().suggest(early)
    assert late.fold(GP()).beliefs == early.fold(GP()).beliefs


def test_within_hyperband_it_learns_from_short_trainings():
    def curve(params, epoch):
        return {"loss": loss(params) + 1 / epoch}

    def best(searcher, seed):
        study = simulate(study_of(SPACE, Hyperband(searcher), epochs=9, seed=seed), budget="300 epochs", curve=curve)
        return study.history.best.loss - 1 / 9

    assert math.fsum(best(GP(), seed) for seed in range(3)) < 0.5 * math.fsum(best(Sobol(), seed) for seed in range(3))


def test_points_of_a_large_finite_space_are_never_tried_twice():
    space = Space(a=Int(1, 50), b=Int(1, 50), c=Choice("x", "y"))
    history = searched(GP(), 60, space=space, loss=lambda params: float(params["a"]))
    assert len({tuple(params.values()) for params in params_of(history)}) == 60
    assert lowest(history) == 1.0


def test_thirty_parameters_and_one_are_searched_alike():
    for count in (1, 30):
        space = Space({f"x{i}": Float(0, 1) for i in range(count)})
        history = searched(GP(), 30, space=space, loss=lambda params: (params["x0"] - 0.4) ** 2)
        assert lowest(history) < 1e-3


def test_a_start_of_less_than_two_is_refused():
    with pytest.raises(InvalidInput, match="start must be a whole number of at least 2, got start=1"):
        GP(start=1)


@pytest.mark.parametrize("space", ["nested conditions", "zero or log", "constrained"])
def test_a_point_of_an_infinite_space_is_not_tried_twice(space):
    def flat(params):
        return float(len(params))

    found = params_of(searched(GP(), 30, space=SPACES[space], loss=flat))
    assert all(params not in found[:id] for id, params in enumerate(found))
