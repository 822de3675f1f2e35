"""Parameters with other values, and spaces in which conditions and constraints still make sense."""

import pytest

from welltempered.space import Choice, Float, Int, Space
from welltempered.space.changed import fitted, with_options, with_range


def refitted(space, **changed):
    return fitted(space, {**space, **changed})


def test_another_range_keeps_all_else_and_a_default_that_is_inside():
    lr = Float(1e-5, 1e-1, scale="log", default=1e-3, means="learning_rate").when("depth > 1")
    narrow = with_range(lr, 1e-4, 1e-2)
    assert narrow == Float(1e-4, 1e-2, scale="log", default=1e-3).when("depth > 1")
    assert narrow.means == "learning_rate"
    assert with_range(lr, 1e-2, 1).default is None


def test_fewer_options_keep_objects_condition_and_default():
    choice = Choice({"one": min, "two": max, "three": sum}, default="two", means="loss").when("x > 1")
    left = with_options(choice, ["two", "three"])
    assert (left.options, left.default, left.means, left.resolve("two")) == (("two", "three"), "two", "loss", max)
    assert left.condition == choice.condition
    assert with_options(choice, ["one", "three"]).default is None
    assert with_options(Choice(0, 1, default=0), [0]).default == 0


def test_what_has_not_changed_is_the_same_object():
    space = Space(x=Float(0, 1), opt=Choice("sgd", "adam"), m=Float(0, 1).when(opt="sgd"))
    assert all(fitted(space, space)[name] is space[name] for name in space)


@pytest.mark.parametrize(
    ("condition", "depth", "left"),
    [
        ("depth > 2", Int(1, 2), None),
        ("depth > 2", Int(1, 3), "depth > 2"),
        ("depth == 4", Int(1, 3), None),
        ("depth == 4", Int(3, 5), "depth == 4"),
        ("depth in (1, 4)", Int(1, 3), "depth in (1,)"),
        ("depth in (1, 4)", Int(2, 3), None),
        ("depth not in (1, 2)", Int(1, 2), None),
        ("depth != 2", Int(1, 3), "depth != 2"),
        ("depth % 2 == 0", Int(3, 4), "depth % 2 == 0"),
        ("depth == 1 or depth == 9", Int(2, 5), None),
        ("depth > 2 and x > 0", Int(1, 2), None),
        ("depth == 0", Choice(0.0), "depth in (0.0,)"),
        ("depth > 0", Choice(0.0), None),
        ("depth == 7", Float(0, 5), None),
        ("depth == 3", Float(0, 5), "depth == 3"),
        ("depth + x > 3", Float(0, 1), "depth + x > 3"),
    ],
)
def test_a_condition_is_said_in_values_that_are_left(condition, depth, left):
    space = Space(depth=Int(0, 9), x=Float(0, 1), child=Float(0, 1).when(condition))
    found = refitted(space, depth=depth)
    assert ("child" in found) == (left is not None)
    if left is not None:
        assert found["child"].condition.text == left


def test_who_depends_on_what_is_gone_goes_too():
    space = Space(a=Int(1, 3), b=Int(1, 3).when("a > 2"), c=Int(1, 3).when("b > 1")).where("c < 3", "a < 3")
    found = refitted(space, a=Int(1, 2))
    assert list(found) == ["a"]
    assert [test.text for test in found.constraints] == ["a < 3"]
