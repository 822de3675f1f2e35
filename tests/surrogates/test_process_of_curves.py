import numpy as np
import pytest
from curve_samples import LAYOUT, beliefs, covariance, features, noisy, observed

from welltempered.surrogates.curves import Curves

EPOCHS = [[1, 3, 8], [1, 2], [1], [1, 3, 5], [1, 3, 8, 20], [1, 20]]
RNG = np.random.default_rng(2)
TARGETS = RNG.standard_normal(sum(map(len, EPOCHS)))


def alike(one, other):
    return all(a == pytest.approx(b, rel=1e-7, abs=1e-9) for a, b in zip(one, other, strict=True))


def expected(rows, epochs, trials):
    """Return mean and deviation by Rasmussen & Williams, eq. 2.25 and 2.26."""
    seen, x = observed(EPOCHS), beliefs()
    same = trials[:, None] == seen.trial
    near = covariance(x, rows, epochs, seen.features[seen.trial], seen.epoch, same)
    prior = covariance(x, rows, epochs, rows, epochs, np.eye(len(rows)))
    matrix = noisy(x, seen)
    variance = np.diag(prior - near @ np.linalg.solve(matrix, near.T))
    return near @ np.linalg.solve(matrix, TARGETS), np.sqrt(variance)


def curves():
    return Curves(LAYOUT, beliefs(), observed(EPOCHS))


def test_how_known_curves_go_on_is_what_the_textbook_says():
    trials, epochs = np.array([0, 1, 1, 5, 3]), np.array([20.0, 4.0, 2.0, 20.0, 10.0])
    found = curves()
    rows = observed(EPOCHS).features[trials]
    assert alike(found.known(trials, epochs, found.solve(TARGETS)), expected(rows, epochs, trials))


def test_how_new_curves_would_go_is_what_the_textbook_says():
    rows, found = features(300, seed=5), curves()
    unseen = found.unseen(7, found.solve(TARGETS))
    assert alike(unseen.predict(rows), expected(rows, np.full(300, 7.0), np.full(300, -1)))


def test_the_curves_at_the_points_are_what_is_known_of_them():
    seen, found = observed(EPOCHS), curves()
    solved = found.solve(TARGETS)
    assert found.fitted(TARGETS, solved) == pytest.approx(found.known(seen.trial, seen.epoch, solved)[0])


def test_a_process_that_has_grown_is_the_one_made_at_once():
    before = curves()
    first = before.solve(TARGETS)
    found = before
    for more in ([[5], [], [], [20], [], []], [[]] * 6 + [[1, 2]], [[20], [5], [2], [], [], [2], [8]]):
        seen = observed(more)
        behind = len(more) - len(found.seen.features)
        features_ = seen.features[len(more) - behind :]
        found = found.grown(features_, seen.trial, seen.epoch)
    anew = Curves(LAYOUT, beliefs(), found.seen)
    targets, rows = RNG.standard_normal(len(found.seen.trial)), features(9, seed=6)
    last = np.arange(7), np.full(7, 20.0)
    one, other = found.solve(targets), anew.solve(targets)
    assert alike(found.known(*last, one), anew.known(*last, other))
    assert alike(found.unseen(5, one).predict(rows), anew.unseen(5, other).predict(rows))
    assert np.array_equal(before.solve(TARGETS), first), "the process before must stay as it was"


def test_growing_a_hundred_times_loses_no_digits():
    found = Curves(LAYOUT, beliefs(), observed([[1]] * 12))
    for step in range(100):
        found = found.grown(found.seen.features[:0], np.array([step % 12]), np.array([2.0 + step // 12]))
    targets = RNG.standard_normal(112)
    assert found.solve(targets) == pytest.approx(Curves(LAYOUT, beliefs(), found.seen).solve(targets), rel=1e-7)


def test_believing_what_is_expected_leaves_the_means_and_makes_sure():
    """A point without a weight of its own says the same as one whose target is its mean."""
    found = curves()
    solved, rows, new = found.solve(TARGETS), features(9, seed=7), features(1, seed=8)
    mean = [found.known(np.array([2]), np.array([20.0]), solved)[0][0], found.unseen(2, solved).predict(new)[0][0]]
    believed = found.grown(new, np.array([2, 6]), np.array([20.0, 2.0]))
    weights = np.concatenate([solved, np.zeros(2)])
    assert weights == pytest.approx(believed.solve(np.concatenate([TARGETS, mean])), abs=1e-9)
    _, certain = believed.unseen(20, weights).predict(rows)
    assert (certain <= found.unseen(20, solved).predict(rows)[1] + 1e-12).all()


def test_the_same_params_again_and_again_break_nothing():
    seen = observed([[1, 2]] * 8)
    seen.features[:] = seen.features[0]
    found = Curves(LAYOUT, beliefs(), seen)
    mean, deviation = found.known(np.arange(8), np.full(8, 2.0), found.solve(np.ones(16)))
    assert mean == pytest.approx(1, abs=0.1)
    assert (deviation > 0).all()
