import math

import pytest

from simulated import SPACES, bad_luck, chance, history_of, leases, params_of, simulate, study_of
from welltempered.errors import InvalidInput
from welltempered.events import Reported, Started
from welltempered.schedulers.halving import Halving
from welltempered.schedulers.pasha import PASHA
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol

CONTINUOUS = SPACES["continuous"]


def quality(params):
    return chance(params, "quality")


def orderly(params, epoch):
    """Return curves that never cross."""
    return {"loss": quality(params) + 1 / epoch}


def late(params, epoch):
    """Return curves of which many cross, each pair once: the slow ones are better in the end."""
    return {"loss": chance(params, "start") - chance(params, "slope") * math.log(epoch)}


def noisy(params, epoch):
    """Return curves of a few kinds, which are all that matters, with noise on each."""
    return {"loss": math.floor(4 * quality(params)) + 0.1 * chance(params, epoch)}


def longest(method, curve, budget=2000, epochs=81, **settings):
    """Return the epoch that the longest lease of a study reached."""
    study = simulate(study_of(CONTINUOUS, method, epochs=epochs), budget=f"{budget} epochs", curve=curve, **settings)
    return max(until for _, until in leases(study.history))


def test_trials_that_keep_their_order_stay_in_the_first_two_rungs():
    assert longest(PASHA(Random()), orderly) == 3
    assert longest(Halving(Random()), orderly) == 81


def test_trials_that_change_their_order_are_trained_to_the_end():
    assert longest(PASHA(Random()), late) == 81


def test_an_order_that_only_noise_changes_is_no_reason_to_train_longer():
    assert longest(PASHA(Random()), noisy) < 81
    assert longest(PASHA(Random(), percentile=0), noisy) == 81


def test_the_last_rung_rises_by_one_and_those_that_wait_there_go_on():
    method = PASHA(Random())
    study = simulate(study_of(CONTINUOUS, method, epochs=81), budget="2000 epochs", curve=late)
    tops, reached = [], {}
    history = history_of(CONTINUOUS, method, epochs=81)
    for event in study.history.events:
        history.apply(event)
        tops.append(history.fold(method).top)
        if isinstance(event, Reported):
            reached[event.trial] = event.epoch
    assert sorted(set(tops)) == [1, 2, 3, 4]
    assert tops == sorted(tops)
    assert max(reached.values()) == 81


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("epochs", [1, 2, 3, 5])
def test_with_two_rungs_or_less_it_is_halving(epochs, slots):
    def run(method):
        study = study_of(CONTINUOUS, method, epochs=epochs)
        history = simulate(study, slots=slots, budget="150 epochs", fate=bad_luck(1)).history
        return params_of(history), leases(history)

    assert run(PASHA(Sobol())) == run(Halving(Sobol()))


def test_those_in_the_last_rung_are_kept_since_it_may_rise():
    method = PASHA(Random())
    study = simulate(study_of(CONTINUOUS, method, epochs=81), budget="300 epochs", curve=orderly)
    waiting = {trial.id for trial in study.trials if trial.epoch == 3 and trial.state == "paused"}
    assert waiting
    assert waiting <= set(method.keeps(study.history))


def test_diverged_trials_do_not_unsettle_the_order():
    def curve(params, epoch):
        return {"loss": None} if epoch == 3 and quality(params) < 0.3 else orderly(params, epoch)

    assert longest(PASHA(Random()), curve) == 3


def test_trials_that_are_equal_are_in_order():
    assert longest(PASHA(Random()), lambda params, epoch: {"loss": 1.0}) == 3


def test_the_first_trial_alone_is_in_order():
    method = PASHA(Random())
    history = history_of(CONTINUOUS, method, epochs=81)
    history.apply(Started(0, {"lr": 0.001, "dropout": 0.1}, 3))
    for epoch in (1, 2, 3):
        history.apply(Reported(0, epoch, {"loss": 1.0}))
    assert history.fold(method).top == 1


def test_first_must_not_be_above_the_epochs():
    method = PASHA(Random(), first=10)
    with pytest.raises(InvalidInput, match="first must be at most the epochs of a full training, 9, got 10"):
        method.next(history_of(CONTINUOUS, method), None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"eta": 1}, "eta must be a whole number of at least 2"),
        ({"first": 0}, "first must be a whole number of at least 1"),
        ({"percentile": 101}, "percentile must be at least 0 and at most 100"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        PASHA(Random(), **arguments)
