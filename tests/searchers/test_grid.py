import pytest

from simulated import SPACES, history_of, simulate, study_of, suggested
from welltempered.errors import InvalidInput
from welltempered.schedulers.full import Full
from welltempered.searchers.grid import Grid
from welltempered.space import Choice, Float, Int, Space


@pytest.mark.parametrize("points", [2, 3, 5])
@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_the_grid_is_enumerated_completely_and_in_order(space, points):
    assert suggested(Grid(points), space, 10_000) == list(space.points(points))


def test_numbers_are_spread_over_their_scale_with_both_ends_and_choices_are_whole():
    space = Space(lr=Float(1e-3, 1e-1, scale="log"), kind=Choice("a", "b", "c"), depth=Int(1, 2))
    grid = suggested(Grid(points=3), space, 100)
    assert len(grid) == 3 * 3 * 2
    assert sorted({params["lr"] for params in grid}) == [0.001, 0.01, 0.1]
    assert {params["kind"] for params in grid} == {"a", "b", "c"}


def test_two_parameters_make_the_grid_of_the_article():
    assert len(suggested(Grid(), SPACES["continuous"], 100)) == 25


def test_the_seed_does_not_matter():
    assert suggested(Grid(), SPACES["continuous"], 100, seed=1) == suggested(Grid(), SPACES["continuous"], 100, seed=2)


def test_an_absurd_grid_is_refused_with_its_count_and_a_way_out():
    space = Space({f"p{i}": Float(0, 1) for i in range(7)})
    with pytest.raises(InvalidInput) as error:
        Grid().suggest(history_of(space, Full(Grid())))
    assert str(error.value) == (
        "grid must have at most 10,000 points, got 78,125 (5 per numeric parameter); "
        "use fewer points, a smaller space, Grid(limit=...), or Sobol(), which covers any space evenly"
    )
    allowed = Grid(limit=78_125)
    assert allowed.suggest(history_of(space, Full(allowed))) == dict.fromkeys(space, 0.0)


def test_an_endless_grid_is_counted_without_walking_through_it():
    space = Space({f"p{i}": Float(0, 1) for i in range(100)})
    with pytest.raises(InvalidInput, match=r"at most 10,000 points, got \d"):
        Grid().suggest(history_of(space, Full(Grid())))


def test_a_study_with_an_absurd_grid_does_not_begin():
    study = study_of(Space({f"p{i}": Float(0, 1) for i in range(7)}), Full(Grid()))
    with pytest.raises(InvalidInput, match="grid must have at most"):
        simulate(study)
    assert not study.trials


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"points": 1}, "points must be a whole number of at least 2, got points=1"),
        ({"limit": 0}, "limit must be a whole number of at least 1, got limit=0"),
    ],
)
def test_a_grid_needs_points(fields, sentence):
    with pytest.raises(InvalidInput, match=f"^{sentence}$"):
        Grid(**fields)
