import random
from collections import Counter

import pytest

from simulated import SPACES, copied, history_of, simulate, study_of
from welltempered.events import Ended, Origin, Reported, Started
from welltempered.schedulers.full import Full
from welltempered.schedulers.hyperband import Hyperband
from welltempered.searchers.portfolio import Portfolio
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol
from welltempered.searchers.turns import Turns


def played(turns, losses, count):
    """Let so many trials come to the losses that their source has; `None` fails."""
    history = history_of(SPACES["continuous"], Full(Random()))
    for id in range(count):
        source = turns.order()[0]
        for event in (
            Started(id, {"lr": 1e-5 * (id + 1), "dropout": 0.1}, 1),
            Ended(id, "failed", "no luck") if losses[source] is None else Reported(id, 1, {"loss": losses[source](id)}),
        ):
            history.apply(event)
            turns.learn(history, event)
    return turns


def test_before_there_are_results_turns_are_taken_in_proportion():
    turns, history = Turns([2, 1, 1], 0.2), history_of(SPACES["continuous"], Full(Random()))
    for id in range(8):
        event = Started(id, {"lr": 0.01, "dropout": 0.1}, 1)
        history.apply(event)
        turns.learn(history, event)
    assert turns.of == [0, 1, 2, 0, 0, 1, 2, 0]
    assert turns.count == [4, 2, 2]


def test_a_trial_that_goes_on_from_the_state_of_another_is_nobodys_turn():
    turns, history = Turns([1, 1], 0.2), history_of(SPACES["continuous"], Full(Random()))
    params = {"lr": 0.01, "dropout": 0.1}
    for event in (
        Started(0, params, 1),
        Reported(0, 1, {"loss": 0.5}),
        Started(1, params, 2, parent=Origin(0, 1)),
        Reported(1, 2, {"loss": 0.1}),
        Started(2, params, 1),
    ):
        history.apply(event)
        turns.learn(history, event)
    assert turns.of == [0, None, 1]
    assert turns.count == [1, 1]


@pytest.mark.parametrize("bad", [lambda id: 1 - 1e-4 * id, None])
def test_who_has_the_good_trials_gets_most_turns_and_the_others_their_floor(bad):
    turns = played(Turns([1, 1], 0.2), [bad, lambda id: 0.1 + chance(id)], 200)
    last = Counter(turns.of[100:])
    assert last[1] > 85
    assert last[0] >= 9
    assert sum(turns.shares) == pytest.approx(1)


def test_when_the_other_one_becomes_better_turns_shift_back():
    def late(id):
        return 0.05 * chance(id) if id > 100 else 1.0

    turns = played(Turns([1, 1], 0.2), [lambda id: 0.1 + chance(id), late], 400)
    assert Counter(turns.of[50:100])[0] > 40
    assert Counter(turns.of[300:])[1] > 70


def test_alike_sources_stay_alike():
    shares = played(Turns([1, 1], 0.2), [chance, chance], 300).shares
    assert 0.3 < shares[0] < 0.7


def test_weights_never_leave_the_range_of_floats():
    turns = Turns([1, 1], 0.2)
    turns._unit = 0.999e100
    assert all(0 < share < 1 for share in played(turns, [chance, lambda id: 2.0], 20).shares)
    assert turns._unit < 10


def test_the_last_one_is_asked_after_the_others():
    assert Turns([3, 1, 1], 0.2, last=0).order() == [1, 2, 0]


def test_whose_turn_a_trial_was_follows_from_the_log_alone():
    portfolio = Portfolio([Sobol(), Random(), Random()])
    study = simulate(study_of(SPACES["continuous"], Hyperband(portfolio)), slots=3, budget="300 epochs")
    late = copied(study).history.fold(portfolio)
    known = study.history.fold(portfolio)
    assert known.of == late.of
    assert known.shares == late.shares
    assert len(known.of) == len(study.trials)


def chance(id):
    """Return a loss that is the same each time."""
    return random.Random(id).random()
