"""The check of searchers finds those that break a promise, and says which."""

import itertools
import random
from dataclasses import dataclass

import numpy as np
import pytest

import welltempered as wt
from welltempered.testing import ConformanceError, check_searcher
from welltempered.testing.simulation import SPACES

RANDOM = wt.Random()
COUNTER = itertools.count()
ASKED = {}


@dataclass(frozen=True)
class Global:
    def suggest(self, history):
        return history.space.decode([random.random() for _ in history.space])


@dataclass(frozen=True)
class Unseeded:
    def suggest(self, history):
        return history.space.sample(np.random.default_rng())


@dataclass(frozen=True)
class Counting:
    def suggest(self, history):
        return history.space.sample(np.random.default_rng(next(COUNTER)))


class Plain:
    def suggest(self, history):
        return RANDOM.suggest(history)


@dataclass(frozen=True)
class Remembering:
    """Decides by how many histories of that length it has met before."""

    def suggest(self, history):
        met = ASKED.setdefault((history.header.seed, repr(history.space), len(history.trials)), history)
        return history.space.sample(np.random.default_rng(len(history.trials) + 1000 * (met is not history)))


@dataclass(frozen=True)
class Scribbling:
    def suggest(self, history):
        for trial in history.trials:
            trial.params["seen"] = True
        return RANDOM.suggest(history)


@dataclass(frozen=True)
class Outside:
    def suggest(self, history):
        return history.space.defaults() | {"lr": 7.0}


@dataclass(frozen=True)
class Infeasible:
    def suggest(self, history):
        return history.space.decode(history.rng.random(len(history.space)))


@dataclass(frozen=True)
class Numpy:
    def suggest(self, history):
        params = RANDOM.suggest(history)
        return {name: np.float64(value) for name, value in params.items()}


@dataclass(frozen=True)
class Optimist:
    """Believes that there is a best trial as soon as there are trials."""

    def suggest(self, history):
        if not history.trials:
            return RANDOM.suggest(history)
        return history.space.decode(history.space.encode(history.best.params))


@dataclass(frozen=True)
class Standardized:
    """Divides by the spread of the losses."""

    def suggest(self, history):
        losses = [trial.loss for trial in history.trials if trial.losses and not trial.failed]
        if len(losses) > 1:
            _ = [(loss - losses[0]) / (max(losses) - min(losses)) for loss in losses]
        return RANDOM.suggest(history)


@dataclass(frozen=True)
class Seedless:
    def suggest(self, history):
        rng = np.random.default_rng(len(history.trials))
        params = history.space.sample(rng)
        return params if not history.tried(params) else RANDOM.suggest(history)


@dataclass(frozen=True)
class Repeating:
    def suggest(self, history):
        return history.space.sample(history.rng)


@dataclass(frozen=True)
class Tired:
    def suggest(self, history):
        return RANDOM.suggest(history) if len(history.trials) < 12 else None


@dataclass(frozen=True)
class Fields:
    rates: frozenset = frozenset({1})

    def suggest(self, history):
        return RANDOM.suggest(history)


@pytest.mark.parametrize(
    ("searcher", "sentence"),
    [
        (object(), r"must have suggest\(history\), got none; see welltempered.Searcher"),
        (
            Plain(),
            "must be built again from the JSON of its fields, got method must be a frozen dataclass.*top level",
        ),
        (Fields(), r"Fields.rates must be a number, a text, a method or a tuple of them, got frozenset\(\{1\}\)"),
        (
            Global(),
            (
                r"Global\(\) must leave the global random generators alone, got another state of them after suggest "
                r"\(space 'continuous', seed 0, trial 0\); draw from history.rng"
            ),
        ),
        (Unseeded(), "must suggest the same for the same history, got .* and then .*; draw from history.rng"),
        (Counting(), "must suggest the same for the same history"),
        (
            Remembering(),
            r"must suggest the same when all it knows are the events, .* from a fresh process .*seed 0, trial 0",
        ),
        (Scribbling(), "must leave the history as it is, got another one after suggest"),
        (
            Outside(),
            r"must suggest params in the space, got .*lr cannot be 7.0.* \(space 'continuous', seed 0, trial 0\)",
        ),
        (
            Infeasible(),
            "must suggest params in the space, got .*violates the constraint.*space 'constrained'.*feasible",
        ),
        (Numpy(), r"must suggest plain JSON, got .*np.float64.*; make numbers of NumPy's with float\(\)"),
        (
            Optimist(),
            r"must return from suggest whatever the history, got AttributeError: .* trial 1\); trials may be running",
        ),
        (Standardized(), r"got ZeroDivisionError.*all losses equal"),
        (Seedless(), r"must suggest other params for another seed, got the same 30 for seeds 0 and 1"),
        (Repeating(), r"must suggest no point of a finite space twice, got .*see history.tried\(params\)"),
        (Tired(), r"must go on while there are points to try, got None after 12 trials.*exhaustive=False"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_searcher_that_breaks_a_promise_is_told_which(searcher, sentence):
    with pytest.raises(ConformanceError, match=sentence):
        check_searcher(searcher)


def test_a_searcher_that_leaves_points_of_a_finite_space_out_is_told_how_many():
    sentence = r"must suggest every point of a finite space, got None after 12 of 90 \(space 'finite', seed 0\)"
    with pytest.raises(ConformanceError, match=sentence):
        check_searcher(Tired(), spaces={"finite": SPACES["finite"]})


def test_a_seed_that_should_not_matter_is_seen_to():
    with pytest.raises(ConformanceError, match="must suggest the same for every seed, as seeded=False says"):
        check_searcher(RANDOM, seeded=False)


def test_a_broken_promise_is_an_assertion_and_an_error_of_this_package():
    assert issubclass(ConformanceError, AssertionError)
    assert issubclass(ConformanceError, wt.WelltemperedError)
