"""Every scheduler keeps the checkpoints that it will need: followed event by event, sweeping after each."""

import math

import pytest

from simulated import SPACES, bad_luck, copied, simulate, study_of
from welltempered.checkpoints import needed
from welltempered.events import Cut, Reported, Resumed
from welltempered.schedule.full import Full
from welltempered.schedule.halving import Halving
from welltempered.schedule.hyperband import Hyperband
from welltempered.search.random import Random
from welltempered.search.sobol import Sobol

METHODS = [
    Full(Random()),
    Halving(Sobol()),
    Halving(Random(), eta=2, brackets=3),
    Hyperband(Random()),
    Hyperband(Sobol(), eta=2, rounds=1),
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
        if isinstance(event, Resumed):
            epoch = history.epoch(event.trial)
            assert epoch == 0 or (event.trial, epoch) in disk
        history.apply(event)
        if event.trial not in history.running and isinstance(event, Reported):
            disk.add((event.trial, event.epoch))
        if isinstance(event, Cut) and event.reason == "budget":
            disk.add((event.trial, event.epoch))
        elif isinstance(event, Cut):
            assert event.epoch == 0 or (event.trial, event.epoch) in disk
        first = needed(history, method.keeps(history))
        disk = {(trial, epoch) for trial, epoch in disk if epoch >= first.get(trial, math.inf)}
        assert the_best_can_be_used(history, disk)


def the_best_can_be_used(history, disk):
    """Say whether the incumbent's checkpoint is there, unless it is being trained and so has none yet."""
    best = history.best
    return best is None or best.running or (best.id, best.epoch) in disk


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_every_trial_that_is_resumed_was_kept_all_the_while(method):
    study = eventful("continuous", method, 3, 2)
    events = study.history.events
    history, kept = copied(study, 0).history, []
    for event in events:
        history.apply(event)
        kept.append(history.running | history.interrupted | set(method.keeps(history)))
    paused_at = {}
    for number, event in enumerate(events):
        if isinstance(event, Resumed):
            assert all(event.trial in kept[between] for between in range(paused_at[event.trial], number))
        paused_at[event.trial] = number


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_nothing_is_kept_of_trials_that_are_running_failed_or_complete(method):
    history = eventful("continuous", method, 3, 3).history
    for id in method.keeps(history):
        assert history.trials[id].state == "paused"
        assert history.trials[id].loss < math.inf


def test_full_training_needs_what_is_unfinished_and_the_best_of_the_others_and_nothing_else():
    study = simulate(study_of(SPACES["continuous"], Full(Random())), slots=2, budget="95 epochs")
    unfinished = {trial.id: trial.epoch for trial in study.trials if trial.interrupted}
    best = min((trial for trial in study.trials if trial.state == "complete"), key=lambda trial: trial.loss)
    assert unfinished
    assert needed(study.history, Full(Random()).keeps(study.history)) == {best.id: 9, **unfinished}
