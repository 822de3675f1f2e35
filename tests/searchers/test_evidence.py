"""The chances are those of drawing without replacement, and trials are compared where enough of them are."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from evidence_histories import history_with, lived
from welltempered.events import Ended, Started
from welltempered.searchers.evidence import (
    FEWEST,
    MOST,
    chance_of_few,
    chance_of_many,
    chance_of_span,
    compare,
    look,
    margin,
    top_of,
)
from welltempered.space import Float, Space

LINE = Space(x=Float(0, 1), y=Float(0, 1).when("x > 0.5"))


@pytest.mark.parametrize(("top", "trials"), [(2, 5), (3, 8), (4, 9), (9, 9)])
def test_the_chance_of_a_span_is_the_share_of_all_subsets(top, trials):
    spans = [max(chosen) - min(chosen) + 1 for chosen in combinations(range(trials), top)]
    for inside in range(trials + 1):
        share = np.mean([span <= inside for span in spans])
        assert chance_of_span(inside, top, trials) == pytest.approx(share)


@pytest.mark.parametrize(("marked", "top", "trials"), [(3, 4, 12), (10, 4, 12), (0, 4, 12), (12, 12, 12)])
def test_the_chances_of_hits_are_hypergeometric(marked, top, trials):
    law = stats.hypergeom(trials, marked, top)
    for hits in range(max(0, top + marked - trials), min(marked, top) + 1):
        assert chance_of_few(hits, marked, top, trials) == pytest.approx(law.cdf(hits))
        assert chance_of_many(hits, marked, top, trials) == pytest.approx(law.sf(hits - 1))


@pytest.mark.parametrize(("top", "risk"), [(4, 0.05), (4, 0.5), (10, 0.05), (10, 0.3)])
def test_a_range_with_its_margin_holds_the_end_of_a_uniform_one_as_often_as_promised(top, risk):
    points = np.random.default_rng(0).random((20_000, top))
    low, high = points.min(axis=1), points.max(axis=1)
    missed = np.mean(low - margin(top, risk) * (high - low) > 0)
    assert missed == pytest.approx(risk, abs=0.02)


def test_few_trials_count_as_best_and_never_many():
    assert [top_of(count, 0.1) for count in (0, 20, 40, 80, 10_000)] == [FEWEST, 4, 4, 8, MOST]


def test_trials_are_compared_at_the_highest_epoch_that_ten_have_reached():
    history = history_with(LINE, [])
    for number in range(30):
        lived(history, {"x": number / 100}, float(number), 3 if number < 9 else 2 if number < 12 else 1)
    compared = compare(history)
    assert compared.epoch == 2
    assert list(compared.ranked) == list(range(12))
    assert list(compared.all) == list(range(30))


def test_a_trial_without_a_report_does_not_count():
    history = history_with(LINE, [({"x": number / 100}, 1.0) for number in range(12)])
    history.apply(Started(12, {"x": 0.5}, 1))
    assert 12 not in compare(history).all


def test_failed_and_diverged_trials_count_as_bad():
    history = history_with(LINE, [({"x": number / 100}, float(number)) for number in range(12)])
    lived(history, {"x": 0.3}, None, 1)
    history.apply(Started(13, {"x": 0.4}, 1))
    history.apply(Ended(13, "out of memory"))
    compared = compare(history)
    assert list(compared.failed) == [12, 13]
    assert not {12, 13} & set(compared.ranked)
    assert {12, 13} <= set(compared.all)
    assert len(look(history, compared, 0, 0.5).top) == math.ceil(0.5 * 14)  # of all that have run


def test_nothing_is_compared_where_too_few_have_trained():
    compared = compare(history_with(LINE, [({"x": number / 100}, 1.0) for number in range(9)]))
    assert (compared.epoch, len(compared.ranked)) == (0, 0)


def test_only_trials_in_which_a_parameter_is_active_tell_of_it():
    history = history_with(LINE, [({"x": 0.1}, 0.0)] * 20 + [({"x": 0.9, "y": y / 20}, 1 + y) for y in range(20)])
    seen = look(history, compare(history), 1, 0.2)
    assert len(seen.all) == 20
    assert list(seen.top) == [0, 0.05, 0.1, 0.15]
