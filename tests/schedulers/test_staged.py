"""A schedule of params that is trained again."""

import json

import pytest

import welltempered as wt
from simulated import bad_luck, copied, history_of, simulate, study_of

SPACE = wt.Space(x=wt.Float(0, 1))
STAGES = [{"last": 2, "params": {"x": 0.5}}, {"last": 5, "params": {"x": 0.25}}, {"last": 9, "params": {"x": 0.75}}]


def staged(stages=STAGES, **settings):
    return study_of(SPACE, wt.Staged(json.dumps(stages)), **settings)


def test_each_stage_begins_with_the_state_in_which_the_one_before_has_ended():
    study = simulate(staged(), budget="20 epochs")
    assert study.history.spent == 9
    assert [stage | {"trial": n} for n, stage in enumerate(STAGES)] == [
        {key: stage[key] for key in ("last", "params", "trial")} for stage in study.stages(2)
    ]
    assert [trial.parent for trial in study.trials] == [None, wt.Origin(0, 2), wt.Origin(1, 5)]
    assert study.replay(verify=True).differences == ()


def test_what_a_population_has_found_can_be_trained_again_as_it_was():
    found = simulate(study_of(SPACE, wt.PBT(wt.Sobol(), every=1)))
    trial = max(found.trials, key=lambda trial: len(trial.lineage))
    again = simulate(study_of(SPACE, wt.Staged(json.dumps(found.stages(trial)))))
    assert len(again.trials) == len(trial.lineage) > 2
    assert again.trials[-1].losses == trial.losses
    assert [stage["params"] for stage in again.stages(again.trials[-1])] == [
        stage["params"] for stage in found.stages(trial)
    ]


def test_an_interrupted_one_goes_on():
    study = staged()
    for epochs in (1, 2, 4, 5, 20):
        study = copied(simulate(study, budget=f"{epochs} epochs"))
    assert [trial.epoch for trial in study.trials] == [2, 5, 9]
    assert study.replay(verify=True).differences == ()


def test_it_ends_where_a_stage_fails():
    study = simulate(staged(), curve=lambda params, epoch: {"loss": None if epoch == 4 else 1.0}, budget="20 epochs")
    assert [trial.state for trial in study.trials] == ["paused", "diverged"]


def test_states_are_kept_until_the_next_stage_has_begun_with_them():
    study = staged()
    simulate(study, slots=3, budget="1 trials", fate=bad_luck(0))
    assert list(study.scheduler.keeps(study.history)) == [wt.Origin(0, 2)]
    simulate(study, budget="20 epochs")
    assert list(study.scheduler.keeps(study.history)) == []


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([], "must end at epochs that rise from 1 on"),
        ("{}", "must be JSON such as"),
        (json.dumps([{"last": 3}]), "must be JSON such as"),
        (json.dumps([]), "must end at epochs that rise from 1 on, got \\[\\]"),
        (json.dumps([STAGES[1], STAGES[0]]), "must end at epochs that rise from 1 on, got \\[5, 2\\]"),
    ],
)
def test_what_is_no_schedule_is_refused(stages, message):
    with pytest.raises(wt.InvalidInput, match=message if isinstance(stages, str) else "must be JSON such as"):
        wt.Staged(stages)


def test_it_says_at_once_what_does_not_fit_the_study():
    with pytest.raises(wt.InvalidInput, match="must end within 8 epochs, got last=9"):
        history_of(SPACE, wt.Staged(json.dumps(STAGES)), epochs=8).fold(wt.Staged(json.dumps(STAGES)))
    with pytest.raises(wt.InvalidInput, match="got resumable=False"):
        history_of(SPACE, wt.Full(wt.Sobol()), resumable=False).fold(wt.Staged(json.dumps(STAGES)))
    with pytest.raises(wt.InvalidInput, match="y"):
        history_of(SPACE, wt.Full(wt.Sobol())).fold(wt.Staged(json.dumps([{"last": 1, "params": {"y": 1}}])))
