"""What can be seen of the variables of a training loop, and that equal values look the same."""

import random
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from welltempered.check.leaves import digest, digest_of, leaves
from welltempered.check.look import _overwritten
from welltempered.check.things import ARRAY, GENERATOR, ITERATOR, PLAIN, Root, things


def seen(**variables):
    return things([Root(name, value) for name, value in variables.items()], {})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        (np.float32(1), np.float64(1)),
        (np.zeros(2), np.zeros((2, 1))),
        (np.zeros(2), np.zeros(2, dtype=np.int64)),
        (np.zeros(2), -np.zeros(2)),
        ("a" * 99, "a" * 98 + "b"),
        ("ä", "\udce4"),
    ],
)
def test_values_that_differ_in_a_bit_look_different(one, other):
    assert digest(one) != digest(other)


@pytest.mark.parametrize("value", [float("nan"), np.full(3, np.nan), np.arange(6).reshape(2, 3).T, np.array(3), None])
def test_equal_values_look_the_same(value):
    copy = np.array(value) if isinstance(value, np.ndarray) else value
    assert digest(value) == digest(copy)


def test_tensors_of_all_kinds_have_a_digest():
    torch = pytest.importorskip("torch")
    tensors = [torch.zeros(shape, dtype=kind) for shape in [(), (2,), (2, 0)] for kind in (torch.bfloat16, torch.bool)]
    tensors += [torch.zeros(2, dtype=torch.complex64).conj(), torch.eye(2).to_sparse(), torch.ones(2).requires_grad_()]
    texts = [digest(tensor) for tensor in tensors]
    assert len(set(texts)) == len(texts)
    assert texts == [digest(tensor.clone()) for tensor in tensors]


def test_leaves_have_names_for_people():
    state = {"state": {0: {"exp_avg": np.ones(2)}}, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.99)}], "n": {"m": []}}
    assert list(leaves(state)) == ["exp_avg of parameter 0", "lr of group 0", "betas of group 0", "n.m"]
    assert leaves({"lr": 0.1}) == {"lr": "0.1"}
    assert digest_of(state) != digest_of({**state, "n": {"m": [1]}})


def test_things_are_found_by_their_shortest_name():
    rng = random.Random(1)
    holder = SimpleNamespace(rng=rng, deep=[{"value": 3}], again=None)
    holder.again = holder
    found = seen(holder=holder, rng=rng, batches=iter([1]), array=np.ones(2), losses=[0.5], function=digest, module=np)
    assert {name: thing.kind for name, thing in found.items()} == {
        "rng": GENERATOR,
        "batches": ITERATOR,
        "array": ARRAY,
        "losses": PLAIN,
        "losses[0]": PLAIN,
        "holder.deep": PLAIN,
        "holder.deep[0]": PLAIN,
        "holder.deep[0]['value']": PLAIN,
    }
    assert found["losses"].leaves == {"": "list of 1"}


@pytest.mark.parametrize(
    "make",
    [random.Random, np.random.default_rng, np.random.PCG64, np.random.RandomState],
    ids=lambda make: make.__name__,
)
def test_the_code_that_is_proposed_keeps_a_generator(make):
    generator = make(1)
    before = seen(generator=generator)["generator"]
    get, put = eval(before.way.removeprefix("generator="), {"generator": generator})
    state = get()
    if isinstance(generator, np.random.BitGenerator):
        generator.random_raw()
    else:
        generator.random()
    assert seen(generator=generator)["generator"].leaves != before.leaves
    put(state)
    assert seen(generator=generator)["generator"] == before


def test_what_cannot_be_looked_at_is_left_out():
    class Shy:
        def __getattr__(self, name):
            raise RuntimeError

    loop = []
    loop.append(loop)
    assert list(seen(shy=Shy(), loop=loop)) == ["loop"]


def test_variables_that_are_assigned_before_they_are_read_are_known():
    places = []

    def mark():
        places.append((sys._getframe(1).f_code, sys._getframe(1).f_lasti))

    def loop():
        total, count, shown = 0.0, 0, None
        mark()
        total = 1.0
        count += 1
        shown = [total for _ in range(count)]
        return shown, count

    loop()
    assert _overwritten(*places[0]) >= {"total", "shown"}
    assert "count" not in _overwritten(*places[0])
