"""Minibatches of data on the device: every example once, in an order of seed and epoch alone, copied once."""

import gc
import re
from functools import partial
from itertools import chain

import numpy as np
import pytest

import welltempered as wt
from trainings import Pieces, reports, tune

torch = pytest.importorskip("torch")

from torch.utils.data import TensorDataset  # noqa: E402

from welltempered.frameworks.batches import _moved  # noqa: E402

SPACE = wt.Space(batch_size=wt.Choice(4), x=wt.Float(0, 1))
X = torch.arange(10.0).unsqueeze(1).repeat(1, 3)
Y = np.arange(10)


def within(body, **settings):
    """Return what this does with a run that trains for three epochs."""
    found = []
    with tune(lambda run: found.append(body(run)), space=SPACE, epochs=3, **settings) as study:
        assert study.trials[0].ended == "finished" or study.trials[0].ended is None, study.trials[0].error
    return found[0]


def orders(run, **options):
    """Return the labels of each epoch, batch by batch."""
    train = wt.batches(run, X, Y, **options)
    found = []
    for _ in run:
        found.append([y.tolist() for x, y in train if torch.equal(x[:, 0].long(), y)])
        run.report(loss=1)
    return found


def test_every_example_comes_up_once_per_epoch_in_another_order_and_the_rest_is_a_small_batch():
    found = within(orders)
    assert [[len(batch) for batch in epoch] for epoch in found] == [[4, 4, 2]] * 3
    flat = [[*chain(*epoch)] for epoch in found]
    assert all(sorted(epoch) == [*range(10)] for epoch in flat)
    assert len({*map(tuple, flat)}) == 3


def test_without_shuffling_the_order_is_theirs_and_nothing_is_copied():
    def body(run):
        (x,) = next(iter(wt.batches(run, X, batch_size=7, shuffle=False)))
        return x.data_ptr() == X.data_ptr(), [(run.report(loss=1),) for _ in run]

    assert within(lambda run: orders(run, batch_size=5, shuffle=False)) == [[[*range(5)], [*range(5, 10)]]] * 3
    assert within(body)[0]


def test_the_size_is_that_of_the_argument_or_the_params_or_else_32():
    def sizes(run):
        found = len(wt.batches(run, X)), len(wt.batches(run, X, batch_size=3))
        return *found, [run.report(loss=1) for _ in run]

    assert within(sizes)[:2] == (3, 4)
    found = []
    body = lambda run: [found.append(len(wt.batches(run, np.zeros((65, 2))))), *(run.report(loss=1) for _ in run)]  # noqa: E731
    tune(body, space=wt.Space(x=wt.Float(0, 1)), epochs=1).close()
    assert found == [3]


def shuffled(run):
    """Report the order, which must not depend on what was drawn before."""
    run.keep()
    train = wt.batches(run, X, Y)
    for _ in run:
        torch.rand(run.epoch + 1)
        before = torch.get_rng_state()
        order = chain(*(y.tolist() for _, y in train))
        assert torch.equal(before, torch.get_rng_state())
        run.report(loss=float("0." + "".join(map(str, order))))


def test_trials_have_orders_of_their_own_that_go_on_exactly():
    found = []
    for together in (False, True):
        with tune(
            shuffled, space=SPACE, method=Pieces(first=9 - 6 * together, together=together), budget=None
        ) as study:
            found.append(reports(study))
    assert found[0] == found[1]
    assert found[0][0] != found[0][1]


def test_what_must_be_copied_is_copied_once_and_goes_with_its_source():
    frozen = np.arange(6.0)
    frozen.flags.writeable = False

    def body(run, data):
        first, second = (next(iter(wt.batches(run, data, shuffle=False)))[0] for _ in range(2))
        return first.data_ptr() == second.data_ptr() != data.ctypes.data, [run.report(loss=1) for _ in run]

    before = len(_moved)
    assert within(partial(body, data=frozen))[0]
    assert len(_moved) == before + 1
    del frozen
    gc.collect()
    assert len(_moved) == before


WRONG = [
    ((), {}, "data must be tensors of one length, with an example at least, got none"),
    ((X, Y[:3]), {}, "data must be tensors of one length, with an example at least, got lengths 10, 3"),
    ((X[:0],), {}, "data must be tensors of one length, with an example at least, got lengths 0"),
    (([1, 2],), {}, r"data must be tensors or NumPy arrays whose first axis are examples, got \[1, 2\]"),
    ((TensorDataset(X),), {}, "data must be tensors or NumPy arrays whose first axis are examples, got <torch"),
    ((torch.tensor(1),), {}, r"data must be tensors or NumPy arrays whose first axis are examples, got tensor\(1\)"),
    ((X,), {"batch_size": 0}, "batch_size must be a whole number of at least 1, got batch_size=0"),
    ((X,), {"shuffle": 1}, "shuffle must be True or False, got shuffle=1"),
]


@pytest.mark.parametrize(("data", "options", "sentence"), WRONG)
def test_wrong_arguments_are_refused_in_a_sentence(data, options, sentence):
    def body(run):
        with pytest.raises(wt.InvalidInput) as error:
            wt.batches(run, *data, **options)
        return str(error.value), [run.report(loss=1) for _ in run]

    assert re.match(sentence, within(body)[0])


def test_a_run_comes_first():
    with pytest.raises(wt.InvalidInput, match="run must be the run that training code is given, got tensor"):
        wt.batches(X, Y)
