import json
import math
import pickle
import subprocess
import sys
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from space_strategies import parameters, positions, small_spaces

from welltempered.errors import InvalidInput
from welltempered.space import Choice, Float, Int, Space

network = Space(
    momentum=Float(0.5, 0.999, scale="one_minus_log").when(opt="sgd"),
    opt=Choice("sgd", "adam"),
    depth=Int(1, 3),
    width=Int(8, 64, scale="log").when("depth >= 2"),
    dropout=Float(0, 0.5).when("width > 20"),
)


@given(st.lists(parameters, min_size=1, max_size=4), st.data())
def test_vectors_and_params_are_two_views_of_one_thing(some, data):
    space = Space({f"p{i}": parameter for i, parameter in enumerate(some)})
    params = space.decode([data.draw(positions) for _ in some])
    assert space.contains(params)
    assert space.decode(space.encode(params)) == params
    assert json.loads(json.dumps(params)) == params


@given(st.lists(positions, min_size=5, max_size=5))
def test_inactive_coordinates_are_nan(vector):
    params = network.decode(vector)
    encoded = network.encode(params)
    active = ~np.isnan(encoded)
    assert [name for name, on in zip(network, active, strict=True) if on] == list(params)
    assert network.decode(encoded) == params
    assert network.contains(params)


@given(small_spaces())
def test_size_counts_the_points(space):
    points = list(space.points(None))
    assert len(points) == space.size
    assert len({tuple(point.items()) for point in points}) == len(points)
    assert all(space.contains(point) for point in points)
    assert space.count(2) == len(list(space.points(2)))


@given(small_spaces(), st.integers(0, 99))
def test_spaces_survive_json_pickle_and_repr(space, seed):
    space = space.where("inner <= depth", "kind != 'c' or free > 0")
    copies = [
        Space.from_json(json.loads(json.dumps(space.to_json()))),
        pickle.loads(pickle.dumps(space)),
        eval(repr(space), {"Space": Space, "Float": Float, "Int": Int, "Choice": Choice}),
        Space(space),
    ]
    for copied in copies:
        assert copied == space
        assert hash(copied) == hash(space)
        rngs = np.random.default_rng(seed), np.random.default_rng(seed)
        assert copied.sample(rngs[0]) == space.sample(rngs[1])


def test_parents_are_evaluated_first_and_columns_follow_the_declaration():
    assert network.names == ("momentum", "opt", "depth", "width", "dropout")
    assert network.order == ("opt", "momentum", "depth", "width", "dropout")
    params = network.decode([0.5, 0.1, 0.9, 0.9, 0.5])
    assert list(params) == list(network.names)


def test_a_condition_on_an_inactive_parameter_is_false():
    assert network.decode([0.5, 0.9, 0.1, 0.9, 0.5]) == {"opt": "adam", "depth": 1}
    assert network.defaults() == {
        "momentum": 0.9776393202,
        "opt": "sgd",
        "depth": 2,
        "width": 22,
        "dropout": 0.25,
    }


def test_encode_many_stacks_what_encode_gives():
    rng = np.random.default_rng(1)
    many = [network.sample(rng) for _ in range(20)]
    np.testing.assert_array_equal(network.encode_many(many), [network.encode(p) for p in many])
    assert network.encode_many([]).shape == (0, 5)
    assert network.encode(many[0]).dtype == np.float64


def test_the_size_is_infinite_only_if_something_continuous_can_be_reached():
    assert network.size == math.inf
    assert Space(a=Int(1, 3), b=Float(0, 1).when("a > 1", "c > 1"), c=Int(1, 2)).size == math.inf
    unreachable = Float(0, 1).when("a + c > 9")
    assert Space(a=Int(1, 3), c=Int(1, 2), b=unreachable).size == 6


def test_size_multiplies_what_is_independent():
    many = {f"x{i}": Int(1, 10**11) for i in range(40)}
    assert Space(many).size == 10**440
    assert Space(many, y=Float(0, 1)).size == math.inf
    pairs = {f"a{i}": Choice("x", "y") for i in range(30)}
    children = {f"b{i}": Int(1, 4).when(f"a{i} == 'x'") for i in range(30)}
    assert Space(pairs, **children).size == 5**30


