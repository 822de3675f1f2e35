import math
from collections import Counter
from fractions import Fraction

import pytest

from simulated import (
    FINITE,
    SPACES,
    Mishap,
    bad_luck,
    calm,
    chance,
    copied,
    curve,
    doomed,
    forbid_walking,
    kinds,
    leases,
    params_of,
    records,
    simulate,
    study_of,
)
from welltempered.decide import Wait
from welltempered.errors import InvalidInput
from welltempered.events import Cut, Ended, Reported, Resumed, Started
from welltempered.schedulers.hyperband import Hyperband
from welltempered.searchers.grid import Grid
from welltempered.searchers.random import Random
from welltempered.searchers.replicate import Replicate
from welltempered.searchers.sobol import Sobol
from welltempered.space import Int, Space

CONTINUOUS = SPACES["continuous"]
SEARCHERS = [Random(), Sobol()]
every_searcher = pytest.mark.parametrize("searcher", SEARCHERS, ids=repr)


def rungs_of(history):
    """Return {bracket: [(trials, epochs), ...]}: how many leases ended at which epoch."""
    found = {}
    for trial, until in leases(history):
        found.setdefault(history.trials[trial].bracket, Counter())[until] += 1
    return {
        bracket: [(count, until) for until, count in sorted(counts.items())]
        for bracket, counts in sorted(found.items())
    }


# ---------------------------------------------------------------------- the paper


