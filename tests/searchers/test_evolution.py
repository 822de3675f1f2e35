import math

import numpy as np
import pytest

from simulated import SPACES, forbid_walking, history_of, simulate, study_of, suggested
from welltempered.errors import InvalidInput
from welltempered.events import FAILED, Ended, Reported, Started
from welltempered.schedulers.full import Full
from welltempered.schedulers.hyperband import Hyperband
from welltempered.searchers.evolution import Evolution
from welltempered.searchers.sobol import Sobol
from welltempered.space import Choice, Float, Int, Space

pytestmark = pytest.mark.usefixtures("no_global_randomness")
CUBE = Space({f"x{i}": Float(0, 1) for i in range(4)})
SMALL = Evolution(population=6, least=4)


def bowl(params):
    return sum((x - 0.3) ** 2 for x in params.values())


def trained(history, losses, epochs=1):
    """Start one trial after the other and train each for so many epochs, to these losses."""
    for loss in losses:
        trial = len(history.trials)
        history.apply(Started(trial, Sobol().suggest(history), epochs))
        for epoch in range(1, epochs + 1):
            history.apply(Reported(trial, epoch, {"loss": loss}))


def members(history, searcher, epoch):
    """Return who has which place."""
    return {place: id for place, (_, id) in history.fold(searcher).populations.get(epoch, {}).items()}


@pytest.mark.parametrize("seed", range(3))
def test_it_comes_closer_than_even_points(seed):
    def found(searcher):
        history = history_of(CUBE, Full(searcher), epochs=1, seed=seed)
        for trial in range(300):
            history.apply(Started(trial, params := searcher.suggest(history), 1))
            history.apply(Reported(trial, 1, {"loss": bowl(params)}))
        return history.best.loss

    assert found(Evolution()) < 0.4 * found(Sobol())


def test_the_first_trials_cover_the_space_evenly():
    assert suggested(Evolution(), CUBE, 20) == suggested(Sobol(), CUBE, 20)


def test_a_trial_takes_its_place_unless_it_is_worse():
    history = history_of(CUBE, Full(SMALL), epochs=1)
    trained(history, [1.0, 2, 3, 4, 5, 6, 9, 1, 3])
    assert members(history, SMALL, 1) == {0: 0, 1: 7, 2: 8, 3: 3, 4: 4, 5: 5}


def test_each_epoch_has_a_population_and_the_highest_with_enough_members_breeds():
    history = history_of(CUBE, Full(SMALL))
    trained(history, [1.0] * 5, epochs=1)
    trained(history, [7.0] * 3, epochs=3)
    state = history.fold(SMALL)
    assert state.parents(4) is state.populations[1]
    trained(history, [8.0], epochs=3)
    assert state.parents(4) is state.populations[3]
    assert sorted(members(history, SMALL, 3).values()) == [5, 6, 7, 8]


def test_trials_that_have_failed_have_no_place():
    history = history_of(CUBE, Full(SMALL))
    trained(history, [1.0, None, 2.0])
    history.apply(Started(3, Sobol().suggest(history), 9))
    history.apply(Reported(3, 1, {"loss": 0.0}))
    history.apply(Ended(3, FAILED, "RuntimeError"))
    assert members(history, SMALL, 1) == {0: 0, 2: 2}


def test_where_all_fail_it_goes_on_with_even_points():
    history = history_of(CUBE, Full(SMALL))
    trained(history, [None] * 12)
    assert SMALL.suggest(history) == Sobol().suggest(history)


def test_without_crossover_a_child_differs_from_its_target_in_one_parameter():
    searcher = Evolution(population=6, least=6, crossover=0)
    history = history_of(CUBE, Full(searcher), epochs=1)
    trained(history, [1.0] * 6)
    for trial in range(6, 30):
        target = history.trials[members(history, searcher, 1)[trial % 6]].params
        child = searcher.suggest(history)
        assert sum(child[name] != target[name] for name in child) == 1
        history.apply(Started(trial, child, 1))
        history.apply(Reported(trial, 1, {"loss": 1.0}))


