"""The searcher that models good and bad trials; for what all searchers promise see `test_cross`."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import welltempered as wt
from simulated import SPACES, copied, forbid_walking, history_of, params_of, simulate, study_of
from welltempered.errors import InvalidInput
from welltempered.events import WORKER_LOST, Cut, Ended, Reported, Resumed, Started
from welltempered.method import from_json, to_json
from welltempered.searchers.tpe import LOOKED_AT, MOST, TPE, looked_at
from welltempered.testing import check_searcher

PLANE = wt.Space(x=wt.Float(0, 1), y=wt.Float(0, 1))
MIXED = wt.Space(
    lr=wt.Float(1e-5, 1e-1, scale="log"),
    depth=wt.Int(1, 8),
    optimizer=wt.Choice("sgd", "adam", "lion"),
    momentum=wt.Float(0.5, 0.999, scale="one_minus_log").when(optimizer="sgd"),
)

pytestmark = pytest.mark.usefixtures("no_global_randomness")


def bowl(params, epoch):
    return {"loss": (params["x"] - 0.3) ** 2 + (params["y"] - 0.6) ** 2 + 1 / epoch}


def valley(params, epoch):
    """Return a loss with its optimum in one branch of a conditional space."""
    loss = (math.log10(params["lr"]) + 3) ** 2 + 0.1 * abs(params["depth"] - 5)
    return {"loss": loss + (abs(params["momentum"] - 0.95) if "momentum" in params else 1.0) + 1 / epoch}


def cliff(params, epoch):
    """Return what diverges beyond a line, next to which the best lies."""
    return {"loss": 1 - params["x"] if params["x"] < 0.7 else math.nan}


def tuned(searcher, budget, *, space=PLANE, curve=bowl, epochs=1, slots=1, **settings):
    study = study_of(space, wt.Full(searcher), epochs=epochs, **settings)
    return simulate(study, budget=budget, curve=curve, slots=slots)


def late(study, count=30):
    return params_of(study.history)[-count:]


def tell(history, losses):
    """Start and report one trial per loss, each of one epoch, with what the searcher of the study suggests."""
    for loss in losses:
        id = len(history.trials)
        history.apply(Started(id, TPE().suggest(history), 1))
        history.apply(Reported(id, 1, {"loss": loss}))


@pytest.mark.parametrize(("space", "curve"), [(PLANE, bowl), (MIXED, valley)], ids=["plane", "conditional"])
def test_it_finds_better_params_than_an_even_cover(space, curve):
    def best(searcher):
        return np.mean([tuned(searcher, "60 trials", space=space, curve=curve, seed=s).best.loss for s in range(5)])

    assert best(TPE()) - 1 < 0.5 * (best(wt.Sobol()) - 1)


def test_it_comes_to_the_branch_in_which_the_best_are():
    study = tuned(TPE(), "80 trials", space=MIXED, curve=valley)
    assert sum(params["optimizer"] == "sgd" for params in late(study)) > 20


def test_it_begins_with_the_points_of_sobol():
    study = tuned(TPE(start=7), "8 trials")
    sobol = params_of(tuned(wt.Sobol(), "8 trials").history)
    assert params_of(study.history)[:7] == sobol[:7]
    assert params_of(study.history)[7] != sobol[7]


def test_the_explorer_keeps_its_share():
    study = tuned(TPE(start=1, random=0.5), "100 trials")
    sobol = params_of(tuned(wt.Sobol(), "100 trials").history)
    assert 35 <= sum(params in sobol for params in params_of(study.history)) <= 65


def test_it_leaves_what_diverges_and_stays_close_to_it():
    study = tuned(TPE(), "80 trials", curve=cliff)
    alive = [params for params in late(study) if params["x"] < 0.7]
    assert len(alive) > 15
    assert study.best.loss < 0.35


def test_it_leaves_the_part_in_which_all_trials_have_failed():
    history = history_of(wt.Space(x=wt.Float(0, 1)), wt.Full(TPE()), epochs=1)
    for id, x in enumerate(np.linspace(0.0, 0.5, 40).tolist()):
        history.apply(Started(id, {"x": x}, 1))
        history.apply(Ended(id, "failed", "RuntimeError: no luck"))
    assert TPE().suggest(history)["x"] > 0.5


def test_workers_do_not_crowd_together():
    """Trials that train now are bad until they show better, so that the next ones go elsewhere."""
    history = history_of(PLANE, wt.Full(TPE()), epochs=1)
    for id, params in enumerate(params_of(tuned(TPE(), "40 trials").history)):
        history.apply(Started(id, params, 1))
        history.apply(Reported(id, 1, bowl(params, 1)))
    alone = [TPE().suggest(history)]
    for id in range(40, 60):
        history.apply(Started(id, TPE().suggest(history), 1))
    together = params_of(history)[40:]
    spread = np.std([[params["x"], params["y"]] for params in together], axis=0)
    assert alone == together[:1]
    assert spread.min() > 0.03


def test_a_trial_that_has_failed_is_never_good_whatever_it_has_reported():
    """Beyond 0.5 trials look best for an epoch, and then diverge or run out of memory."""
    history = history_of(wt.Space(x=wt.Float(0, 1)), wt.Full(TPE()), epochs=2)
    for id, x in enumerate(np.linspace(0.0, 1.0, 40).tolist()):
        history.apply(Started(id, {"x": x}, 2))
        history.apply(Reported(id, 1, {"loss": 1 - x}))
        if x < 0.5:
            history.apply(Reported(id, 2, {"loss": 1 - x}))
        elif id % 2:
            history.apply(Reported(id, 2, {"loss": None}))
        else:
            history.apply(Ended(id, "out of memory"))
    assert 0.2 < TPE().suggest(history)["x"] < 0.65


@pytest.mark.parametrize("slots", [1, 8])
def test_trials_that_have_come_further_are_better_than_those_left_behind(slots):
    """Under Hyperband the loss of the first epochs misleads here; the guided trials follow the later ones."""

    def crossing(params, epoch):
        return {"loss": params["x"] if epoch < 3 else 0.1 * abs(params["x"] - 0.4) + 1 / epoch}

    study = study_of(PLANE, wt.Hyperband(TPE()), epochs=9)
    simulate(study, budget="900 epochs", curve=crossing, slots=slots)
    assert 0.25 < np.median([params["x"] for params in late(study, 50)]) < 0.55


def test_a_finite_space_is_searched_to_its_end_without_a_repetition():
    space = wt.Space(a=wt.Int(1, 6), b=wt.Choice("x", "y"))
    study = simulate(
        study_of(space, wt.Full(TPE(start=3)), epochs=1), curve=lambda params, epoch: {"loss": params["a"]}
    )
    assert len({tuple(params.values()) for params in params_of(study.history)}) == len(study.trials) == 12


def test_it_does_not_look_at_more_trials_than_it_says():
    history = history_of(PLANE, wt.Full(TPE()), epochs=1)
    tell(history, np.random.default_rng(0).random(300).tolist())
    matrix, seen = history.matrix(), []

    class Watched(np.ndarray):
        def __getitem__(self, rows):
            seen.append(len(rows))
            return np.asarray(self)[rows]

    class Ranked(list):
        def __iter__(self):
            for place, entry in enumerate(super().__iter__()):
                assert place < MOST, "somebody walks through all trials"
                yield entry

    ranked = Ranked(history.ranked(1))
    history.ranked = lambda epoch: ranked
    history.matrix = lambda: matrix.view(Watched)
    forbid_walking(history)
    assert TPE().suggest(history) is not None
    assert len(seen) == 2
    assert seen[0] <= MOST
    assert seen[1] <= LOOKED_AT


@given(st.integers(0, 100_000))
def test_those_looked_at_are_different_trials_with_the_newest_among_them(trials):
    found = looked_at(trials)
    assert len(found) == min(trials, LOOKED_AT)
    assert (np.diff(found) > 0).all()
    assert set(range(max(0, trials - 50), trials)) <= set(found.tolist())


lives = st.lists(st.sampled_from(["full", "half", "diverged", "failed", "lost", "taken back", "running"]), max_size=25)


@settings(max_examples=30, deadline=None)
@given(lives, st.sampled_from(sorted(SPACES)))
def test_whatever_trials_have_come_to_the_counts_are_those_of_the_history(fates, name):
    history = history_of(SPACES[name], wt.Full(TPE(start=3)), epochs=4)
    history.fold(TPE(start=3))
    for id, fate in enumerate(fates):
        params = TPE(start=3).suggest(history)
        if params is None:
            break
        history.apply(Started(id, params, 4))
        reports = {"full": 4, "half": 2, "diverged": 1, "failed": 0, "lost": 3, "taken back": 3, "running": 1}[fate]
        for epoch in range(1, reports + 1):
            history.apply(Reported(id, epoch, {"loss": 1.0 / (id + epoch)}))
        if fate == "diverged":
            history.apply(Reported(id, 2, {"loss": None}))
        elif fate == "failed":
            history.apply(Ended(id, "failed", "RuntimeError: no luck"))
        elif fate in {"lost", "taken back"}:
            history.apply(Cut(id, 1, WORKER_LOST))
            if fate == "taken back":
                history.apply(Resumed(id, 4))
    state = history.fold(TPE(start=3))
    reached = [history.epoch(id) for id in range(len(history.trials))]
    assert state.reached == [sum(epoch >= e for epoch in reached) for e in range(1, 5)]
    for least in range(1, 30):
        enough = [e for e in range(1, 5) if state.reached[e - 1] >= least]
        assert state.highest(least) == max(enough, default=0)


def test_an_interrupted_study_goes_on_as_if_nothing_had_happened():
    straight = tuned(TPE(), "60 trials", space=MIXED, curve=valley)
    study = tuned(TPE(), "30 trials", space=MIXED, curve=valley)
    again = simulate(copied(study), budget="60 trials", curve=valley)
    assert params_of(again.history) == params_of(straight.history)
    assert again.replay(verify=True).differences == ()


@pytest.mark.parametrize("losses", [[1.0] * 40, [None] * 40], ids=["all equal", "all diverged"])
def test_it_goes_on_where_there_is_nothing_to_learn(losses):
    history = history_of(SPACES["nested conditions"], wt.Full(TPE()), epochs=1)
    tell(history, losses)
    assert history.space.contains(TPE().suggest(history))


@pytest.mark.parametrize("dimensions", [1, 30])
def test_it_works_in_few_and_in_many_dimensions(dimensions):
    space = wt.Space({f"x{i}": wt.Float(0, 1) for i in range(dimensions)})

    def curve(params, epoch):
        return {"loss": sum((x - 0.3) ** 2 for x in params.values()) / dimensions}

    def best(searcher):
        return tuned(searcher, "100 trials", space=space, curve=curve).best.loss

    assert best(TPE()) < 0.8 * best(wt.Sobol()) or best(TPE()) < 1e-5


def test_searchers_of_other_settings_keep_the_promises_too():
    check_searcher(TPE(start=1, share=0.5, candidates=2, random=0.3))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"start": 0}, "start must be a whole number of at least 1, got start=0"),
        ({"candidates": 2.5}, "candidates must be a whole number of at least 1, got candidates=2.5"),
        ({"share": 0}, "share must be above 0 and at most 0.5, got share=0"),
        ({"random": 1.5}, "random must be at least 0 and at most 1, got random=1.5"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(wrong, message):
    with pytest.raises(InvalidInput, match=message):
        TPE(**wrong)


def test_bohb_is_hyperband_around_it_and_is_written_down_as_such():
    method = wt.BOHB(eta=4, rounds=2)
    assert (method.eta, method.rounds, type(method.searcher)) == (4, 2, TPE)
    assert from_json(to_json(method)) == method
    with pytest.raises(InvalidInput, match="eta must be"):
        wt.BOHB(eta=1)
