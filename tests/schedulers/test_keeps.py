"""Every scheduler keeps the checkpoints that it will need: followed event by event, sweeping after each."""

import math

import msgspec
import pytest

from simulated import SPACES, bad_luck, copied, simulate, study_of
from welltempered.checkpoints import needed, useless
from welltempered.events import Origin, Reported, Resumed, Started
from welltempered.schedulers.full import Full
from welltempered.schedulers.halving import Halving
from welltempered.schedulers.hyperband import Hyperband
from welltempered.schedulers.pbt import PBT
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol

METHODS = [
    Full(Random()),
    Halving(Sobol()),
    Halving(Random(), eta=2, brackets=3),
    Hyperband(Random()),
    Hyperband(Sobol(), eta=2, rounds=1),
    PBT(Sobol(), population=12),
]


def eventful(space, method, slots, seed):
    """Return a study with failing trials, dying workers, budgets that run out and a driver that is lost."""
    study = study_of(SPACES[space], method, epochs=27, seed=seed)
    for epochs in (20, 60, 61, 150):
        simulate(study, slots=slots, budget=f"{epochs} epochs", fate=bad_luck(seed))
    study = copied(study, len(study.history.events) - 5)
    return simulate(study, slots=slots, budget="400 epochs", fate=bad_luck(seed + 1))


@pytest.mark.parametrize("method", METHODS, ids=repr)
@pytest.mark.parametrize("space", ["continuous", "finite with constraint"])
@pytest.mark.parametrize(("slots", "seed"), [(1, 0), (4, 1)])
def test_no_checkpoint_is_deleted_that_a_trial_goes_on_from_later(method, space, slots, seed):
    study = eventful(space, method, slots, seed)
    history, disk = copied(study, 0).history, set()
    for event in study.history.events:
        saved = isinstance(event, Reported) and event.metrics["loss"] is not None
        history.apply(msgspec.structs.replace(event, saved=1) if saved else event)
        if saved:
            disk.add((event.trial, event.epoch))
        if isinstance(event, Started | Resumed) and history.epoch(event.trial):
            source = history.trials[event.trial].source
            assert (source.trial, source.epoch) in disk
        keeps = method.keeps(history)
        disk -= useless(disk, history, keeps)
        assert len(disk) <= 2 * len(history.running | history.interrupted) + len(keeps) + 1
        assert the_best_can_be_used(history, disk)


def the_best_can_be_used(history, disk):
    """Say whether the incumbent's checkpoint is there."""
    best = history.best
    return best is None or best.interrupted or (best.id, best.epoch) in disk


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_nothing_is_kept_of_trials_that_are_running_failed_or_complete(method):
    history = eventful("continuous", method, 3, 3).history
    for id in method.keeps(history):
        if isinstance(id, Origin):
            assert history.offers(id)
            assert not history.trials[id.trial].failed
            continue
        assert history.trials[id].state == "paused"
        assert history.trials[id].loss < math.inf


def saving(study, size=1):
    """Return the history of a study whose every finite report came with a checkpoint."""
    history = copied(study, 0).history
    for event in study.history.events:
        saved = isinstance(event, Reported) and event.metrics["loss"] is not None
        history.apply(msgspec.structs.replace(event, saved=size) if saved else event)
    return history


def test_full_training_needs_what_is_unfinished_and_the_best_of_the_others_and_nothing_else():
    study = simulate(study_of(SPACES["continuous"], Full(Random())), slots=2, budget="95 epochs")
    unfinished = {trial.id: trial.epoch for trial in study.trials if trial.interrupted}
    best = min((trial for trial in study.trials if trial.state == "complete"), key=lambda trial: trial.loss)
    assert unfinished
    newest = {id: {epoch, epoch - 1} - {0} for id, epoch in unfinished.items()}
    assert needed(saving(study), Full(Random()).keeps(study.history)) == {best.id: {9}, **newest}


def test_where_room_is_short_the_second_newest_go_first_and_then_the_worst_of_the_paused():
    method = Halving(Random())
    history = saving(simulate(study_of(SPACES["continuous"], method), slots=2, budget="40 epochs"), size=10)
    keeps = method.keeps(history)
    everything = needed(history, keeps)
    newest = {id: {max(epochs)} for id, epochs in everything.items()}
    firm = history.running | history.interrupted | {history.best.id}
    paused = sorted(set(keeps) - firm, key=lambda id: history.trials[id].loss)
    assert len(paused) > 5
    assert everything == needed(history, keeps, room=1e9)
    assert everything != newest or not history.interrupted
    assert needed(history, keeps, room=10 * len(newest)) == newest
    for left in range(len(paused)):
        expected = {id for id in newest if id not in paused} | set(paused[:left])
        assert set(needed(history, keeps, room=10 * (len(newest) - len(paused) + left))) == expected
    assert set(needed(history, keeps, room=1)) == set(newest) - set(paused), "what is sure to be needed stays"
