import math
from collections import Counter
from itertools import pairwise

import pytest

from simulated import (
    SPACES,
    bad_luck,
    calm,
    doomed,
    forbid_walking,
    history_of,
    kinds,
    leases,
    params_of,
    records,
    simulate,
    study_of,
)
from welltempered.decide import Resume, Wait
from welltempered.errors import InvalidInput
from welltempered.events import Cut, Ended, Reported, Resumed, Started
from welltempered.schedulers.halving import Halving
from welltempered.schedulers.rungs import levels, most_halvings
from welltempered.searchers.grid import Grid
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol

CONTINUOUS = SPACES["continuous"]
VARIANTS = [
    Halving(Random()),
    Halving(Sobol(), eta=2),
    Halving(Random(), eta=4, first=2),
    Halving(Sobol(), eta=3, brackets=2),
    Halving(Random(), eta=2, first=2, brackets=4),
]
FATES = {"calm": lambda: None, "doomed": lambda: doomed, "bad luck": lambda: bad_luck(4)}
every_variant = pytest.mark.parametrize("method", VARIANTS, ids=repr)


class Paper:
    """Algorithm 2 of the paper, worked out from all events whenever it is asked."""

    def __init__(self, method, epochs):
        self.eta = method.eta
        halvings = most_halvings(epochs, method.eta, method.first)
        self.brackets = [levels(epochs, method.eta, halvings - b) for b in range(method.brackets)]
        self.bracket = {}  # trial -> its bracket
        self.until = {}  # trial -> end of its last lease
        self.results = {}  # trial -> {epoch of a rung: loss}
        self.last = {}  # trial -> its last event

    def read(self, event):
        trial = event.trial
        self.last[trial] = event
        if isinstance(event, Started):
            self.bracket[trial] = event.bracket
            self.results[trial] = {}
        if isinstance(event, Started | Resumed):
            self.until[trial] = event.until
        if isinstance(event, Reported):
            loss = event.metrics["loss"]
            if loss is None:
                self.results[trial][self.until[trial]] = math.inf  # it will never get there
            elif event.epoch == self.until[trial]:
                self.results[trial][event.epoch] = loss

    def interrupted(self):
        return [trial for trial, event in self.last.items() if isinstance(event, Cut)]

    def top(self, bracket, level):
        """Return the best 1/eta of all that have reached a rung."""
        here = [(results[level], t) for t, results in self.results.items() if level in results]
        here = sorted(entry for entry in here if self.bracket[entry[1]] == bracket)
        return [trial for loss, trial in here[: len(here) // self.eta] if loss < math.inf]

    def waits_at(self, trial, level):
        return self.until[trial] == level and level in self.results[trial] and not isinstance(self.last[trial], Ended)

    def job(self):
        """Return who is promoted, and to which epoch; None grows the lowest rung."""
        for bracket, rungs in enumerate(self.brackets):
            for level, above in reversed(list(pairwise(rungs))):
                for trial in self.top(bracket, level):
                    if self.waits_at(trial, level):
                        return trial, above
        return None

    def job_of(self, held):
        """Return the promotion of the only trial that is still in memory, where none can be resumed."""
        if held is None:
            return None
        rungs = self.brackets[self.bracket[held]]
        for level, above in pairwise(rungs):
            if self.waits_at(held, level) and held in self.top(self.bracket[held], level):
                return held, above
        return None


def check_against_the_paper(study, method):
    """Compare every decision with the paper's; returns how many promotions there were."""
    paper, promotions = Paper(method, study.header.epochs), 0
    for event in study.history.events:
        if isinstance(event, Started | Resumed) and not paper.interrupted():
            job = paper.job() if study.header.resumable else paper.job_of(event.held)
            promotions += job is not None
            if job is None:
                assert isinstance(event, Started)
                assert event.until == paper.brackets[event.bracket][0]
            else:
                assert isinstance(event, Resumed)
                assert (event.trial, event.until) == job
        paper.read(event)
    return promotions


@every_variant
@pytest.mark.parametrize("slots", [1, 5])
@pytest.mark.parametrize("fate", FATES)
def test_every_decision_is_that_of_the_paper(method, slots, fate):
    study = study_of(CONTINUOUS, method, epochs=27)
    simulate(study, slots=slots, budget="400 epochs", fate=FATES[fate]())
    assert check_against_the_paper(study, method) >= 5


@every_variant
def test_trials_that_cannot_be_resumed_are_promoted_while_they_are_held_or_never(method):
    study = study_of(CONTINUOUS, method, epochs=27, resumable=False)
    simulate(study, slots=3, budget="600 epochs")
    assert check_against_the_paper(study, method) >= 5


def test_the_rungs_are_those_of_eta_and_first():
    for method, expected in [
        (Halving(Random()), {1, 3, 9, 27}),
        (Halving(Random(), eta=2, first=3), {3, 7, 14, 27}),
        (Halving(Random(), eta=4), {2, 7, 27}),
    ]:
        study = simulate(study_of(CONTINUOUS, method, epochs=27), budget="300 epochs")
        assert {until for _, until in leases(study.history)} == expected


def test_brackets_begin_ever_higher_and_cost_about_the_same():
    study = study_of(CONTINUOUS, Halving(Random(), brackets=3), epochs=27)
    simulate(study, budget="130 trials")
    started = Counter((event.bracket, event.until) for event in kinds(study.history, Started))
    assert started == {(0, 1): 90, (1, 3): 30, (2, 9): 10}


def test_a_promoted_trial_goes_on_from_where_it_stopped():
    study = simulate(study_of(CONTINUOUS, Halving(Sobol())), slots=3, budget="200 epochs")
    assert kinds(study.history, Resumed)
    assert study.history.spent == sum(trial.epoch for trial in study.trials)
    for trial in study.trials:
        assert [report.epoch for report in trial.reports] == list(range(1, trial.epoch + 1))


def test_a_trial_that_has_diverged_is_never_promoted():
    study = study_of(CONTINUOUS, Halving(Random(), eta=2))
    simulate(study, budget="60 epochs", curve=lambda params, epoch: {"loss": math.nan})
    assert len(study.trials) == 60
    assert not kinds(study.history, Resumed)


def test_ties_go_to_the_older_trial():
    study = study_of(CONTINUOUS, Halving(Random()), epochs=3)
    simulate(study, budget="16 epochs", curve=lambda params, epoch: {"loss": 1.0})
    assert [event.trial for event in kinds(study.history, Resumed)] == [0, 1, 2]


def test_the_highest_rung_comes_first():
    history, method = history_of(CONTINUOUS, Halving(Random())), Halving(Random())
    for trial in range(12):
        history.apply(Started(trial, history.space.defaults(), 1))
        history.apply(Reported(trial, 1, {"loss": trial}))
    for trial in range(3):
        history.apply(Resumed(trial, 3))
        history.apply(Reported(trial, 2, {"loss": trial}))
        history.apply(Reported(trial, 3, {"loss": trial}))
    assert method.next(history, None) == Resume(0, 9)  # the best of three, after three epochs
    history.apply(Resumed(0, 9))
    assert method.next(history, None) == Resume(3, 3)  # the fourth of twelve, after one


def test_nobody_waits_for_anybody():
    study = simulate(study_of(CONTINUOUS, Halving(Random())), slots=4, budget="200 epochs")
    history = history_of(CONTINUOUS, Halving(Random()))
    for event in study.history.events[:400]:
        history.apply(event)
        if len(history.events) > 4 and isinstance(event, Started | Resumed):
            assert len(history.running) == 4


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("searcher", [Random(), Sobol(), Grid(points=4)], ids=repr)
def test_a_finite_space_is_searched_to_the_end_and_nothing_promotable_is_left(searcher, slots):
    method = Halving(searcher)
    study = simulate(study_of(SPACES["finite with constraint"], method, epochs=27), slots=slots, curve=calm)
    check_against_the_paper(study, method)
    paper = Paper(method, 27)
    for event in study.history.events:
        paper.read(event)
    assert paper.job() is None
    assert method.next(study.history, None) == Wait()
    if isinstance(searcher, Random | Sobol):
        assert len(study.trials) == len(list(study.space.points(None)))


def test_one_slot_that_is_interrupted_decides_as_one_that_is_not():
    method = Halving(Sobol(), eta=2, brackets=2)
    straight = simulate(study_of(CONTINUOUS, method, epochs=27), budget="300 epochs")
    broken = study_of(CONTINUOUS, method, epochs=27)
    for epochs in (7, 8, 60, 111, 300):
        simulate(broken, budget=f"{epochs} epochs")
    assert kinds(broken.history, Cut)
    assert params_of(broken.history) == params_of(straight.history)
    assert leases(broken.history) == leases(straight.history)
    assert [t.losses for t in broken.trials] == [t.losses for t in straight.trials]


def test_a_decision_walks_through_neither_trials_nor_events():
    study = simulate(study_of(CONTINUOUS, VARIANTS[3]), budget="100 epochs")
    forbid_walking(study.history)
    for _ in range(30):
        simulate_one_lease(study)


def simulate_one_lease(study):
    """Grant a lease and report its epochs."""
    trial = study.decide(None, study.history.clock)
    for epoch in range(trial.epoch + 1, trial.until + 1):
        study.append(Reported(trial.id, epoch, calm(trial.params, epoch)))


def test_paused_trials_are_kept_while_they_may_come_to_be_promoted():
    study = simulate(study_of(CONTINUOUS, Halving(Random())), budget="100 epochs")
    kept = set(Halving(Random()).keeps(study.history))
    for trial in study.trials:
        assert (trial.id in kept) == (trial.state == "paused" and trial.loss < math.inf)


def test_nothing_is_kept_where_nothing_can_be_resumed():
    study = study_of(CONTINUOUS, Halving(Random()), resumable=False)
    assert not Halving(Random()).keeps(simulate(study, budget="100 epochs").history)


@pytest.mark.parametrize("name", ["first", "brackets"])
@pytest.mark.parametrize("value", [0, -1, 1.5, None])
def test_first_and_brackets_are_whole_numbers(name, value):
    with pytest.raises(InvalidInput, match=f"^{name} must be a whole number of at least 1, got {name}="):
        Halving(Random(), **{name: value})


def test_a_first_rung_above_a_full_training_is_refused_when_the_study_starts():
    study = study_of(CONTINUOUS, Halving(Random(), first=10))
    with pytest.raises(InvalidInput, match=r"^first must be at most the epochs of a full training, 9, got 10$"):
        simulate(study)
    assert len(records(study)) == 1


def test_more_brackets_than_rungs_are_refused_when_the_study_starts():
    study = study_of(CONTINUOUS, Halving(Random(), brackets=4))
    sentence = r"brackets must be at most the number of rungs, 3 for epochs=9, eta=3, first=1, got brackets=4"
    with pytest.raises(InvalidInput, match=sentence):
        simulate(study)
    assert len(records(study)) == 1
