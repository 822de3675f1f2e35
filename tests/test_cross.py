"""Every scheduler with every searcher in many spaces, in virtual time, interrupted and unlucky, and replayed."""

import random
from itertools import product

import msgspec
import pytest

from simulated import FINITE, SPACES, bad_luck, copied, kinds, leases, params_of, records, simulate, study_of
from welltempered.decide import decide, decided, record
from welltempered.events import Cut, Ended, Record, Reported, Resumed, Started
from welltempered.log.memory import Memory
from welltempered.replay import replay
from welltempered.schedulers.freeze_thaw import FreezeThaw
from welltempered.schedulers.full import Full
from welltempered.schedulers.halving import Halving
from welltempered.schedulers.hyperband import Hyperband
from welltempered.schedulers.pasha import PASHA
from welltempered.schedulers.pbt import PBT
from welltempered.schedulers.rules import Median, Percentile, Plateau, Slack
from welltempered.searchers.cma import CMA
from welltempered.searchers.evolution import Evolution
from welltempered.searchers.first import First
from welltempered.searchers.gp import GP
from welltempered.searchers.grid import Grid
from welltempered.searchers.portfolio import Portfolio
from welltempered.searchers.prior import Prior
from welltempered.searchers.random import Random
from welltempered.searchers.replicate import Replicate
from welltempered.searchers.sobol import Sobol
from welltempered.searchers.tpe import TPE
from welltempered.searchers.warm import Warm
from welltempered.searchers.zoom import Zoom
from welltempered.testing import check_scheduler, check_searcher

ELSEWHERE = [
    {"lr": 0.01, "momentum": 0.9, "first": 3, "decay": 0, "units": 64, "depth": 2, "size": [8]},
    {"lr": 10.0, "optimizer": "sgd", "first": 120, "rate": 0.3, "skip": "yes", "schedule": "short"},
]  # what is known of parameters of the same names, not all of it possible here
SEARCHERS = {
    Random(): {},
    Sobol(): {},
    Grid(points=3): {"seeded": False, "exhaustive": False},
    Zoom(Sobol(), start=10, growth=1.2, risk=0.5, wide=3): {},
    TPE(start=3, random=0.1): {},
    GP(start=4): {},
    Evolution(population=6, least=4): {},
    CMA(): {},
    First(Zoom(Random(), start=10, growth=1.2), [{}]): {},
    Prior(Sobol()): {},
    Warm(Random(), [ELSEWHERE, ELSEWHERE[::-1]]): {},
    Portfolio([Sobol(), Grid(points=3), Prior(Random())]): {},
    Replicate(Sobol(), times=2): {"repeats": True},
}  # what it does not promise
ENDLESS = [searcher for searcher, less in SEARCHERS.items() if less.get("exhaustive", True)]
SCHEDULERS = [
    Full,
    Halving,
    lambda searcher: Halving(searcher, eta=2, brackets=2),
    Hyperband,
    lambda searcher: Hyperband(searcher, eta=2, rounds=1),
    lambda searcher: PASHA(searcher, eta=2),
    lambda searcher: PBT(searcher, population=4, every=2),
]
GUIDED = [lambda searcher: FreezeThaw(searcher, start=4)]  # fits, so it is slow to fold anew for each decision
EAGER = {"grace": 2, "every": 1, "least": 2, "noise": 0}
RULES = [
    lambda searcher: Median(Full(searcher), **EAGER),
    lambda searcher: Percentile(Hyperband(searcher), **EAGER, percent=40),
    lambda searcher: Slack(Halving(searcher), **EAGER, factor=0.2, trend=0),
    lambda searcher: Plateau(Median(Full(searcher), **EAGER), patience=1, share=0, grace=3, noise=0),
]
BUDGET = 80

