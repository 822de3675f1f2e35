"""What all searchers have in common beside what `check_searcher` sees, for which see `test_cross`."""

import pytest

from simulated import FINITE, SPACES, copied, forbid_walking, history_of, params_of, simulate, study_of, suggested
from welltempered.errors import InvalidInput
from welltempered.events import Started
from welltempered.schedulers.full import Full
from welltempered.searchers.grid import Grid
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol
from welltempered.space import Choice, Float, Int, Space
from welltempered.testing import check_searcher

SEARCHERS = [Random(), Sobol(), Grid(points=4)]
EXPLORERS = [Random(), Sobol()]  # those that never run out of an infinite space
INFINITE = {name: space for name, space in SPACES.items() if name not in FINITE}

pytestmark = pytest.mark.usefixtures("no_global_randomness")
every_searcher = pytest.mark.parametrize("searcher", SEARCHERS, ids=repr)
every_explorer = pytest.mark.parametrize("searcher", EXPLORERS, ids=repr)
finite_spaces = pytest.mark.parametrize("space", FINITE.values(), ids=FINITE)
infinite_spaces = pytest.mark.parametrize("space", INFINITE.values(), ids=INFINITE)


def test_a_grid_of_many_points_exhausts_finite_spaces():
    check_searcher(Grid(points=100), spaces=FINITE, seeded=False)


@every_explorer
@finite_spaces
def test_the_seed_decides_in_finite_spaces_too(searcher, space):
    assert suggested(searcher, space, 20, seed=3) == suggested(searcher, space, 20, seed=3)
    assert suggested(searcher, space, 6, seed=3) != suggested(searcher, space, 6, seed=4)


@every_explorer
@infinite_spaces
def test_an_infinite_space_is_never_exhausted(searcher, space):
    assert len(suggested(searcher, space, 300)) == 300


@pytest.mark.parametrize("searcher", [*EXPLORERS, Grid(points=100)], ids=repr)
@finite_spaces
def test_a_study_of_a_finite_space_ends_when_every_point_is_trained(searcher, space):
    study = simulate(study_of(space, Full(searcher), epochs=2), slots=3)
    assert len(study.trials) == len(list(space.points(None)))
    assert all(trial.state == "complete" for trial in study.trials)
    assert study.decide(None, 0.0) is None
    assert study.replay(verify=True).differences == ()


@every_explorer
def test_points_that_recur_in_an_infinite_space_are_tried_once(searcher):
    """A branch without parameters of its own, and a parameter that is often exactly zero."""
    branch = Space(kind=Choice("plain", "tuned"), lr=Float(0, 1).when(kind="tuned"))
    assert suggested(searcher, branch, 50).count({"kind": "plain"}) == 1
    decay = Space(decay=Float(1e-6, 1e-2, scale="zero_or_log"))
    assert suggested(searcher, decay, 50).count({"decay": 0.0}) == 1


@every_explorer
def test_a_space_in_which_almost_all_draws_recur_still_goes_on(searcher):
    space = Space(decay=Float(1e-6, 1e-2, scale="zero_or_log", zero=0.999))
    assert len(suggested(searcher, space, 50)) == 50


@every_explorer
def test_a_parameter_that_is_never_active_does_not_make_a_space_infinite(searcher):
    space = Space(a=Int(1, 3), b=Int(1, 2), never=Float(0, 1).when("a + b > 9"))
    assert len(suggested(searcher, space, 100)) == space.size == 6


@every_explorer
def test_a_continued_study_of_a_finite_space_decides_as_if_never_stopped(searcher):
    """Quasi-random points meet in a finite space; where the search stands must not depend on who has asked."""
    space = Space(a=Int(1, 9), b=Int(1, 9), c=Int(1, 9))
    straight = simulate(study_of(space, Full(searcher), epochs=1))
    for stop in (40, 300, 700):
        study = copied(straight, straight.history.events.index(straight.trials[stop].reports[0]) + 1)
        simulate(study)
        assert params_of(study.history) == params_of(straight.history)
        assert study.replay(verify=True).differences == ()


@every_explorer
def test_a_suggestion_does_not_walk_through_the_trials(searcher):
    for space in SPACES.values():
        history = history_of(space, Full(searcher))
        searcher.suggest(history)
        forbid_walking(history)
        for id in range(min(int(min(space.size, 100)) // 2, 50)):
            history.apply(Started(id, searcher.suggest(history), 1))


@every_searcher
@pytest.mark.parametrize(
    "space",
    [
        Space(a=Int(1, 10), b=Int(1, 10)).where("a > b + 20"),
        Space(a=Float(0, 1), b=Choice("x", "y")).where("a > 0.5", "a < 0.5"),
    ],
    ids=["finite", "infinite"],
)
def test_constraints_that_leave_nothing_end_the_study_with_an_error(searcher, space):
    study = study_of(space, Full(searcher))
    for _ in range(2):
        with pytest.raises(InvalidInput, match=r"constraints.* leave"):
            simulate(study)
    assert not study.trials
