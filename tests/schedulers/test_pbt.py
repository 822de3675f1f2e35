"""Population-based training: who is replaced by whom, what a child gets, and what it is worth."""

import math

import pytest

import welltempered as wt
from simulated import SPACES, bad_luck, copied, history_of, kinds, params_of, simulate, study_of

SPACE = wt.Space(x=wt.Float(0, 1), width=wt.Int(1, 64), kind=wt.Choice("a", "b"))
EPOCHS = 20


def moving(lineage, epoch):
    """Give the loss of a training whose best `x` falls from 1 to 0 while it goes on."""
    ends = [*(stage.after for stage in lineage[1:]), epoch]
    spent = [
        (stage.params["x"], past) for stage, end in zip(lineage, ends, strict=True) for past in range(stage.after, end)
    ]
    return {"loss": 3 - 0.15 * sum(1 - min(1, 2 * abs(x - (1 - past / EPOCHS))) for x, past in spent)}


def population(method=None, *, curve=moving, slots=1, seed=0, space=SPACE, budget=None, seconds=None):
    study = study_of(space, method or wt.PBT(wt.Sobol()), epochs=EPOCHS, seed=seed)
    return study.drive(wt.Simulator(curve, slots=slots, seconds=seconds, lineage=True), budget=budget)


def children(study):
    return [trial for trial in study.trials if trial.parent]


@pytest.mark.parametrize("slots", [1, 3, 8])
def test_params_that_change_beat_the_best_constant_ones_where_the_best_params_change(slots):
    for seed in range(5):
        found = population(slots=slots, seed=seed)
        constant = population(wt.Full(wt.Sobol()), slots=slots, seed=seed, budget=f"{found.history.spent} epochs")
        assert found.best.loss < constant.best.loss
        assert found.replay(verify=True).differences == ()


def test_every_seat_trains_to_the_end_and_one_worker_spends_no_epoch_more():
    study = population()
    assert study.history.spent == 8 * EPOCHS
    assert [trial.state for trial in study.trials].count("complete") == 8
    assert {trial.state for trial in study.trials} == {"complete", "stopped"}


def test_with_one_worker_the_two_worst_of_eight_go_on_from_the_two_best_of_the_same_epoch():
    study = population()
    stops = kinds(study.history, wt.Ended)
    assert len(stops) > 10
    for trial in children(study):
        start = next(n for n, event in enumerate(study.history.events) if event.trial == trial.id)
        before = copied(study, start).history
        epoch, stopped = trial.inherited, before.events[-1].trial
        assert before.epoch(stopped) == epoch
        assert trial.bracket == before.trials[stopped].bracket
        there = [(past.losses[epoch - 1], past.id) for past in before.trials if past.inherited < epoch <= past.epoch]
        assert len(there) == 8
        assert trial.parent.trial in [id for _, id in sorted(there)[:2]]
        assert stopped in [id for _, id in sorted(there)[-2:]]


def test_a_child_has_the_curve_and_the_stages_of_its_parent_and_its_own_after_it():
    study = population()
    for trial in children(study):
        parent = study.trials[trial.parent.trial]
        assert trial.losses[: trial.inherited] == parent.losses[: trial.inherited]
        own = range(trial.inherited + 1, trial.epoch + 1)
        assert trial.losses[trial.inherited :] == tuple(moving(trial.lineage, epoch)["loss"] for epoch in own)
        stages = study.stages(trial)
        assert [stage["first"] for stage in stages] == [1, *(stage["last"] + 1 for stage in stages[:-1])]
        assert stages[-1] == {
            "trial": trial.id,
            "first": trial.inherited + 1,
            "last": trial.epoch,
            "params": trial.params,
        }


def test_only_floats_change_unless_others_are_named():
    for trial in children(population()):
        study_params = trial.lineage[-2].params
        assert (trial.params["width"], trial.params["kind"]) == (study_params["width"], study_params["kind"])
        assert trial.params["x"] != study_params["x"] or study_params["x"] in (0, 1)
    named = children(population(wt.PBT(wt.Sobol(), explore="width kind", resample=0.5)))
    assert all(trial.params["x"] == trial.lineage[-2].params["x"] for trial in named)
    assert any(trial.params["width"] != trial.lineage[-2].params["width"] for trial in named)
    assert any(trial.params["kind"] != trial.lineage[-2].params["kind"] for trial in named)


def test_a_param_moves_by_a_step_of_its_scale_or_is_drawn_anew():
    space = wt.Space(lr=wt.Float(1e-4, 1e-1, scale="log"))

    def curve(lineage, epoch):
        return {"loss": lineage[-1].params["lr"] / epoch}

    study = population(wt.PBT(wt.Random(), resample=0.0), curve=curve, space=space)
    moves = [abs(math.log10(t.params["lr"] / t.lineage[-2].params["lr"])) for t in children(study)]
    assert moves
    assert all(
        move == pytest.approx(0.3, abs=1e-6) or trial.params["lr"] == 1e-4
        for move, trial in zip(moves, children(study), strict=True)
    )


@pytest.mark.parametrize("space", ["constrained", "nested conditions", "zero or log", "stepped"])
def test_params_of_children_are_of_the_space(space):
    names = " ".join(SPACES[space])
    study = study_of(SPACES[space], wt.PBT(wt.Random(), population=12, explore=names, resample=0.3), epochs=EPOCHS)
    simulate(study, slots=2, fate=bad_luck(1))
    assert len(children(study)) > 20
    assert all(study.space.contains(trial.params) for trial in study.trials)


