import numpy as np
import pytest

from welltempered.surrogates.course import OWN, SHARED, marks, own, pairs, shapes

EPOCHS = np.array([1.0, 2.0, 5.0, 20.0, 50.0])


def test_each_shape_is_a_covariance():
    for shape in shapes(EPOCHS, EPOCHS, 50):
        assert np.array_equal(shape, shape.T)
        assert np.linalg.eigvalsh(shape).min() > -1e-12


def test_there_are_as_many_as_they_say_and_those_of_a_trial_are_among_the_shared():
    shared = shapes(EPOCHS, EPOCHS, 50)
    assert len(shared) == SHARED
    assert len(own(shared)) == OWN
    assert all(any(one is other for other in shared) for one in own(shared))


def test_shapes_of_pairs_are_those_on_the_diagonal():
    for all_, one in zip(shapes(EPOCHS, EPOCHS, 50), pairs(EPOCHS, EPOCHS, 50), strict=True):
        assert np.array_equal(np.diagonal(all_), one)


@pytest.mark.parametrize("horizon", [1, 2, 1000])
def test_they_are_finite_however_long_a_training_is(horizon):
    epochs = np.array([1.0, float(horizon)])
    assert np.isfinite(shapes(epochs, epochs, horizon)).all()


@pytest.mark.parametrize("epoch", [1, 2, 3, 4, 50, 51, 1000])
def test_marks_rise_to_the_last_epoch_and_are_few(epoch):
    found = marks(epoch)
    assert found == sorted(set(found))
    assert found[-1] == epoch
    assert 1 in found
    assert len(found) <= 2 + np.log(epoch) / np.log(2.5)


def test_a_longer_curve_keeps_the_marks_of_a_shorter_one_but_its_last():
    for epoch in range(1, 200):
        assert set(marks(epoch)[:-1]) <= set(marks(epoch + 1))