def test_children_lie_in_the_space_where_parents_crowd_at_its_border():
    history = history_of(CUBE, Full(SMALL), epochs=1)
    for trial in range(200):
        history.apply(Started(trial, params := SMALL.suggest(history), 1))
        assert CUBE.contains(params)
        history.apply(Reported(trial, 1, {"loss": sum(params.values())}))
    assert history.best.loss < 0.3


@pytest.mark.parametrize("kind", [Choice("a", "b"), Int(0, 1)])
def test_both_of_two_values_come_from_parents_of_both_equally_often(kind):
    """The middle of a bin would favour the one whose bin begins where two middles meet."""
    space = Space(kind=kind, x=Float(0, 1))
    searcher = Evolution(crossover=1)
    values = kind.grid(2)
    history = history_of(space, Full(searcher), epochs=1)
    for trial in range(20):
        history.apply(Started(trial, {"kind": values[trial % 2], "x": trial / 20}, 1))
        history.apply(Reported(trial, 1, {"loss": 0.0}))
    drawn = []
    for trial in range(20, 420):
        drawn.append(searcher.suggest(history)["kind"])
        history.apply(Started(trial, {"kind": values[trial % 2], "x": 0.5 + trial / 1000}, 1))
        history.apply(Reported(trial, 1, {"loss": 1.0}))
    assert 0.4 < drawn.count(values[0]) / 400 < 0.6


def test_a_parameter_that_was_inactive_in_the_parents_may_take_any_value():
    space = Space(opt=Choice("sgd", "adam"), momentum=Float(0, 1).when(opt="sgd"))
    history = history_of(space, Full(SMALL), epochs=1)
    for trial in range(100):
        history.apply(Started(trial, params := SMALL.suggest(history), 1))
        loss = params.get("momentum", 0.5)
        history.apply(Reported(trial, 1, {"loss": loss}))
    assert history.best.params["opt"] == "sgd"
    assert history.best.loss < 0.1


def test_it_learns_within_hyperband_and_from_several_workers():
    def curve(params, epoch):
        return {"loss": bowl(params) + 1 / epoch}

    study = study_of(CUBE, Hyperband(Evolution()), epochs=9)
    simulate(study, slots=4, budget="900 epochs", curve=curve)
    losses = [bowl(trial.params) for trial in study.trials]
    assert np.median(losses[-50:]) < 0.5 * np.median(losses[:50])
    assert study.replay(verify=True).differences == ()


def test_thirty_dimensions_and_infinite_losses_are_no_trouble():
    space = Space({f"x{i}": Float(0, 1) for i in range(30)})
    history = history_of(space, Full(SMALL), epochs=1)
    for trial in range(60):
        history.apply(Started(trial, params := SMALL.suggest(history), 1))
        loss = math.inf if params["x0"] > 0.5 else params["x1"]
        history.apply(Reported(trial, 1, {"loss": loss if loss < math.inf else None}))
    assert sum(trial.failed for trial in history.trials[-20:]) < 10


def test_a_suggestion_does_not_walk_through_all_trials():
    history = history_of(SPACES["continuous"], Full(SMALL), epochs=1)
    for trial in range(30):
        history.apply(Started(trial, SMALL.suggest(history), 1))
        history.apply(Reported(trial, 1, {"loss": 1.0}))
    history.matrix()
    forbid_walking(history)
    assert SMALL.suggest(history)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"population": 3}, "population must be a whole number of at least 4, got population=3"),
        ({"least": 2}, "least must be a whole number of at least 4, got least=2"),
        ({"population": 5, "least": 6}, "least must be at most population = 5, got least=6"),
        ({"factor": 0}, "factor must be above 0 and at most 2, got factor=0"),
        ({"crossover": 1.1}, "crossover must be at least 0 and at most 1, got crossover=1.1"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(InvalidInput) as error:
        Evolution(**arguments)
    assert str(error.value) == message
