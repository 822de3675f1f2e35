import pytest

from welltempered.errors import InvalidInput
from welltempered.space.given import Given, givens


def test_equal_params_are_equal_and_have_one_hash_whatever_their_order():
    one, other = Given({"lr": 0.1, "sizes": [8, 16]}), Given({"sizes": (8, 16), "lr": 0.1})
    assert one == other
    assert hash(one) == hash(other)
    assert one != Given({"lr": 0.1})
    assert Given({"a": 1}) != Given({"a": True})


def test_what_is_handed_out_can_be_changed_without_changing_it():
    given = Given({"sizes": [8]})
    given["sizes"].append(16)
    assert given["sizes"] == [8]


@pytest.mark.parametrize("params", [None, 3, "lr", {3: 1}, {"lr": object()}, {"lr": float("nan")}])
def test_what_no_header_can_hold_is_refused(params):
    with pytest.raises(InvalidInput, match=r"^(params|lr) must be "):
        Given(params)


@pytest.mark.parametrize("many", [{"lr": 1}, "lr", 3, [3]])
def test_several_params_are_a_list(many):
    with pytest.raises(InvalidInput, match=" must be a "):
        givens("settings", many)