@pytest.mark.parametrize("slots", [1, 7])
def test_brackets_and_rungs_are_those_of_the_paper_for_81_epochs(slots):
    """Algorithm 1 with R = 81, η = 3: n = ceil(5 · 3^s / (s + 1)), n_i = floor(n / 3^i), r_i = r · 3^i."""
    study = study_of(CONTINUOUS, Hyperband(Random(), rounds=1), epochs=81)
    simulate(study, slots=slots, curve=calm)
    assert rungs_of(study.history) == {
        0: [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        1: [(34, 3), (11, 9), (3, 27), (1, 81)],
        2: [(15, 9), (5, 27), (1, 81)],
        3: [(8, 27), (2, 81)],
        4: [(5, 81)],
    }


@pytest.mark.parametrize(("epochs", "eta"), [(1, 3), (2, 2), (9, 3), (16, 2), (16, 4), (27, 3), (50, 3), (20, 2)])
def test_other_sizes_follow_the_formulas_of_the_paper(epochs, eta):
    study = study_of(CONTINUOUS, Hyperband(Random(), eta=eta, rounds=1), epochs=epochs)
    simulate(study, curve=calm)
    s_max = next(s for s in range(99) if eta ** (s + 1) > epochs)
    expected = {}
    for bracket, s in enumerate(range(s_max, -1, -1)):
        n = math.ceil(Fraction((s_max + 1) * eta**s, s + 1))
        sizes = [n // eta**i for i in range(s + 1)]
        expected[bracket] = [(size, round(epochs / eta ** (s - i))) for i, size in enumerate(sizes)]
    assert rungs_of(study.history) == expected


@pytest.mark.parametrize("fate", [None, doomed], ids=["calm", "doomed"])
@pytest.mark.parametrize("slots", [1, 4])
def test_each_rung_promotes_its_best_in_order_and_nobody_else(slots, fate):
    study = study_of(CONTINUOUS, Hyperband(Random(), rounds=2), epochs=27)
    simulate(study, slots=slots, fate=fate)
    history = study.history
    for bracket, size in Counter(event.bracket for event in kinds(history, Started)).items():
        own = {trial.id: trial for trial in history.trials if trial.bracket == bracket}
        levels = sorted({until for trial, until in leases(history) if trial in own} - {27})
        for i, level in enumerate(levels):
            arrived = [(trial.losses[level - 1], id) for id, trial in own.items() if was_there(history, trial, level)]
            best = [id for loss, id in sorted(arrived)[: size // 3 ** (i + 1)] if loss < math.inf]
            promoted = [
                event.trial for event in kinds(history, Resumed) if event.trial in own and event.until == 3 * level
            ]
            assert promoted == best


def was_there(history, trial, level):
    """Say whether a trial has closed the lease that ends at this epoch."""
    return (trial.id, level) in leases(history) and trial.epoch >= level


def test_a_rung_waits_for_all_its_trials():
    study = simulate(study_of(CONTINUOUS, Hyperband(Random()), epochs=27), slots=5, budget="300 epochs", curve=calm)
    first = next(n for n, event in enumerate(study.history.events) if isinstance(event, Resumed))
    closed = [e.trial for e in study.history.events[:first] if isinstance(e, Reported) and e.trial < 27]
    assert sorted(closed) == list(range(27))


# ---------------------------------------------------------------------- any number of workers


def times(seed):
    """Return seconds per epoch that differ from trial to trial and from seed to seed."""
    return lambda params: 0.1 + 9 * chance(seed, params)


@every_searcher
@pytest.mark.parametrize("space", ["nested conditions", "zero or log", "finite with constraint"])
@pytest.mark.parametrize("fate", [None, doomed], ids=["calm", "doomed"])
def test_any_number_of_workers_makes_the_same_trials_and_grants_the_same_leases(searcher, space, fate):
    method = Hyperband(searcher, rounds=1 if SPACES[space].size == math.inf else None)  # else until it is exhausted
    alone = simulate(study_of(SPACES[space], method, epochs=27, seed=5), fate=fate)
    for slots in (2, 3, 8):
        study = study_of(SPACES[space], method, epochs=27, seed=5)
        simulate(study, slots=slots, seconds=times(slots), fate=fate)
        assert params_of(study.history) == params_of(alone.history)
        assert leases(study.history) == leases(alone.history)
        assert [trial.losses for trial in study.trials] == [trial.losses for trial in alone.trials]
        assert [trial.bracket for trial in study.trials] == [trial.bracket for trial in alone.trials]


def test_a_slot_that_would_wait_begins_the_next_bracket():
    study = simulate(study_of(CONTINUOUS, Hyperband(Random()), epochs=27), slots=6, budget="500 epochs", curve=calm)
    busy, opened = 0, []
    for event in study.history.events:
        busy += isinstance(event, Started | Resumed)
        busy -= isinstance(event, Cut) or (isinstance(event, Reported) and (event.trial, event.epoch) in opened)
        if isinstance(event, Started | Resumed):
            opened.append((event.trial, event.until))
            assert busy == 6 or len(opened) < 6
    assert len({trial.bracket for trial in study.trials}) > 4


@every_searcher
@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("space", ["continuous", "finite with constraint"])
def test_a_study_interrupted_again_and_again_is_the_undisturbed_one(searcher, slots, space):
    method = Hyperband(searcher, rounds=2)
    straight = simulate(study_of(SPACES[space], method, epochs=27), slots=slots)
    broken = study_of(SPACES[space], method, epochs=27)
    for epochs in (1, 2, 30, 31, 77, 150, 151, 200, 333):
        broken = copied(simulate(broken, slots=slots, budget=f"{epochs} epochs"))
    simulate(broken, slots=slots)
    assert kinds(broken.history, Cut)
    assert params_of(broken.history) == params_of(straight.history)
    assert leases(broken.history) == leases(straight.history)
    assert [trial.losses for trial in broken.trials] == [trial.losses for trial in straight.trials]
    assert broken.history.spent == straight.history.spent
    assert broken.replay(verify=True).differences == ()


@every_searcher
def test_a_study_whose_driver_dies_grants_the_same_leases_afterwards(searcher):
    method = Hyperband(searcher, rounds=1)
    straight = simulate(study_of(CONTINUOUS, method, epochs=27), slots=3)
    broken = study_of(CONTINUOUS, method, epochs=27)
    for events in (1, 20, 90, 91, 200):
        broken = copied(simulate(broken, slots=3), events)  # all later ones were never written
        broken.recover()
    simulate(broken, slots=3)
    assert [cut.reason for cut in kinds(broken.history, Cut)] == ["driver lost"] * len(kinds(broken.history, Cut))
    assert params_of(broken.history) == params_of(straight.history)
    assert leases(broken.history) == leases(straight.history)
    assert broken.replay(verify=True).differences == ()


# ---------------------------------------------------------------------- trials that come to nothing


def test_a_trial_that_fails_leaves_its_place_empty_if_no_other_is_good_enough():
    """The best of bracket 0 fails in the second rung: the next best take what is left, and nobody is added."""
    study = study_of(CONTINUOUS, Hyperband(Random(), rounds=1), epochs=9)
    simulate(study, curve=lambda params, epoch: {"loss": params["lr"]})
    winner = min(study.trials[:9], key=lambda trial: trial.params["lr"]).params
    other = study_of(CONTINUOUS, Hyperband(Random(), rounds=1), epochs=9)
    simulate(
        other,
        curve=lambda params, epoch: {"loss": params["lr"]},
        fate=lambda lease: Mishap(2, fails=True) if lease.trial.params == winner else None,
    )
    assert params_of(other.history) == params_of(study.history)
    assert (
        rungs_of(other.history)
        == rungs_of(study.history)
        == {0: [(9, 1), (3, 3), (1, 9)], 1: [(5, 3), (1, 9)], 2: [(3, 9)]}
    )
    full = [trial.params for trial in other.trials[:9] if trial.epoch == 9]
    assert full == [sorted((trial.params for trial in study.trials[:9]), key=lambda params: params["lr"])[1]]


def test_a_bracket_in_which_everything_diverges_is_over_after_its_first_rung():
    study = study_of(CONTINUOUS, Hyperband(Random(), rounds=1), epochs=9)
    simulate(study, slots=2, curve=lambda params, epoch: {"loss": math.nan})
    assert rungs_of(study.history) == {0: [(9, 1)], 1: [(5, 3)], 2: [(3, 9)]}
    assert study.best is None


def test_a_bracket_in_which_everything_fails_late_is_over_too():
    study = study_of(CONTINUOUS, Hyperband(Random(), eta=2, rounds=1), epochs=4)
    simulate(study, slots=2, fate=lambda lease: Mishap(2, fails=True))
    assert rungs_of(study.history) == {0: [(4, 1), (2, 2)], 1: [(3, 2)], 2: [(3, 4)]}
    assert len(kinds(study.history, Ended)) == 2 + 3 + 3


@every_searcher
@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("space", FINITE.values(), ids=FINITE)
def test_in_an_exhausted_space_the_last_bracket_goes_on_with_what_it_has(space, searcher, slots):
    study = study_of(space, Hyperband(searcher), epochs=27)
    simulate(study, slots=slots, curve=calm)
    assert len(study.trials) == len(list(space.points(None)))
    assert study.replay(verify=True).differences == ()
    for bracket, rungs in rungs_of(study.history).items():
        sizes = [size for size, _ in rungs]
        assert sizes == [max(1, sizes[0] // 3**i) for i in range(len(sizes))], bracket
        assert rungs[-1][1] == 27, "somebody is trained to the end in every bracket"
    assert Hyperband(searcher).next(study.history, None) == Wait()


@pytest.mark.parametrize("seed", [1, 6])
def test_a_searcher_that_has_nothing_now_and_something_later_leaves_the_log_replayable(seed):
    study = study_of(SPACES["named choices"], Hyperband(Replicate(Sobol(), times=2)), seed=seed)
    simulate(study, slots=3, budget="80 epochs")
    assert study.replay(verify=True).differences == ()


def test_a_space_smaller_than_eta_still_has_a_winner_that_is_fully_trained():
    study = simulate(study_of(SPACES["named choices"], Hyperband(Grid()), epochs=81), curve=calm)
    assert rungs_of(study.history) == {0: [(4, 1), (1, 3), (1, 9), (1, 27), (1, 81)]}
    assert study.best.state == "complete"


# ---------------------------------------------------------------------- rounds


@pytest.mark.parametrize("slots", [1, 8])
def test_the_method_ends_after_its_rounds(slots):
    study = simulate(study_of(CONTINUOUS, Hyperband(Random(), rounds=3)), slots=slots, curve=calm)
    one = {0: [(9, 1), (3, 3), (1, 9)], 1: [(5, 3), (1, 9)], 2: [(3, 9)]}
    assert rungs_of(study.history) == {3 * turn + b: rungs for turn in range(3) for b, rungs in one.items()}
    assert not study.history.running
    assert study.decide(None, 0.0) is None


def test_without_rounds_the_method_goes_on_until_the_budget_is_used():
    study = simulate(study_of(CONTINUOUS, Hyperband(Random())), slots=3, budget="500 epochs")
    assert study.history.spent == 500
    assert max(trial.bracket for trial in study.trials) > 6


# ---------------------------------------------------------------------- brackets of one's own

SMALL = Space(units=Int(1, 10), depth=Int(1, 2))
OWN = (((6, 1), (3, 2), (2, 9)), ((2, 9),))


@pytest.mark.parametrize("slots", [1, 5])
def test_brackets_may_be_given_rung_by_rung(slots):
    study = simulate(study_of(CONTINUOUS, Hyperband(Random(), rounds=2, brackets=OWN)), slots=slots, curve=calm)
    one = {0: [(6, 1), (3, 2), (2, 9)], 1: [(2, 9)]}
    assert rungs_of(study.history) == {2 * turn + b: rungs for turn in range(2) for b, rungs in one.items()}
    assert study.replay(verify=True)


def test_given_brackets_make_do_with_an_exhausted_space_and_train_somebody_fully():
    study = simulate(study_of(SMALL, Hyperband(Random(), brackets=(((40, 1), (9, 3), (3, 9)),))), curve=calm)
    size = int(SMALL.size)
    assert rungs_of(study.history)[0] == [(size, 1), (9 * size // 40, 3), (max(1, 3 * size // 40), 9)]


@pytest.mark.parametrize("brackets", [(), 3, ((),), (((3, 1), (4, 9)),), (((3, 9), (2, 9)),), (((0, 9),),), ((3, 9),)])
def test_given_brackets_must_be_rungs_of_fewer_trials_and_more_epochs(brackets):
    with pytest.raises(InvalidInput, match=r"^brackets must be a sequence of brackets"):
        Hyperband(Random(), brackets=brackets)


def test_given_brackets_must_end_at_a_full_training():
    with pytest.raises(InvalidInput, match=r"must end at a full training of 9 epochs, got \(\(3, 8\),\)"):
        simulate(study_of(CONTINUOUS, Hyperband(Random(), brackets=(((3, 8),),))))


# ---------------------------------------------------------------------- what is kept


def test_trials_are_kept_until_their_bracket_has_no_more_use_for_them():
    method = Hyperband(Random(), rounds=1)
    study = simulate(study_of(CONTINUOUS, method), budget="8 epochs", curve=calm)
    assert set(method.keeps(study.history)) == set(range(8))  # the first rung is not complete
    simulate(study, budget="9 epochs", curve=calm)
    best = [id for loss, id in study.history.ranked(1)[:3]]
    assert set(method.keeps(study.history)) == set(best)  # three of nine go on
    simulate(study, budget="10 epochs", curve=calm)
    assert set(method.keeps(study.history)) == set(best[1:])  # and the first of them has begun to
    simulate(study, curve=calm)
    assert not method.keeps(study.history)


def test_a_decision_walks_through_neither_trials_nor_events():
    study = simulate(study_of(CONTINUOUS, Hyperband(Sobol())), budget="100 epochs", curve=calm)
    forbid_walking(study.history)
    for _ in range(30):
        trial = study.decide(None, study.history.clock)
        for epoch in range(trial.epoch + 1, trial.until + 1):
            study.append(Reported(trial.id, epoch, curve(trial.params, epoch)))


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("eta", [1, 2.5, None])
def test_eta_must_divide(eta):
    with pytest.raises(InvalidInput, match=r"^eta must be a whole number of at least 2"):
        Hyperband(Random(), eta=eta)


@pytest.mark.parametrize("rounds", [0, -1, 1.5, "2"])
def test_rounds_are_counted_in_whole_numbers(rounds):
    with pytest.raises(InvalidInput, match=r"^rounds must be a whole number of at least 1 or None, got rounds="):
        Hyperband(Random(), rounds=rounds)


def test_trials_that_cannot_be_paused_are_refused_with_the_way_out():
    study = study_of(CONTINUOUS, Hyperband(Random()), resumable=False)
    with pytest.raises(InvalidInput, match=r"must be able to pause trials, got resumable=False; use Halving"):
        simulate(study)
    assert len(records(study)) == 1


@pytest.mark.parametrize("seed", range(4))
def test_bad_luck_changes_no_decision_that_is_derived_again(seed):
    study = study_of(CONTINUOUS, Hyperband(Sobol(), rounds=2), epochs=27)
    simulate(study, slots=3, fate=bad_luck(seed))
    assert study.replay(verify=True).differences == ()
    assert not study.history.running
