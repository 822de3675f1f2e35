import numpy as np
import pytest

from simulated import SPACES
from welltempered.surrogates.candidates import Candidates
from welltempered.surrogates.search import search

every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


@every_space
def test_rows_are_what_the_space_makes_of_them(space):
    candidates = Candidates(space)
    rows = candidates.active(candidates.rounded(np.random.default_rng(0).random((200, len(space)))))
    for row in rows:
        assert space.encode(space.decode(row)) == pytest.approx(row, nan_ok=True, abs=1e-9)


@every_space
def test_feasible_rows_are_those_whose_params_are(space):
    rows = np.random.default_rng(0).random((50, len(space)))
    assert list(Candidates(space).feasible(rows)) == [space.feasible(space.decode(row)) for row in rows]


@every_space
def test_points_around_a_centre_stay_in_the_cube_and_move(space):
    centre = np.full((1, len(space)), 0.02)
    points = Candidates(space).around(np.random.default_rng(0), centre, 100, np.array([[0.1]]))
    assert ((points >= 0) & (points <= 1)).all()
    assert (points != centre).any(axis=1).all()


def test_the_search_climbs_to_the_top():
    space = SPACES["continuous"]
    top = np.array([0.234, 0.876])
    spread = np.random.default_rng(1).random((64, 2))
    rows, _ = search(
        Candidates(space),
        np.random.default_rng(0),
        spread,
        np.full((1, 2), 0.5),
        lambda x: -((x - top) ** 2).sum(axis=1),
    )
    assert rows[0] == pytest.approx(top, abs=0.005)
