"""Who is stopped by each rule, on which evidence, and who is not."""

import math
import random
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import welltempered as wt
from simulated import SPACES, calm, kinds, simulate, study_of, uneven
from simulated import curve as unsteady

QUIET = {"noise": 0, "trend": 0}
FLAT = [0.5, 0.1, 0.4, 0.2, 0.3, 0.6]


@dataclass(frozen=True)
class InOrder:
    """A searcher that goes through the rows of a table."""

    def suggest(self, history):
        """Return the next row."""
        return {"row": len(history.trials)}


def play(rule, curves, *, maximize=False):
    """Return a study of these curves, each the values of one trial, in order and one at a time."""
    experiment = wt.Experiment(
        print,
        wt.Space(row=wt.Int(0, len(curves))),
        **{"maximize" if maximize else "minimize": "accuracy" if maximize else "loss"},
        epochs=len(curves[0]),
        method=rule,
    )
    metric = experiment.objective.metric
    with wt.Study.create(experiment) as study:
        simulator = wt.Simulator(lambda params, epoch: {metric: curves[params["row"]][epoch - 1]})
        study.drive(simulator, budget=f"{len(curves)} trials")
        assert study.replay(verify=True).differences == ()
    return study


def constant(losses, epochs=9):
    """Return curves that stay where they begin."""
    return [[loss] * epochs for loss in losses]


def stopped(study):
    """Return trial -> (epoch, evidence) of those that were stopped."""
    found = {trial.id: (trial.epoch, trial.error) for trial in study.trials if trial.state == "stopped"}
    assert all(not study.trials[id].failed for id in found)
    return found


def median(**more):
    return wt.Median(wt.Full(InOrder()), **{"grace": 2} | more)


# -------------------------------------------------------------------- against others


def test_the_median_rule_stops_who_is_worse_than_half_of_the_others_and_says_by_how_much():
    study = play(median(**QUIET), constant(FLAT))
    assert stopped(study) == {5: (2, "median: loss at best 0.6 in 2 epochs, median of 5 others 0.3")}
    assert [trial.epoch for trial in study.trials] == [9, 9, 9, 9, 9, 2]
    assert study.best.id == 1


def test_the_evidence_shows_the_metric_as_its_user_knows_it():
    study = play(median(noise=0), constant([1 - loss for loss in FLAT]), maximize=True)
    sentence = "median: accuracy at best 0.4 in 2 epochs (0.4 with the benefit of the doubt), median of 5 others 0.7"
    assert stopped(study) == {5: (2, sentence)}


def test_the_percentile_rule_lets_so_many_of_a_hundred_go_on():
    rule = wt.Percentile(wt.Full(InOrder()), percent=20, grace=2, **QUIET)
    study = play(rule, constant([*FLAT, 0.15, 0.25]))
    sentence = "percentile: loss at best {} in 2 epochs, more than 20 % of {} others reach {}"
    assert stopped(study) == {5: (2, sentence.format(0.6, 5, 0.2)), 7: (2, sentence.format(0.25, 7, 0.2))}


def test_slack_stops_who_is_further_from_the_best_than_the_slack():
    rule = wt.Slack(wt.Full(InOrder()), factor=0.5, grace=2, **QUIET)
    study = play(rule, constant([*FLAT[:5], 0.19, 0.21]))
    sentence = "slack: loss at best 0.21 in 2 epochs, best and median of 6 others 0.1 and 0.2, slack 0.5 ends at 0.15"
    assert stopped(study)[6] == (2, sentence)
    assert 5 not in stopped(study)


def test_nobody_is_stopped_before_there_are_enough_others():
    assert 5 in stopped(play(median(**QUIET), constant(FLAT)))
    assert stopped(play(median(least=6, **QUIET), constant(FLAT))) == {}


@pytest.mark.parametrize("grace", [1, 3, 8, 9, 20])
def test_nobody_is_stopped_before_the_grace_is_over(grace):
    found = stopped(play(median(grace=grace, **QUIET), constant(FLAT)))
    assert found.keys() == ({5} if grace < 9 else set())
    assert all(epoch == grace for epoch, _ in found.values())