def test_points_are_lexicographic_and_lazy():
    space = Space(a=Int(1, 10**11), b=Choice("x", "y"), c=Float(0, 1, step=0.5).when(b="x"))
    first = list(islice(space.points(None), 5))
    assert first == [
        {"a": 1, "b": "x", "c": 0.0},
        {"a": 1, "b": "x", "c": 0.5},
        {"a": 1, "b": "x", "c": 1.0},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x", "c": 0.0},
    ]
    assert space.count(3) == 3 * 4


def test_constraints_filter_samples_and_points():
    space = Space(a=Int(1, 9), b=Int(1, 9)).where("b <= a")
    rng = np.random.default_rng(0)
    assert all(p["b"] <= p["a"] for p in (space.sample(rng) for _ in range(200)))
    assert len(list(space.points(None))) == 45
    assert space.size == 81
    assert space.where("a == 1").where("b == 1").constraints[1].text == "a == 1"
    assert [c.text for c in Space(space, d=Int(1, 2)).constraints] == ["b <= a"]


def test_a_constraint_on_an_inactive_parameter_holds():
    space = Space(on=Choice(True, False), x=Int(1, 5).when(on=True)).where("x > 3")
    assert space.contains({"on": False})
    assert not space.contains({"on": True, "x": 2})
    assert space.feasible({"on": True, "x": 4})


def test_a_sample_takes_one_number_per_parameter():
    space = Space(a=Float(0, 1), b=Float(0, 1))
    u = np.random.default_rng(3).random(2)
    params = space.sample(np.random.default_rng(3))
    np.testing.assert_allclose(list(params.values()), u, atol=1e-9)


def test_named_choices_are_resolved():
    space = Space(x=Int(1, 2), act=Choice({"relu": abs, "tanh": math.tanh}))
    assert space.resolve({"x": 2, "act": "tanh"}) == {"x": 2, "act": math.tanh}
    assert Space.from_json(space.to_json()) == space


def test_a_space_is_a_mapping_that_notices_order():
    space = Space({"a": Int(1, 2)}, b=Choice("x"))
    assert dict(space) == {"a": Int(1, 2), "b": Choice("x")}
    assert len(space) == 2
    assert "a" in space
    assert space != Space(b=Choice("x"), a=Int(1, 2))
    assert space != {"a": Int(1, 2), "b": Choice("x")}


def test_positions_beyond_the_ends_count_as_the_ends():
    space = Space(a=Float(0, 1), b=Int(1, 3), c=Float(1, 2).when("b == 3"))
    assert space.decode([-0.5, 1.5, 2.0]) == {"a": 0.0, "b": 3, "c": 2.0}
    assert Space(a=Float(0, 1)).decode([math.inf]) == {"a": 1.0}


def test_the_repr_shows_one_parameter_per_line():
    space = Space(a=Int(1, 4), b=Choice("x", "y").when("a > 2")).where("a != 3")
    assert repr(space) == ("Space(\n    a=Int(1, 4),\n    b=Choice('x', 'y').when('a > 2'),\n).where('a != 3')")


def test_importing_the_package_does_not_import_scipy():
    code = "import sys, welltempered.space; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


