import numpy as np

from simulated import SPACES, history_of
from welltempered.events import Cut, Started
from welltempered.schedulers.full import Full
from welltempered.searchers.random import Random
from welltempered.searchers.untried import Cursor, Untried

SPACE = SPACES["finite with conditions"]
POINTS = list(SPACE.points(None))


def tried(indices):
    history = history_of(SPACE, Full(Random()))
    for id, index in enumerate(indices):
        history.apply(Started(id, POINTS[index], 1))
    return history


def test_every_untried_point_is_picked_equally_often():
    history = tried([0, 3, 5])
    rng = np.random.default_rng(0)
    picked = [POINTS.index(Untried().pick(history, rng)) for _ in range(2000)]
    counts = np.bincount(picked, minlength=len(POINTS))
    assert [index for index, count in enumerate(counts) if not count] == [0, 3, 5]
    left = counts[counts > 0]
    assert max(left) < 1.5 * min(left)


def test_points_go_as_they_are_tried_whether_or_not_somebody_has_looked_before():
    history = tried([])
    for id in range(len(POINTS)):
        point = Untried().pick(history, np.random.default_rng(id))
        fresh = tried([POINTS.index(trial.params) for trial in history.trials])
        assert Untried().pick(fresh, np.random.default_rng(id)) == point
        history.apply(Started(id, point, 1))
    assert Untried().pick(history, np.random.default_rng(0)) is None


def test_a_cursor_moves_when_its_candidate_starts_and_past_what_was_tried():
    cursor = Cursor(iter([POINTS[0], POINTS[1], POINTS[2], POINTS[1], POINTS[3]]))
    history = tried([4, 2])
    for event, head in [
        (Started(2, POINTS[5], 1), POINTS[0]),
        (Cut(0, 0, "budget"), POINTS[0]),
        (Started(3, POINTS[1], 1), POINTS[0]),
        (Started(4, POINTS[0], 1), POINTS[3]),
        (Started(5, POINTS[3], 1), None),
    ]:
        history.apply(event)
        cursor.learn(history, event)
        assert cursor.head == head