def test_checks_come_after_one_and_a_half_times_the_epochs_or_at_fixed_distances():
    def ends(**more):
        study = play(median(**more), constant([0.5], epochs=30))
        return [event.until for event in kinds(study.history, wt.Started, wt.Resumed)]

    assert ends(grace=4) == [4, 6, 9, 14, 21, 30]
    assert ends(grace=4, every=10) == [4, 14, 24, 30]
    assert ends(grace=30) == [30]
    assert ends(grace=None) == [6, 9, 14, 21, 30]  # a fifth


def test_a_good_curve_is_not_stopped_inside_its_own_jitter():
    good = [0.55 - 0.02 * epoch + (0.1 if epoch % 2 else -0.1) for epoch in range(9)]
    curves = [*constant([0.35, 0.36, 0.37, 0.38, 0.39]), good]
    assert stopped(play(median(noise=1, trend=0, grace=3), curves)) == {}
    assert 5 in stopped(play(median(noise=0, trend=0, grace=3), curves))


def test_a_curve_too_short_to_tell_its_jitter_has_that_of_the_others():
    wild = [[0.35 + (0.1 if (epoch + n) % 2 else -0.1) for epoch in range(9)] for n in range(5)]
    rule = median(noise=1, trend=0, grace=2)
    assert stopped(play(rule, [*wild, [0.4] * 9])) == {}
    assert 5 in stopped(play(rule, [*constant(FLAT[:5]), [0.4] * 9]))


def test_a_curve_that_is_worse_than_its_jitter_is_stopped():
    bad = [2.0 + (0.1 if epoch % 2 else -0.1) for epoch in range(9)]
    assert 5 in stopped(play(median(noise=1, trend=0, grace=3), [*constant(FLAT[:5]), bad]))


def test_a_trial_that_falls_fast_may_go_on_though_it_stands_badly():
    falling = [3.0, 2.6, 2.2, 1.8, 1.4, 1.0, 0.6, 0.2, 0.05]
    curves = [*constant(FLAT[:5]), falling]
    assert stopped(play(median(grace=6, noise=0, trend=1), curves)) == {}
    assert 5 in stopped(play(median(grace=6, noise=0, trend=0), curves))


@pytest.mark.parametrize("every", [1, 3, None])
def test_who_has_gone_keeps_its_place_so_that_more_checks_do_not_stop_more_trials(every):
    def found(every):
        rule = wt.Percentile(wt.Full(InOrder()), percent=25, grace=1, every=every, **QUIET)
        return stopped(play(rule, constant([((37 * n) % 101) / 101 for n in range(101)], epochs=27)))

    assert found(every) == found(26)  # a single check
    assert 0.65 < len(found(every)) / 101 < 0.8


@pytest.mark.parametrize("rule", [wt.Median, wt.Percentile, wt.Slack])
@settings(max_examples=15)
@given(seed=st.integers(0, 99), scale=st.sampled_from([0.25, 4, 2**40]), shift=st.integers(-64, 64))
def test_the_unit_and_the_zero_of_the_objective_do_not_matter(rule, seed, scale, shift):
    rng = random.Random(seed)
    curves = [[rng.randrange(1024) / 8 for _ in range(6)] for _ in range(12)]  # sums of these are exact
    moved = [[scale * (loss + shift) for loss in curve] for curve in curves]
    found = [stopped(play(rule(wt.Full(InOrder()), grace=3, least=2), each)) for each in (curves, moved)]
    assert {id: epoch for id, (epoch, _) in found[0].items()} == {id: epoch for id, (epoch, _) in found[1].items()}