# All that a scheduler sees of a searcher is params or None, and all that a searcher sees of a scheduler is trials that
# have come more or less far. So not all triples of scheduler, searcher and space are tried: every searcher meets every
# space under Halving, which leaves most trials half trained; every scheduler meets every space with Sobol; each other
# pair meets in one place only, so chosen that each of the two comes around to all places.
PLACES = list(product(["nested conditions", "constrained", "zero or log", "finite with conditions"], [1, 3]))
METHODS = [*map(Halving, SEARCHERS), *(make(Sobol()) for make in [*SCHEDULERS, *GUIDED, *RULES] if make is not Halving)]
PAIRS = [
    (make(searcher), *PLACES[(row + column) % len(PLACES)])
    for row, make in enumerate([*SCHEDULERS, *RULES])
    for column, searcher in enumerate(SEARCHERS)
    if make is not Halving and searcher != Sobol()
]

pytestmark = pytest.mark.usefixtures("no_global_randomness")
every_method = pytest.mark.parametrize("method", METHODS, ids=repr)
every_meeting = pytest.mark.parametrize(
    ("method", "space", "slots"), [*((method, *place) for method, place in product(METHODS, PLACES)), *PAIRS], ids=repr
)
one_slot_or_three = pytest.mark.parametrize("slots", [1, 3])


@pytest.mark.parametrize(("searcher", "less"), SEARCHERS.items(), ids=repr)
def test_every_searcher_keeps_the_promises_of_searchers(searcher, less):
    check_searcher(searcher, **less)


@pytest.mark.parametrize(("make", "epochs"), [*product(SCHEDULERS, [9, 27]), *product([*GUIDED, *RULES], [9])])
def test_every_scheduler_keeps_the_promises_of_schedulers(make, epochs):
    check_scheduler(make, epochs=epochs)


def is_endless(method):
    """Return whether a method goes on for ever in an infinite space."""
    while hasattr(method, "scheduler"):
        method = method.scheduler
    return method.searcher in ENDLESS and getattr(method, "rounds", None) is None and not isinstance(method, PBT)


def is_sound(study, budget=BUDGET):
    """Check what is true of any study, whatever its method."""
    history = study.history
    assert study.replay(verify=True).differences == ()
    assert not history.running
    assert history.spent <= budget
    assert all(study.space.contains(trial.params) for trial in study.trials)
    assert all(trial.epoch <= trial.until <= trial.horizon for trial in study.trials)
    for trial in study.trials:
        own = [event for event in history.events if event.trial == trial.id]
        opened = [event for event in own if isinstance(event, Started | Resumed)]
        closed = [event for n, event in enumerate(own) if n + 1 == len(own) or isinstance(own[n + 1], Resumed)]
        assert len(opened) == len(closed)
        assert isinstance(own[0], Started)
        assert not any(isinstance(event, Started | Resumed) for event in closed)
    return True


def epochs_left(study):
    """Return whether a budget ended the study, instead of its method."""
    return bool(study.history.interrupted) or study.history.spent == BUDGET


@every_meeting
def test_a_study_uses_its_budget_or_ends_and_is_replayed_without_a_difference(method, space, slots):
    study = simulate(study_of(SPACES[space], method), slots=slots, budget=f"{BUDGET} epochs")
    assert is_sound(study)
    if is_endless(method) and space not in FINITE:
        assert study.history.spent == BUDGET
    if not epochs_left(study):
        assert study.decide(None, 0.0) is None


@every_meeting
def test_a_study_interrupted_at_random_is_replayed_without_a_difference(method, space, slots):
    rng = random.Random(f"{method} {space} {slots}")
    study = study_of(SPACES[space], method, seed=1)
    for epochs in sorted(rng.sample(range(1, BUDGET), 4)):
        budget = rng.choice(
            [f"{epochs} epochs", f"{max(1, epochs // 3)} trials, {epochs} epochs", f"{epochs / 2 / slots} s"]
        )
        study = copied(simulate(study, slots=slots, budget=budget)) if rng.random() < 0.5 else study
    simulate(study, slots=slots, budget=f"{BUDGET} epochs")
    assert is_sound(study)
    if slots == 1:
        straight = simulate(study_of(SPACES[space], method, seed=1), budget=f"{BUDGET} epochs")
        assert params_of(study.history) == params_of(straight.history)
        assert leases(study.history) == leases(straight.history)
        assert [trial.losses for trial in study.trials] == [trial.losses for trial in straight.trials]


