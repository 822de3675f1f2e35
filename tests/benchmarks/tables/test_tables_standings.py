"""Regret, ranks and the like, on figures that can be worked out by hand."""

import math

import numpy as np
import pytest
from known_task import task

from benchmarks.tables.race import faster
from benchmarks.tables.standings import CHARGED, anytime, epochs_to, mean_ranks, ranks, summary, wins
from benchmarks.tables.task import Task

TRACE = {"trace": [[2, 3, 0.4], [5, 9, 0.1]]}


def test_regret_is_0_at_the_best_1_at_the_median_and_clipped():
    known = task(best=1.0, middle=3.0)
    assert [known.regret(loss) for loss in (0.5, 1.0, 1.5, 3.0, 9.0, math.inf, math.nan)] == [0, 0, 0.25, 1, 1, 1, 1]


def test_anytime_regret_is_that_of_the_incumbent_after_so_many_epochs():
    assert anytime(task(), TRACE, 6).tolist() == pytest.approx([1, 0.8, 0.8, 0.8, 0.2, 0.2])


def test_training_again_counts_where_it_is_charged():
    assert anytime(task(), TRACE, 9, CHARGED).tolist() == pytest.approx([1, 1, *[0.8] * 6, 0.2])


def test_a_failed_run_has_found_nothing():
    assert anytime(task(), {"error": "it has failed"}, 3).tolist() == [1, 1, 1]


def test_an_incumbent_that_is_worse_in_truth_counts_as_that():
    assert anytime(task(), {"trace": [[1, 1, 0.1], [2, 2, 0.3]]}, 2).tolist() == pytest.approx([0.2, 0.6])


def test_twice_the_budget_counts_each_epoch_half():
    assert faster([[1, 1, 0.5], [4, 4, 0.2], [5, 5, 0.1]], 2) == [[1, 1, 0.5], [2, 2, 0.2], [3, 3, 0.1]]


def test_marks_end_with_the_budget():
    assert task(epochs=50).marks(1000) == [50, 100, 200, 400, 700, 1000]
    assert task(epochs=50).marks(300) == [50, 100, 200, 300]
    assert task(epochs=20).marks(1000) == [20, 40, 80, 160, 280, 400]
    assert task(epochs=1).marks(1000) == [10, 20, 50, 100]
    assert isinstance(task(), Task)


def test_equals_share_the_mean_of_their_ranks():
    assert ranks(np.array([[0.1], [0.3], [0.1], [0.2]])).T.tolist() == [[1.5, 4, 1.5, 3]]


def test_mean_ranks_lie_in_their_intervals_and_one_who_always_wins_is_sure():
    rng = np.random.default_rng(0)
    first, second, third = mean_ranks(np.stack([np.full((4, 5), -1.0), *rng.random((2, 4, 5))]))
    assert first == {"mean": 1, "low": 1, "high": 1}
    assert second["mean"] + third["mean"] == pytest.approx(5)
    for one in (second, third):
        assert 2 <= one["low"] < one["mean"] < one["high"] <= 3


def test_who_is_best_in_the_mean_over_seeds_wins_a_task_and_equals_win_both():
    regrets = np.array([[[0.1, 0.5], [0.2, 0.2]], [[0.2, 0.2], [0.1, 0.3]]])
    assert wins(regrets) == [1, 2]


def test_epochs_to_a_target_are_counted_from_1():
    curve = np.array([1.0, 0.5, 0.5, 0.2])
    assert [epochs_to(curve, target) for target in (1.0, 0.5, 0.2, 0.1)] == [1, 2, 4, None]


def test_a_summary_goes_over_tasks_and_seeds():
    found = summary(np.array([[[0.0], [0.2]], [[0.4], [1.0]]]))
    assert found == {"mean": [0.4], "median": [0.3], "low": [0.15], "high": [0.55]}
