import pytest

from simulated import FINITE, SPACES, simulate, study_of, suggested
from welltempered.errors import InvalidInput
from welltempered.method import describe, to_json
from welltempered.schedulers.full import Full
from welltempered.searchers.grid import Grid
from welltempered.searchers.portfolio import Portfolio
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol


def test_searchers_take_turns():
    found = suggested(Portfolio([Sobol(), Grid()]), SPACES["continuous"], 4)
    assert found[::2] == suggested(Sobol(), SPACES["continuous"], 2)
    assert found[1::2] == suggested(Grid(), SPACES["continuous"], 2)


def test_when_one_has_nothing_left_the_others_go_on():
    space = SPACES["continuous"]
    found = suggested(Portfolio([Grid(points=2), Sobol()]), space, 20)
    assert len(found) == 20
    assert all(point in found for point in space.points(2))


def test_it_ends_when_none_has_anything_left():
    space = FINITE["finite"]
    study = simulate(study_of(space, Full(Portfolio([Grid(points=100), Random()])), epochs=1))
    assert len(study.trials) == space.size


@pytest.mark.parametrize("searchers", [[], [Sobol()], Sobol(), [Sobol(), 3], [Sobol(), Random], "ab"])
def test_less_than_two_searchers_are_refused(searchers):
    with pytest.raises(InvalidInput, match=r"^searchers? must be "):
        Portfolio(searchers)


def test_a_floor_is_a_share():
    with pytest.raises(InvalidInput, match=r"^floor must be at least 0 and at most 1, got floor=1.5"):
        Portfolio([Sobol(), Random()], floor=1.5)


def test_it_is_described_as_one_would_write_it():
    assert describe(to_json(Full(Portfolio([Sobol(), Grid(points=3)])))) == "Full(Portfolio([Sobol(), Grid(points=3)]))"


def test_a_scheduler_within_is_told_where_it_belongs():
    with pytest.raises(InvalidInput, match=r"write Full\(Portfolio\(\[Sobol\(\), \.\.\.\]\)\)$"):
        Portfolio([Full(Sobol()), Random()])
