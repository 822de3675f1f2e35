"""Params that were trained more than once, with other seeds: what they come to on average."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from welltempered.events import DIVERGED
from welltempered.space import Params
from welltempered.trial import SOUND, Row


class Trained(Protocol):
    """What counts of a trial here; a `Trial` has it."""

    @property
    def losses(self) -> Sequence[float]:
        """The loss after each epoch."""
        ...

    @property
    def ended(self) -> str | None:
        """Why it is over for good."""
        ...


@dataclass(frozen=True)
class Average:
    """The loss of trials with the same params, those that have trained longest.

    Attributes:
        mean: of their losses; `inf` if one has diverged.
        spread: the standard deviation of one of them; 0 if there is but one.
        count: how many they are.
    """

    mean: float
    spread: float
    count: int


def average(trials: Iterable[Trained]) -> Average | None:
    """The average of trials with the same params; `None` if none has come to anything, but for other failures."""
    counted = [trial.losses for trial in trials if trial.losses and trial.ended in {*SOUND, DIVERGED}]
    if not counted:
        return None
    longest = max(map(len, counted))
    last = [losses[-1] for losses in counted if len(losses) == longest or losses[-1] == math.inf]
    mean, count = sum(last) / len(last), len(last)
    if count == 1 or mean == math.inf:
        return Average(mean, 0.0, count)
    return Average(mean, math.sqrt(sum((loss - mean) ** 2 for loss in last) / (count - 1)), count)


def standings(groups: Mapping[int, Sequence[int]], trials: Sequence[Trained]) -> tuple[dict[int, float], float]:
    """What counts of each trial whose params were trained several times, and the noise that is added to others' losses.

    The best of many noisy values is lucky rather than good, so all losses are taken one standard error of their mean
    worse than they are: by the spread of replicates, the median over the groups, divided by the root of their number.

    Args:
        groups: trials with the same params, two or more, by the first of them.
        trials: all of them, by number.
    """
    found = {first: average(trials[id] for id in ids) for first, ids in groups.items()}
    spreads = sorted(each.spread for each in found.values() if each and each.count > 1 and each.mean < math.inf)
    noise = spreads[len(spreads) // 2] if spreads else 0.0
    worse = {first: each.mean + noise / math.sqrt(each.count) for first, each in found.items() if each}
    return {id: worse[first] for first, ids in groups.items() if first in worse for id in ids}, noise


class Repeats:
    """Who was trained with which params; made when it is first asked for, and brought up to date when it is again.

    Who has begun with the state of another trial is nobody's replicate, since its params were not there from the start.
    """

    def __init__(self) -> None:
        self._known = 0
        self._heirs: set[bytes] = set()  # params of trials with a parent
        self._first: dict[bytes, int] = {}  # of the others, the first trial with these params
        self._groups: dict[int, list[int]] = {}  # all of them by the first, where there are several

    def tried(self, rows: Sequence[Row], params: Params) -> bool:
        """Whether a trial with these params is among them."""
        self._update(rows)
        return (name := key(params)) in self._first or name in self._heirs

    def of(self, rows: Sequence[Row], trial: int) -> Sequence[int]:
        """All replicates of a trial, itself included, in the order in which they started."""
        self._update(rows)
        return (trial,) if rows[trial].heir else self._groups.get(self._first[key(rows[trial].params)], (trial,))

    def lowest(self, rows: Sequence[Row], without: Collection[int]) -> int | None:
        """See `History.lowest`."""
        self._update(rows)
        means, noise = standings(self._groups, rows) if self._groups else ({}, 0.0)
        best, lowest = None, (math.inf, 0, math.inf)
        for id, row in enumerate(rows):
            if len(row.losses) == row.inherited or (score := means.get(id, row.losses[-1] + noise)) > lowest[0]:
                continue
            rank = (score, -len(row.losses), row.losses[-1])
            if rank < lowest and score < math.inf and row.ended in SOUND and id not in without:
                best, lowest = id, rank
        return best

    def _update(self, rows: Sequence[Row]) -> None:
        for id in range(self._known, len(rows)):
            name = key(rows[id].params)
            if rows[id].heir:
                self._heirs.add(name)
            elif (first := self._first.setdefault(name, id)) != id:
                self._groups.setdefault(first, [first]).append(id)
        self._known = len(rows)


def key(params: Params) -> bytes:
    """What two equal params have in common, whatever the order of their names."""
    return msgspec.json.encode(params, order="sorted")
