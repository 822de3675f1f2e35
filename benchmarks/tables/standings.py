"""What the runs add up to: anytime regret, ranks, wins, epochs to a rival's end. Pure arithmetic on arrays."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.tables.task import Task

SPENT, CHARGED = 0, 1
"""Columns of a trace: epochs trained, and with those that a peer had to train again."""
DRAWS = 1_000


def anytime(task: Task, run: Mapping[str, Any], epochs: int, axis: int = SPENT) -> np.ndarray:
    """Regret of the incumbent after 1 .. epochs, shape (epochs,); 1 before there is one, and of a failed run."""
    trace = run.get("trace", [])
    regrets = np.array([1.0, *(task.regret(step[2]) for step in trace)])
    return regrets[np.searchsorted([step[axis] for step in trace], np.arange(1, epochs + 1), side="right")]


def ranks(regrets: np.ndarray) -> np.ndarray:
    """Ranks along the first axis, 1 for the lowest; those that are equal share the mean of their places."""
    lower = (regrets[None] < regrets[:, None]).sum(axis=1)
    equal = (regrets[None] == regrets[:, None]).sum(axis=1)
    return np.asarray(lower + (equal + 1) / 2)


def mean_ranks(regrets: np.ndarray) -> list[dict[str, float]]:
    """Mean rank of each contender, with a 95 % bootstrap interval: tasks are drawn anew, and of each its seeds.

    Args:
        regrets: shape (contenders, tasks, seeds).
    """
    rng = np.random.default_rng(0)
    places = ranks(regrets)
    _, n_tasks, n_seeds = places.shape
    draws = []
    for _ in range(DRAWS):
        which = rng.integers(n_tasks, size=(n_tasks, 1))
        seeds = rng.integers(n_seeds, size=(n_tasks, n_seeds))
        draws.append(places[:, which, seeds].mean(axis=(1, 2)))
    low, high = np.quantile(draws, (0.025, 0.975), axis=0)
    columns = zip(places.mean(axis=(1, 2)).tolist(), low.tolist(), high.tolist(), strict=True)
    return [{"mean": round(a, 3), "low": round(b, 3), "high": round(c, 3)} for a, b, c in columns]


def wins(regrets: np.ndarray) -> list[int]:
    """Tasks on which a contender's mean over seeds is the lowest; equals win both. Shape (contenders, tasks, seeds)."""
    means = regrets.mean(axis=2)
    return [int(count) for count in (means <= means.min(axis=0) + 1e-9).sum(axis=1)]


def epochs_to(curve: np.ndarray, target: float) -> int | None:
    """The first epoch, counted from 1, at which an anytime curve is as low as the target; `None` if it never is."""
    there = np.flatnonzero(curve <= target + 1e-12)
    return int(there[0]) + 1 if len(there) else None


def summary(regrets: np.ndarray) -> dict[str, list[float]]:
    """Mean, median and quartiles over tasks and seeds, per mark; shape (tasks, seeds, marks)."""
    flat = regrets.reshape(-1, regrets.shape[-1])
    low, middle, high = np.quantile(flat, (0.25, 0.5, 0.75), axis=0)
    return {"mean": rounded(flat.mean(axis=0)), "median": rounded(middle), "low": rounded(low), "high": rounded(high)}


def rounded(values: Sequence[float] | np.ndarray) -> list[float]:
    """As plain numbers with four digits after the point."""
    return [round(float(value), 4) for value in values]