@every_meeting
def test_a_study_with_failing_trials_and_dying_workers_is_replayed_without_a_difference(method, space, slots):
    study = study_of(SPACES[space], method, seed=2)
    simulate(study, slots=slots, budget=f"{BUDGET} epochs", fate=bad_luck(f"{method} {space} {slots}"))
    assert is_sound(study)


def test_luck_was_bad_indeed():
    """See that the tests above met what they are about."""
    study = study_of(SPACES["continuous"], Full(Random()))
    simulate(study, budget="400 epochs", fate=bad_luck(0, share=0.6))
    assert "worker lost" in {cut.reason for cut in kinds(study.history, Cut)}
    assert {end.reason for end in kinds(study.history, Ended)} == {"failed", "crashed"}
    assert study.history.spent > sum(trial.epoch for trial in study.trials)


@pytest.mark.parametrize("method", [rule(Random()) for rule in RULES], ids=repr)
def test_rules_did_stop_trials_indeed(method):
    study = simulate(study_of(SPACES["continuous"], method), slots=3, budget="400 epochs", fate=bad_luck(0))
    assert "stopped" in {end.reason for end in kinds(study.history, Ended)}


@every_method
@pytest.mark.parametrize("space", ["nested conditions", "finite with constraint"])
def test_any_decision_can_be_derived_from_the_events_before_it_alone(method, space):
    """No method may depend on what it was asked before: a fresh process must decide the same."""
    study = study_of(SPACES[space], method, seed=3)
    simulate(study, slots=3, budget=f"{BUDGET} epochs", fate=bad_luck(3))
    events = study.history.events
    decisions = [number for number, event in enumerate(events) if decided(event)]
    for number in decisions[::3]:
        history, event = copied(study, number).history, events[number]
        held = None if event.held is None else history.trials[event.held]
        assert record(decide(method, history, held), history, held, event.at) == event


@every_method
def test_a_study_is_the_same_each_time(method):
    def run():
        study = study_of(SPACES["nested conditions"], method, seed=4)
        return records(simulate(study, slots=3, budget=f"{BUDGET} epochs", fate=bad_luck(4)))

    assert run() == run()


@every_method
@one_slot_or_three
def test_a_log_on_disk_holds_all_there_is(method, slots):
    """What is read back, as text from a file would be, is the very same study."""
    study = study_of(SPACES["zero or log"], method, seed=5)
    simulate(study, slots=slots, budget=f"{BUDGET} epochs", fate=bad_luck(5))
    lines = [msgspec.json.encode(record) for record in records(study)]
    log = Memory()
    log.append(0, [msgspec.json.decode(line, type=Record) for line in lines])
    header, *events = log.read()
    found = replay(header, events, study.space, method)
    assert found.differences == ()
    assert list(found.history.trials) == list(study.trials)
    assert found.history.best == study.best


@every_method
@one_slot_or_three
def test_budgets_of_epochs_are_kept_exactly_and_those_of_trials_too(method, slots):
    space = SPACES["continuous"]
    study = simulate(study_of(space, method), slots=slots, budget="31 epochs")
    assert study.history.spent == 31 or not is_endless(method)
    study = simulate(study_of(space, method), slots=slots, budget="7 trials")
    assert len(study.trials) == 7
    assert not study.history.interrupted


@one_slot_or_three
def test_a_budget_of_time_ends_leases_at_the_first_epoch_after_it(slots):
    study = study_of(SPACES["continuous"], Full(Random()))
    simulate(study, slots=slots, budget="30 s", seconds=lambda params: 0.7)
    late = [event for event in study.history.events if event.at > 30]
    assert 30 <= study.history.clock <= 30.7
    assert all(isinstance(event, Reported | Cut) for event in late)
    assert len(kinds(study.history, Cut)) == slots
