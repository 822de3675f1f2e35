import pytest
from hypothesis import given
from hypothesis import strategies as st

from welltempered.errors import InvalidInput
from welltempered.schedulers.rungs import check_eta, levels, most_halvings

epochs = st.integers(1, 10_000)
etas = st.integers(2, 10)
firsts = st.integers(1, 100)


@given(epochs, etas, firsts)
def test_epochs_are_divided_as_often_as_they_stay_above_the_first_rung(epochs, eta, first):
    halvings = most_halvings(epochs, eta, first)
    assert halvings == 0 or first * eta**halvings <= epochs
    assert epochs < first * eta ** (halvings + 1)


@given(epochs, etas, firsts)
def test_every_rung_is_eta_times_the_one_below_and_the_last_is_a_full_training(epochs, eta, first):
    halvings = most_halvings(epochs, eta, first)
    rungs = levels(epochs, eta, halvings)
    assert len(rungs) == halvings + 1
    assert rungs[-1] == epochs
    assert rungs[0] >= min(first, epochs)
    assert list(rungs) == sorted(set(rungs))
    for k, level in enumerate(reversed(rungs)):
        assert abs(level - epochs / eta**k) <= 0.5


@given(epochs, etas)
def test_fewer_halvings_have_the_upper_rungs(epochs, eta):
    halvings = most_halvings(epochs, eta)
    for fewer in range(halvings + 1):
        assert levels(epochs, eta, fewer) == levels(epochs, eta, halvings)[halvings - fewer :]


@pytest.mark.parametrize("eta", [1, 0, -3, 2.5, 3.0, "3", None, True])
def test_eta_must_divide(eta):
    with pytest.raises(InvalidInput, match=r"^eta must be a whole number of at least 2 \(usual: 2, 3, 4\), got eta="):
        check_eta(eta)