def test_trials_that_diverge_count_as_worse_and_the_largest_losses_break_nothing():
    nan, huge = math.nan, 1.7e308
    curves = [[0.1, nan, 0.1, 0.1], [huge, -huge, huge, -huge], [-huge, huge, -huge, huge], *constant(FLAT, epochs=4)]
    for rule in (wt.Median, wt.Percentile, wt.Slack):
        study = play(rule(wt.Full(InOrder()), grace=2, every=1, least=1), curves)
        assert study.trials[0].state == "diverged"
    study = play(median(**QUIET), [[1.0, nan, nan]] * 3 + constant([0.2, 0.1, 0.3], epochs=3))
    assert stopped(study) == {}  # the median of the five others diverged


# -------------------------------------------------------------------- against its own past


def plateau(**more):
    return wt.Plateau(wt.Full(InOrder()), **{"patience": 2, "share": 0, "grace": 5, "every": 1, "noise": 0} | more)


def test_a_plateau_stops_who_no_longer_improves_and_says_since_when():
    study = play(plateau(), [[0.9, 0.6, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]])
    sentence = "plateau: loss at best 0.3 in the last 2 of 7 epochs, 0.3 before (means of 3 epochs)"
    assert stopped(study) == {0: (7, sentence)}
    assert study.best.id == 0


def test_a_curve_that_improves_goes_on():
    assert stopped(play(plateau(), [[1 / epoch for epoch in range(1, 30)]])) == {}
    assert stopped(play(plateau(), [[epoch / 30 for epoch in range(1, 30)]], maximize=True)) == {}


def test_an_improvement_may_be_too_small_to_count():
    curve = [1 - 0.01 * epoch for epoch in range(9)]
    assert stopped(play(plateau(min_delta=0.005), [curve])) == {}
    assert stopped(play(plateau(min_delta=0.05), [curve]))[0][0] == 5


def test_patience_grows_with_the_share():
    curve = [0.9, 0.6, *[0.3] * 38]
    assert stopped(play(plateau(patience=5), [curve]))[0][0] == 10
    assert stopped(play(plateau(patience=15), [curve]))[0][0] == 20
    assert stopped(play(plateau(patience=5, share=0.75), [curve]))[0][0] == 20


def test_an_improving_curve_is_not_stopped_inside_its_jitter():
    rng = random.Random(0)
    curves = [[1 - 0.01 * epoch + rng.gauss(0, 0.05) for epoch in range(40)] for _ in range(30)]
    trusting, careful = (len(stopped(play(plateau(noise=noise), curves))) for noise in (0, 2))
    assert careful < trusting / 2


# -------------------------------------------------------------------- in general


class Naive:
    """What `Percentile` has to find, worked out from all trials whenever it is asked.

    A trial is over at a level of the scheduler within, or once it has ended; all others are on their way.
    """

    def __init__(self, rule, levels):
        self.rule, self.levels = rule, levels

    def bar(self, history, trial):
        """Return the loss that a trial must reach at its epoch."""
        others = []
        for other in history.trials:
            over = other.ended in {"diverged", "stopped"} or (not other.running and other.epoch in self.levels)
            if other.id == trial.id or (other.epoch < trial.epoch and not over):
                continue
            others.append(other.losses[trial.epoch - 1] if other.epoch >= trial.epoch else other.loss)
        if len(others) < self.rule.least:
            return math.inf
        place = math.ceil(self.rule.percent / 100 * len(others))
        return sorted(others)[place] if place < len(others) else math.inf

    def stops(self, history, trial):
        return min(trial.losses) > self.bar(history, trial)


@pytest.mark.parametrize("slots", [1, 4])
@pytest.mark.parametrize("curve", [calm, unsteady])
@pytest.mark.parametrize(
    ("within", "levels"), [(wt.Full, {27}), (wt.Halving, {1, 3, 9, 27}), (wt.Hyperband, {1, 3, 9, 27})]
)
def test_every_decision_is_what_the_definition_says(slots, curve, within, levels):
    rule = wt.Percentile(within(wt.Random()), percent=15, grace=2, every=2, least=3, **QUIET)
    study = study_of(SPACES["continuous"], rule, epochs=27)
    study.drive(wt.Simulator(curve, slots=slots, seconds=uneven), budget="600 epochs")
    naive, past, looked_at = Naive(rule, levels), wt.History(study.header), {True: 0, False: 0}
    for event in study.history.events:
        trial = past.trials[event.trial] if event.trial < len(past.trials) else None
        between = trial is not None and trial.state == "paused" and trial.epoch not in levels
        if between and isinstance(event, wt.Ended | wt.Resumed):
            stops = isinstance(event, wt.Ended)
            assert naive.stops(past, trial) == stops
            looked_at[stops] += 1
        past.apply(event)
    assert min(looked_at.values()) > 5


