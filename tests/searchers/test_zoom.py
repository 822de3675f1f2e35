"""The searcher that zooms: when, into what, and back again; for what all searchers promise see `test_cross`."""

import math

import pytest

import welltempered as wt
from evidence_histories import lived
from simulated import copied, history_of, kinds, params_of, simulate, study_of
from telling import told
from welltempered.events import Started, Undone
from welltempered.history import History
from welltempered.searchers.zoom import Zoom, undoing, zooms
from welltempered.testing import check_searcher

SPACE = wt.Space(lr=wt.Float(1e-5, 1e-1, scale="log"), noise=wt.Float(0, 1))
PLANE = wt.Space(x=wt.Float(0, 1), y=wt.Float(0, 1))


def valley(params, epoch):
    """Return a loss with its optimum at lr=1e-3; the other parameter does nothing."""
    return {"loss": (math.log10(params["lr"]) + 3) ** 2 + 1 / epoch}


def bowl(params, epoch):
    return {"loss": (params["x"] - 0.3) ** 2 + (params["y"] - 0.6) ** 2 + 1 / epoch}


def tuned(searcher, budget="100 trials", *, space=SPACE, curve=valley, **settings):
    return simulate(study_of(space, wt.Full(searcher), epochs=1, **settings), budget=budget, curve=curve)


def width(step):
    lr = step.space["lr"]
    return math.log10(lr.high / lr.low)


@pytest.mark.parametrize("searcher", [wt.Sobol(), wt.Random()], ids=repr)
def test_it_zooms_step_by_step_to_the_optimum(searcher):
    study = tuned(Zoom(searcher, growth=1.5))
    steps = zooms(study.history)
    assert [step.number for step in steps] == list(range(1, 1 + len(steps)))
    assert steps[0].trial == 20
    assert all(step.space["lr"].low < 1e-3 < step.space["lr"].high for step in steps)
    assert width(steps[-1]) < width(steps[0]) < 4
    plain = tuned(searcher)
    assert study.best.loss <= plain.best.loss
    assert params_of(study.history)[:20] == params_of(plain.history)[:20]


def test_zooms_are_made_when_the_trials_have_grown_by_half():
    steps = zooms(tuned(Zoom(wt.Sobol(), growth=1.5)).history)
    assert {step.trial for step in steps} <= {20, 30, 45, 68, 102}


def test_trials_that_go_on_from_the_state_of_another_are_not_told_to_the_searcher_within():
    method = wt.PBT(Zoom(wt.Sobol(), start=10, growth=1.1), population=6, every=1)
    study = simulate(study_of(SPACE, method), curve=valley)
    (step, *_) = zooms(study.history)
    assert any(trial.parent and step.space.contains(trial.params) for trial in study.trials)
    assert study.replay(verify=True).differences == ()


def test_most_trials_lie_in_the_part_and_one_in_five_comes_from_the_whole_space():
    study = tuned(Zoom(wt.Sobol(), growth=9.0), "120 trials")
    (step,) = zooms(study.history)
    late = [trial for trial in study.trials if trial.id >= step.trial]
    inside = [step.space.contains(trial.params) for trial in late if trial.id % 5]
    assert all(inside)
    wide = [step.space.contains(trial.params) for trial in late if trial.id % 5 == 0]
    assert not all(wide)


def test_a_wrong_zoom_is_left_again():
    """What looks best at first is not: the other end turns out better, which only trials outside can tell."""
    history = history_of(SPACE, wt.Full(zoom := Zoom(wt.Sobol(), growth=1.5)), epochs=1)
    while len(history.trials) < 400:
        params = zoom.suggest(history)
        early = len(history.trials) < 20
        lived(history, params, abs(math.log10(params["lr"]) - (-4.5 if early else -2)) + 3 * early, 1)
    steps = zooms(history)
    assert steps[0].space["lr"].high < 1e-2
    assert steps[-1].space["lr"].low < 1e-2 < steps[-1].space["lr"].high


