"""The simulator: the same study in virtual time."""

import math
import time

import pytest

import welltempered as wt
from trainings import SPACE, experiment, kinds


def study_of(executor, budget, **settings):
    study = wt.Study.create(experiment(**{"method": wt.Hyperband(wt.Random())} | settings))
    return study.drive(executor, budget=budget)


def curve(params, epoch):
    return {"loss": params["x"] / epoch}


def test_a_thousand_hours_take_a_moment():
    began = time.monotonic()
    with study_of(wt.Simulator(curve, slots=4, seconds=lambda params: 3600), "1000 h") as study:
        assert study.history.clock == pytest.approx(1000 * 3600, abs=3600)
        assert study.history.spent > 3900
        assert study.replay(verify=True).differences == ()
    assert time.monotonic() - began < 30


def test_epochs_last_as_long_as_they_are_said_to():
    with study_of(wt.Simulator(curve, seconds=lambda params: 1 + params["x"]), "40 epochs") as study:
        for trial in study.trials:
            assert [report.seconds for report in trial.reports] == [1 + trial.params["x"]] * trial.epoch
        assert study.history.clock == pytest.approx(sum(trial.seconds for trial in study.trials), abs=1e-3)


def test_a_curve_may_know_whose_params_have_trained_which_epochs():
    def of_lineage(lineage, epoch):
        return {"loss": sum(stage.params["x"] for stage in lineage) / epoch}

    with study_of(wt.Simulator(of_lineage, lineage=True), None, method=wt.PBT(wt.Sobol(), population=4)) as study:
        child = next(trial for trial in study.trials if trial.parent)
        assert child.loss == sum(stage.params["x"] for stage in child.lineage) / child.epoch
        assert child.lineage[-1] == wt.Stage(child.id, child.inherited, child.params)
        assert child.seconds == child.epoch - child.inherited
    with pytest.raises(wt.InvalidInput, match="lineage must be True or False"):
        wt.Simulator(of_lineage, lineage="yes")


def test_slots_share_the_time():
    with study_of(wt.Simulator(curve, slots=3), "90 epochs", method=wt.Halving(wt.Random())) as study:
        assert 30 <= study.history.clock <= 33


def test_time_is_up_at_the_end_of_an_epoch():
    with study_of(wt.Simulator(curve, seconds=lambda params: 7.0), "30 s", method=wt.Full(wt.Random())) as study:
        assert study.history.clock == 35
        assert [(cut.epoch, cut.reason) for cut in kinds(study, wt.Cut)] == [(5, "budget")]


@pytest.mark.parametrize("end", [math.nan, math.inf, None])
def test_a_curve_that_ends_in_what_is_no_number_diverges(end):
    def broken(params, epoch):
        return {"loss": end if epoch == 3 else 1.0}

    with study_of(wt.Simulator(broken), "2 trials", method=wt.Full(wt.Random())) as study:
        assert [trial.curve for trial in study.trials] == [(1.0, 1.0, None)] * 2
        assert [trial.state for trial in study.trials] == ["diverged"] * 2
        assert list(study.replay().history.events) == list(study.history.events)


def test_two_simulations_are_the_same():
    one, other = (study_of(wt.Simulator(curve, slots=3), "200 epochs", space=SPACE) for _ in range(2))
    with one, other:
        assert one.history.events == other.history.events


def test_there_is_a_slot_at_least():
    with pytest.raises(wt.InvalidInput, match="slots must be a whole number of at least 1, got slots=0"):
        wt.Simulator(curve, slots=0)
