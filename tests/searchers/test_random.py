from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import kstest

from simulated import SPACES, history_of, suggested
from welltempered.events import Started
from welltempered.schedulers.full import Full
from welltempered.searchers.random import Random
from welltempered.space import Choice, Float, Space

pytestmark = pytest.mark.usefixtures("no_global_randomness")


def test_every_parameter_is_uniform_on_its_own_scale():
    space = SPACES["continuous"]
    encoded = space.encode_many(suggested(Random(), space, 1000))
    for column in encoded.T:
        assert kstest(column, "uniform").pvalue > 0.01


def test_draws_are_independent_of_each_other():
    space = Space(x=Float(0, 1))
    drawn = [params["x"] for params in suggested(Random(), space, 1000)]
    assert abs(np.corrcoef(list(pairwise(drawn)), rowvar=False)[0, 1]) < 0.1


def test_a_draw_depends_on_the_number_of_trials_and_not_on_what_they_are():
    space = SPACES["continuous"]
    one, other = history_of(space, Full(Random())), history_of(space, Full(Random()))
    for id in range(5):
        one.apply(Started(id, space.defaults(), 1))
        other.apply(Started(id, space.decode([0.1, 0.2]), 9))
    assert Random().suggest(one) == Random().suggest(other)


def test_25_trials_try_25_values_of_the_parameter_that_matters():
    assert len({params["lr"] for params in suggested(Random(), SPACES["continuous"], 25)}) == 25


def test_every_option_has_its_share():
    many = suggested(Random(), Space(kind=Choice("a", "b", "c", "d"), free=Float(0, 1)), 1000)
    counts = [sum(params["kind"] == option for params in many) for option in "abcd"]
    assert max(counts) - min(counts) < 100