def test_a_grid_that_is_used_up_is_followed_by_a_finer_one_where_the_best_are():
    study = simulate(study_of(PLANE, wt.Full(Zoom(wt.Grid(points=5))), epochs=1), budget="200 trials", curve=bowl)
    assert len(study.trials) > 2 * 25
    assert study.best.loss < tuned(wt.Grid(points=5), space=PLANE, curve=bowl, budget="200 trials").best.loss
    assert study.replay(verify=True).differences == ()


def test_a_grid_of_the_whole_space_smaller_than_the_start_ends_the_study():
    study = simulate(study_of(PLANE, wt.Full(Zoom(wt.Grid(points=3))), epochs=1), curve=bowl)
    assert len(study.trials) == 9


@pytest.mark.parametrize("scheduler", [wt.Hyperband, wt.Halving])
def test_it_zooms_under_schedulers_that_stop_trials_early(scheduler):
    study = simulate(
        study_of(SPACE, scheduler(Zoom(wt.Sobol(), growth=1.5)), epochs=27), slots=3, budget="900 epochs", curve=valley
    )
    steps = zooms(study.history)
    assert steps[-1].epoch > steps[0].epoch
    assert steps[-1].space["lr"].low < 1e-3 < steps[-1].space["lr"].high
    assert study.replay(verify=True).differences == ()


def test_the_other_searchers_zoom_too_and_keep_their_promises():
    check_searcher(Zoom(wt.Random(), start=10))
    check_searcher(Zoom(wt.Grid(points=3), start=10), seeded=False, exhaustive=False)


def test_zooms_follow_from_the_log_alone():
    study = tuned(Zoom(wt.Sobol(), growth=1.5))
    again = copied(study)
    assert zooms(again.history) == zooms(study.history)
    assert len(zooms(again.history)) > 2


def test_a_method_that_does_not_zoom_has_made_no_zooms():
    assert zooms(tuned(wt.Sobol(), "30 trials").history) == ()


def test_between_zooms_nothing_is_computed_anew():
    """The part is the same object until the next zoom, however many trials start."""
    study = tuned(Zoom(wt.Sobol(), growth=1.5), "30 trials")
    inner = study.history.fold(study.scheduler.searcher).inner
    simulate(study, budget="40 trials", curve=valley)
    assert study.history.fold(study.scheduler.searcher).inner is inner


# ------------------------------------------------------------------ undoing


def test_after_an_undo_the_part_before_is_searched_until_there_is_new_evidence():
    study = tuned(Zoom(wt.Sobol(), growth=1.5), "50 trials")
    before = zooms(study.history)
    study.undo_zoom(len(before))
    assert isinstance(study.history.events[-1], Undone)
    after = zooms(study.history)
    assert [step.undone for step in after] == [False] * (len(before) - 1) + [True]
    simulate(study, budget="70 trials", curve=valley)
    assert len(zooms(study.history)) == len(before)
    part = before[-2].space
    assert all(part.contains(trial.params) for trial in study.trials[50:] if trial.id % 5)
    narrower = before[-1].space
    assert not all(narrower.contains(trial.params) for trial in study.trials[50:] if trial.id % 5)
    simulate(study, budget="100 trials", curve=valley)
    assert zooms(study.history)[-1].trial == 75  # half as many again as the 50 that had settled
    assert study.replay(verify=True).differences == ()


def test_undoing_the_first_zoom_undoes_those_that_build_on_it():
    study = tuned(Zoom(wt.Sobol(), growth=1.5), "50 trials")
    study.undo_zoom(1)
    assert all(step.undone for step in zooms(study.history))
    assert study.history.fold(study.scheduler.searcher).inner is None
    assert ", undone: " in zooms(study.history)[0].line