RULES = [
    *(lambda make=make, **kw: make(wt.Full(InOrder()), **kw) for make in (wt.Median, wt.Percentile, wt.Slack)),
    plateau,
]


@pytest.mark.parametrize("make", RULES)
@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"grace": 0}, "grace must be a whole number of epochs of at least 1 or None, got grace=0"),
        ({"every": 2.5}, "every must be a whole number of epochs of at least 1 or None, got every=2.5"),
        ({"noise": -1}, "noise must be at least 0, got noise=-1"),
        ({"noise": math.nan}, "noise must be a number, at least 0, got noise=nan"),
    ],
)
def test_wrong_settings_are_refused_in_a_sentence(make, wrong, sentence):
    with pytest.raises(wt.InvalidInput, match=f"^{sentence}$"):
        make(**wrong)


@pytest.mark.parametrize(
    ("make", "wrong", "sentence"),
    [
        (wt.Percentile, {"percent": 100}, "percent must be at least 1 and below 100 .*, got percent=100"),
        (wt.Percentile, {"percent": "25"}, "percent must be a number, .*, got percent='25'"),
        (wt.Percentile, {"percent": 0.1}, "percent must be at least 1 and below 100 .10 means: .* one in ten., got .*"),
        (wt.Slack, {"factor": 95}, "factor must be at least 0 and at most 10 .a share of .*, got factor=95"),
        (wt.Median, {"least": 0}, "least must be a whole number of at least 1, got least=0"),
        (wt.Median, {"trend": None}, "trend must be a number, at least 0, got trend=None"),
        (wt.Slack, {"factor": -0.1}, "factor must be at least 0 and at most 10 .*, got factor=-0.1"),
        (wt.Plateau, {"patience": 0}, "patience must be a whole number of at least 1, got patience=0"),
        (wt.Plateau, {"share": 2}, "share must be at least 0 and at most 1, got share=2"),
        (wt.Plateau, {"min_delta": True}, "min_delta must be a number, at least 0, got min_delta=True"),
    ],
)
def test_wrong_settings_of_one_rule_are_refused_in_a_sentence(make, wrong, sentence):
    with pytest.raises(wt.InvalidInput, match=f"^{sentence}$"):
        make(wt.Full(wt.Random()), **wrong)


def test_what_is_wrapped_must_be_a_scheduler():
    with pytest.raises(wt.InvalidInput, match=r"; write Median\(Full\(Zoom\(Sobol\(\), start=30\)\)\)$"):
        wt.Median(wt.Zoom(wt.Sobol(), start=30))
    for wrong in (wt.Full, 10):
        with pytest.raises(wt.InvalidInput, match=r"; give an instance, such as Percentile\(Full\(Sobol\(\)\)\)$"):
            wt.Percentile(wrong)
    with pytest.raises(wt.InvalidInput, match=r"a stopping rule goes outside: write Median\(Full\(Sobol\(\)\)\)$"):
        wt.Full(wt.Median(wt.Full(wt.Sobol())))
    with pytest.raises(wt.InvalidInput, match=r"^scheduler must be one such as Plateau\(Hyperband\(Sobol\(\)\)\) has"):
        wt.Plateau(wt.Hyperband)


def test_a_rule_is_written_to_the_log_and_built_again():
    rule = wt.Plateau(wt.Slack(wt.Percentile(wt.Median(wt.Hyperband(wt.Sobol())), percent=10), factor=1), every=7)
    study = simulate(study_of(SPACES["continuous"], rule, epochs=27), budget="100 epochs")
    assert study.scheduler == rule
    assert study.scheduler is not rule
