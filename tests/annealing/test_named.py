"""Schedules from params and from JSON."""

import json

import pytest

import welltempered as wt
from welltempered.annealing.named import SCHEDULES, from_json, to_json

ALL = [wt.Constant(), wt.StepDecay(warmup=1), wt.ExponentialDecay(), wt.PolynomialDecay(2), wt.CosineDecay(0.1)]
ALL += [wt.OneCycle(), wt.ReduceOnPlateau(0.5, 3)]


@pytest.mark.parametrize("schedule", ALL)
def test_a_schedule_comes_back_from_json(schedule):
    assert from_json(json.loads(json.dumps(to_json(schedule)))) == schedule


@pytest.mark.parametrize("data", [{}, {"kind": "Cosine"}, {"kind": "CosineDecay", "ends": 1}])
def test_json_of_another_version_is_refused(data):
    with pytest.raises(wt.InvalidInput, match="schedule must be one that this version knows, got"):
        from_json(data)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_name_alone_is_the_schedule_with_its_defaults(name):
    assert wt.schedule_of({"schedule": name, "lr": 0.1}) == SCHEDULES[name]()


def test_params_without_a_schedule_are_a_constant_one():
    assert wt.schedule_of({"lr": 0.1}) == wt.Constant()
    assert wt.schedule_of({"warmup": 2}) == wt.Constant(warmup=2)


def test_every_field_can_be_a_param():
    params = {"schedule": "one_cycle", "one_cycle_rise": 0.4, "one_cycle_start": 0.1, "one_cycle_end": 0.0, "warmup": 1}
    assert wt.schedule_of(params) == wt.OneCycle(0.4, 0.1, 0.0, 1)


def test_params_of_other_schedules_are_not_looked_at():
    assert wt.schedule_of({"schedule": "cosine", "step_factor": 7}) == wt.CosineDecay()


def test_an_option_that_is_a_schedule_itself_is_taken_as_it_is():
    mine = wt.Choice({"mine": wt.CosineDecay(end=0.1)})
    assert wt.schedule_of({"schedule": mine.resolve("mine")}) == wt.CosineDecay(end=0.1)


@pytest.mark.parametrize(
    ("params", "prefix", "sentence"),
    [
        ("cosine", "", "params must be a dict of a trial's params, such as run.params, got 'cosine'"),
        ({"schedule": "cos"}, "", "schedule must be one of constant, step, .*, plateau, got 'cos'"),
        ({"g_schedule": []}, "g_", r"g_schedule must be one of constant, step, .*, plateau, got \[\]"),
        ({}, "g-", "prefix must be a word such as 'disc', got prefix='g-'"),
        ({}, None, "prefix must be a word such as 'disc', got prefix=None"),
        ({"schedule": "step", "step_drops": 0}, "", "drops must be a whole number of at least 1, got drops=0"),
    ],
)
def test_wrong_params_are_refused_with_a_sentence(params, prefix, sentence):
    with pytest.raises(wt.InvalidInput, match=sentence):
        wt.schedule_of(params, prefix)