def diverging(*ids, after=0):
    """Give a curve on which these trials diverge after an epoch."""

    def curve(lineage, epoch):
        gone = lineage[-1].trial in ids and epoch > after
        return {"loss": math.nan if gone else lineage[-1].params["x"] + 1 / epoch}

    return curve


def test_the_seat_of_a_failed_trial_is_filled_from_the_best():
    study = population(curve=diverging(3, after=7))
    assert study.trials[3].state == "diverged"
    heir = next(trial for trial in study.trials if trial.bracket == 3 and trial.id > 7)
    assert heir.inherited == 6, "the comparison before"
    assert [trial.state for trial in study.trials].count("complete") == 8


def test_who_fails_before_anybody_can_be_inherited_from_is_replaced_by_the_searcher():
    study = population(curve=diverging(0, 1, 2))
    assert [trial.parent for trial in study.trials[:8]] == [None] * 8
    assert [trial.bracket for trial in study.trials[:5]] == [0, 0, 0, 0, 1]
    assert [trial.state for trial in study.trials].count("complete") == 8


def test_where_all_fail_the_budget_ends_it():
    study = population(curve=lambda lineage, epoch: {"loss": math.nan}, budget="30 epochs")
    assert len(study.trials) == 30
    assert study.best is None


def test_nobody_inherits_from_who_has_failed():
    study = population(curve=diverging(*range(2, 100, 3), after=5), budget="300 epochs")
    for event in kinds(study.history, wt.Started):
        if event.parent:
            start = study.history.events.index(event)
            assert not copied(study, start).trials[event.parent.trial].failed


def test_who_comes_to_a_comparison_after_others_can_be_inherited_from_all_the_same():
    """Going on from epoch 2 takes nothing back, though others stand at epoch 4 already."""
    study = population()
    first = next(trial for trial in study.trials if trial.state == "stopped").bracket
    assert {trial.parent.trial for trial in children(study)} - {0, first}
    assert {trial.inherited for trial in children(study)} >= {2, 4, 6, 8, 10}


def test_the_fastest_worker_does_not_wait_and_steps_back_if_it_is_bad():
    """Its trial is compared with those behind it, and where none has come as far it begins where they all have been."""

    def curve(lineage, epoch):
        return {"loss": (10 if lineage[-1].trial == 0 else 1 + lineage[-1].params["x"]) / epoch}

    study = population(curve=curve, slots=8, seconds=lambda params: 1.0)
    heir = next(trial for trial in study.trials if trial.parent)
    assert heir.bracket == 0
    assert heir.inherited in (2, 4)
    assert study.replay(verify=True).differences == ()


def test_a_searcher_that_has_nothing_left_leaves_seats_empty():
    space = wt.Space(kind=wt.Choice("a", "b", "c"))
    study = study_of(space, wt.PBT(wt.Grid()), epochs=4)
    simulate(study)
    assert {trial.bracket for trial in study.trials} == {0, 1, 2}
    assert study.decide(None, 0.0) is None


def test_equals_do_not_replace_each_other():
    study = population(curve=lambda lineage, epoch: {"loss": 1 / epoch})
    assert len(study.trials) == 8


def test_a_larger_metric_can_be_better():
    experiment = wt.Experiment(print, SPACE, maximize="gain", epochs=EPOCHS, method=wt.PBT(wt.Sobol()))
    with wt.Study.create(experiment) as study:
        study.drive(wt.Simulator(lambda *at: {"gain": -moving(*at)["loss"]}, lineage=True), budget=None)
        assert [t.losses for t in study.trials] == [t.losses for t in population().trials]
        assert "gain" in kinds(study.history, wt.Ended)[0].error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"population": 1}, "population must be a whole number of at least 2"),
        ({"every": 0}, "every must be a whole number of epochs of at least 1 or None"),
        ({"share": 0.6}, "share must be above 0 and at most 0.5"),
        ({"step": 0}, "step must be above 0"),
        ({"resample": 1.5}, "resample must be at least 0 and at most 1"),
        ({"explore": " "}, "explore must be names of params"),
        ({"explore": ["x"]}, "explore must be names of params"),
    ],
)
def test_what_it_cannot_work_with_is_refused(arguments, message):
    with pytest.raises(wt.InvalidInput, match=message):
        wt.PBT(wt.Sobol(), **arguments)


def test_it_says_at_once_what_does_not_fit_the_study():
    with pytest.raises(wt.InvalidInput, match="got resumable=False"):
        wt.PBT(wt.Sobol()).next(history_of(SPACE, wt.PBT(wt.Sobol()), resumable=False), None)
    with pytest.raises(wt.InvalidInput, match="explore must name params of the space, x, width, kind, got lr"):
        wt.PBT(wt.Sobol(), explore="lr x").next(history_of(SPACE, wt.PBT(wt.Sobol())), None)


def test_an_interrupted_study_has_the_same_lineages():
    whole = population()
    study = study_of(SPACE, wt.PBT(wt.Sobol()), epochs=EPOCHS)
    for epochs in (7, 30, 31, 99, 500):
        study = copied(study.drive(wt.Simulator(moving, lineage=True), budget=f"{epochs} epochs"))
    assert params_of(study.history) == params_of(whole.history)
    assert [trial.parent for trial in study.trials] == [trial.parent for trial in whole.trials]