AB = Space(alpha=Int(1, 5), beta=Choice("x", "y"), gamma=Float(0, 1).when(beta="x"))


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (Space, "a space needs at least one parameter, as in Space(lr=Float(0.1, 1))"),
        (
            lambda: Space({"learning rate": Int(1, 2)}),
            "names must be Python identifiers and no keywords, got 'learning rate'",
        ),
        (
            lambda: Space({"lambda": Int(1, 2)}),
            "names must be Python identifiers and no keywords, got 'lambda'",
        ),
        (
            lambda: Space(lr=0.1),
            "lr must be a Float, Int or Choice, got 0.1; a constant is Choice(0.1)",
        ),
        (
            lambda: Space(opt=Choice("sgd", "adam"), m=Float(0, 1).when(opt="sdg")),
            "opt has no option 'sdg', has 'sgd', 'adam'",
        ),
        (
            lambda: Space(opt=Choice("sgd", "adam"), m=Float(0, 1).when(opt=("sgd", "adm"))),
            "opt has no option 'adm', has 'sgd', 'adam'",
        ),
        (
            lambda: Space(d=Int(1, 3), m=Float(0, 1).when(d=4)),
            "d cannot be 4, it is Int(1, 3)",
        ),
        (
            lambda: Space(d=Int(1, 3), m=Float(0, 1).when("d > 3")),
            "d > 3 can never hold, d is Int(1, 3)",
        ),
        (
            lambda: Space(d=Float(0, 3), m=Float(0, 1).when("d > 3")),
            "d > 3 can never hold, d is Float(0.0, 3.0)",
        ),
        (
            lambda: Space(opt=Choice("sgd", "adam"), m=Float(0, 1).when(otp="sgd")),
            ("in the condition of m, otp == 'sgd': the space has no parameter 'otp', did you mean 'opt'?"),
        ),
        (
            lambda: AB.where("alpha < lr"),
            ("in the constraint, alpha < lr: the space has no parameter 'lr', it has alpha, beta, gamma"),
        ),
        (
            lambda: Space(a=Int(1, 2).when("b > 1"), b=Int(1, 2).when("a > 1"), c=Int(1, 2)),
            "the conditions of a, b depend on each other",
        ),
        (
            lambda: AB.check({"alpha": 1, "betta": "y"}),
            "the space has no parameter 'betta', did you mean 'beta'?",
        ),
        (lambda: AB.check({"alpha": 1}), "beta is missing from {'alpha': 1}"),
        (lambda: AB.encode({"alpha": 1}), "beta is missing from {'alpha': 1}"),
        (
            lambda: AB.encode({"alpha": 1, "beta": "y", "gamma": 0.5}),
            "gamma is inactive unless beta == 'x', leave it out",
        ),
        (
            lambda: AB.encode({"alpha": 9, "beta": "y"}),
            "alpha cannot be 9, it is Int(1, 5)",
        ),
        (
            lambda: AB.encode({"alpha": 1, "beta": "z"}),
            "beta has no option 'z', has 'x', 'y'",
        ),
        (
            lambda: Space(a=Float(0, 1), b=Float(0, 1)).encode({"a": 0.5, "b": math.nan}),
            "b cannot be nan, it is Float(0.0, 1.0)",
        ),
        (lambda: AB.encode_many([{"alpha": 1}]), "beta is missing from {'alpha': 1}"),
        (
            lambda: Space(a=Int(1, 2)).encode_many([{"a": 1, "b": 2}]),
            "the space has no parameter 'b', it has a",
        ),
        (
            lambda: AB.where("alpha > 2").check({"alpha": 1, "beta": "y"}),
            "{'alpha': 1} violates the constraint alpha > 2",
        ),
        (lambda: AB.decode([0.5, 0.5]), "vector must have shape (3,), got (2,)"),
        (
            lambda: AB.decode([0.5, 0.1, math.nan]),
            "the coordinate of gamma is NaN, but gamma is active here",
        ),
        (
            lambda: Space(a=Int(1, 2)).decode([math.nan]),
            "the coordinate of a is NaN, but a is active here",
        ),
        (
            lambda: AB.where("alpha > 9").sample(np.random.default_rng(0)),
            "the constraints leave (almost) nothing: 10000 random tries violate (alpha > 9)",
        ),
        (
            lambda: AB.points(None),
            "gamma is continuous: give the points per parameter, or a step",
        ),
        (
            lambda: Space.from_json({"parameters": [{"name": "a", "kind": "bool"}]}),
            "unknown kind of parameter 'bool'; this version knows float, int, choice",
        ),
        (
            lambda: Space.from_json({}),
            "cannot read the space {}: KeyError('parameters')",
        ),
    ],
)
def test_errors_say_what_is_wrong(act, sentence):
    with pytest.raises(InvalidInput) as error:
        act()
    assert str(error.value) == sentence


def test_a_space_is_made_of_parts_which_bring_their_constraints():
    first = Space(a=Int(1, 3), b=Int(1, 3)).where("a <= b")
    space = Space(first, {"c": Int(1, 2)}, d=Int(1, 2))
    assert list(space) == ["a", "b", "c", "d"]
    assert space == Space({**first}, c=Int(1, 2), d=Int(1, 2)).where("a <= b")