def test_an_undo_of_a_zoom_that_was_never_made_changes_nothing():
    """The study refuses it; in a log of somebody else it does no harm."""
    study = tuned(Zoom(wt.Sobol(), growth=1.5), "50 trials")
    history = copied(study).history
    history.apply(Undone(99))
    assert zooms(history) == zooms(study.history)
    assert study.scheduler.searcher.suggest(history) == study.scheduler.searcher.suggest(study.history)


@pytest.mark.parametrize("scheduler", [wt.Hyperband, wt.Halving, wt.Full])
def test_an_undo_among_open_leases_and_interrupted_trials_is_replayed(scheduler):
    study = study_of(SPACE, scheduler(Zoom(wt.Sobol(), start=10, growth=1.5)), epochs=9)
    simulate(study, slots=3, budget="200 epochs", curve=valley)
    study.undo_zoom(1)
    simulate(study, slots=2, budget="500 epochs", curve=valley)
    assert len(kinds(study.history, Undone)) == 1
    assert study.replay(verify=True).differences == ()
    assert any(not step.undone for step in zooms(study.history))


# ------------------------------------------------------------------ wrong calls


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"searcher": wt.Full(wt.Sobol())},
            "...got Full(...); a scheduler goes outside: write Full(Zoom(Sobol()))",
        ),
        (
            {"searcher": wt.Sobol},
            "...got <class ...>; give an instance, such as Zoom(Sobol())",
        ),
        ({"searcher": Zoom(wt.Sobol(), growth=1.5)}, "searcher must be one that does not zoom itself, got Zoom(..."),
        ({"start": 9}, "start must be a whole number of at least 10, got start=9"),
        ({"start": 20.0}, "start must be a whole number of at least 10, got start=20.0"),
        ({"growth": 1}, "growth must be a factor of at least 1.1, got growth=1"),
        ({"growth": math.nan}, "growth must be a number, a factor of at least 1.1, got growth=nan"),
        ({"growth": "2"}, "growth must be a number, a factor of at least 1.1, got growth='2'"),
        ({"quantile": 0.6}, "quantile must be above 0 and at most 0.5, got quantile=0.6"),
        ({"risk": True}, "risk must be a number, above 0 and at most 0.5, got risk=True"),
        ({"wide": 1}, "wide must be a whole number of at least 2, got wide=1"),
    ],
)
def test_a_wrong_argument_is_told_what_is_right(arguments, sentence):
    told(lambda: Zoom(**{"searcher": wt.Sobol(), **arguments}), sentence)


def test_only_zooms_that_count_can_be_undone():
    history = tuned(Zoom(wt.Sobol(), growth=1.5), "50 trials").history
    assert len(zooms(history)) == 3
    for number in (0, 4, -1, "1", None, True, 1.0):
        told(
            lambda number=number: undoing(history, number), f"zoom must be one of the 3 made, 1..3, got zoom={number!r}"
        )
    history.apply(undoing(history, 2))
    told(lambda: undoing(history, 3), "zoom must be one that counts, but zoom 3 was undone already, got zoom=3")
    told(
        lambda: undoing(tuned(wt.Sobol(), "30 trials").history, 1),
        "zoom must be the number of a zoom, but this study has made none, got zoom=1",
    )
    told(lambda: zooms(SPACE), "history must be that of a study, study.history, got Space(...")


def test_an_unimportable_searcher_inside_is_told():
    header = tuned(Zoom(wt.Sobol(), growth=1.5), "30 trials").header
    strange = {"type": "welltempered:Zoom", "searcher": {"type": "nowhere:Mine"}}
    history = History(
        type(header)(
            **{name: getattr(header, name) for name in header.__struct_fields__}
            | {"method": {"type": "welltempered:Full", "searcher": strange}}
        ),
        SPACE,
    )
    history.apply(Started(0, {"lr": 1e-3, "noise": 0.5}, 1))
    told(lambda: zooms(history), "method nowhere:Mine of this study cannot be imported: ...; make it importable")
