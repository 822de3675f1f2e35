"""Hyperband, synchronous as in its paper.

Li et al., "Hyperband: a novel bandit-based approach to hyperparameter optimization", JMLR 18 (2018), algorithm 1.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import pairwise

from welltempered.checks import shown, whole
from welltempered.decide import Decision, Resume, Searcher, Start, Wait, check_searcher
from welltempered.errors import InvalidInput
from welltempered.events import Cut, Ended, Event, Reported, Resumed, Started, Undone
from welltempered.history import History
from welltempered.method import LATER
from welltempered.schedulers.rungs import check_bracket, check_eta, levels, most_halvings
from welltempered.trial import Trial


class _Bracket:
    """One run of successive halving: `size` trials start, rung by rung the best 1/η go on, or as `sizes` has it."""

    def __init__(self, size: int, levels: Sequence[int], eta: int, sizes: Sequence[int] | None = None) -> None:
        self.size = size
        self.levels = levels
        self.eta = eta
        self.sizes = sizes
        self.started = 0
        self.rung = 0
        self.expected = size  # trials of the present rung
        self.results: list[tuple[float, int]] = []  # of the present rung: loss, trial
        self.lost = 0  # trials of the present rung that have ended
        self.promoted: list[int] = []  # of the rung before, not resumed yet, best first

    @property
    def complete(self) -> bool:
        """Whether all trials of the present rung have closed their leases."""
        return len(self.results) + self.lost == self.expected

    @property
    def over(self) -> bool:
        """Whether nobody of the bracket can go on."""
        return self.complete and (self.rung + 1 == len(self.levels) or not self.best())

    def best(self) -> list[int]:
        """Who of the present rung goes on: the paper's top n_i/η, without those that have diverged.

        Of a bracket that was truncated the same share, but at least one: however small the space, somebody is trained
        fully.
        """
        if self.sizes is None:
            keep = max(1, self.size // self.eta ** (self.rung + 1))
        else:
            keep = max(1, self.sizes[self.rung + 1] * self.size // self.sizes[0])
        return [id for loss, id in sorted(self.results)[:keep] if loss < math.inf]

    def truncate(self) -> None:
        """Make do with the trials that have started, since the space has no more."""
        self.size = self.expected = self.started

    def climb(self) -> None:
        """Close the rung and promote its best."""
        self.promoted = self.best()
        self.expected = len(self.promoted)
        self.results, self.lost = [], 0
        self.rung += 1


class _State:
    """All brackets so far; `open` are the numbers of those that are not over, oldest first."""

    def __init__(self) -> None:
        self.brackets: list[_Bracket] = []
        self.open: list[int] = []

    def settle(self, number: int) -> None:
        """Close the rung of a bracket if it is complete, and the bracket if it is over."""
        bracket = self.brackets[number]
        if bracket.over:
            self.open.remove(number)
        elif bracket.complete:
            bracket.climb()

    def resume(self) -> Resume | None:
        """The first promotion of the oldest bracket that has one."""
        for number in self.open:
            bracket = self.brackets[number]
            if bracket.promoted:
                return Resume(bracket.promoted[0], bracket.levels[bracket.rung])
        return None

    def exhausted(self) -> Resume | None:
        """Who goes on if the newest bracket makes do with the trials it has.

        It is not truncated yet: nothing in the log would say so, and a searcher without params may find some later.
        """
        number = len(self.brackets) - 1
        if number not in self.open:
            return None
        bracket = deepcopy(self.brackets[number])
        bracket.truncate()
        if bracket.over or not bracket.complete:
            return None
        bracket.climb()
        return Resume(bracket.promoted[0], bracket.levels[bracket.rung])

    def truncate(self) -> None:
        """The space was exhausted: the newest bracket goes on with the trials it has."""
        number = len(self.brackets) - 1
        if number in self.open and self.brackets[number].started < self.brackets[number].size:
            self.brackets[number].truncate()
            self.settle(number)


@dataclass(frozen=True)
class Hyperband:
    """Brackets of successive halving, from many trials stopped early to few trained fully, round after round.

    Synchronous: a rung promotes when all its trials are there. A slot that would wait starts trials of the next
    bracket, which exists whatever the number of workers; so trials and promotions are the same for any number of
    workers, with a searcher that does not look at results. A promoted trial goes on from where it stopped.
    A decision costs O(open brackets).

    Attributes:
        searcher: where params come from.
        eta: η, the share 1/η of a rung is promoted. Default 3, as in the paper.
        rounds: rounds of all brackets after which the method ends; `None` (default) goes on until the budget is used.
        brackets: the brackets of a round, each as its rungs `(trials, epochs)`, lowest first, such as
            `(((9, 1), (3, 3), (1, 9)), ((3, 9),))`; `None` (default) computes those of the paper from eta.

    Raises:
        InvalidInput: if eta < 2 or rounds < 1, or trials do not fall or epochs do not grow within a bracket; when the
            study starts, if its trials cannot be resumed, or a bracket ends elsewhere than at a full training.
    """

    searcher: Searcher
    eta: int = 3
    rounds: int | None = None
    brackets: tuple[tuple[tuple[int, int], ...], ...] | None = field(default=None, metadata={LATER: True})

    def __post_init__(self) -> None:
        check_searcher(self.searcher, type(self).__name__)
        object.__setattr__(self, "eta", check_eta(self.eta))
        if self.rounds is not None:
            rounds = whole("rounds", self.rounds, "a whole number of at least 1 or None", 1)
            object.__setattr__(self, "rounds", rounds)
        if self.brackets is not None:
            object.__setattr__(self, "brackets", check_brackets(self.brackets))

    def init(self, history: History) -> _State:
        """No brackets yet."""
        if not history.resumable:
            raise InvalidInput(
                "Hyperband must be able to pause trials, got resumable=False; use Halving, which promotes trials while "
                "they are still in memory, or make the training resumable with run.keep(...)"
            )
        for bracket in self.brackets or ():
            if bracket[-1][1] != history.epochs:
                raise InvalidInput(
                    f"each of the brackets must end at a full training of {history.epochs} epochs, got {bracket}"
                )
        return _State()

    def learn(self, state: _State, history: History, event: Event) -> None:
        """Count the lease in its bracket, and close the rung with the last of its leases."""
        if isinstance(event, Cut | Undone) or (isinstance(event, Reported) and event.trial in history.running):
            return
        if isinstance(event, Started):
            check_bracket(event.bracket, len(state.brackets))
            if event.bracket == len(state.brackets):
                state.brackets.append(self._bracket(history.epochs, event.bracket))
                state.open.append(event.bracket)
            state.brackets[event.bracket].started += 1
            return
        trial = history.trials[event.trial]
        bracket = state.brackets[trial.bracket]
        if isinstance(event, Resumed):
            if event.until > bracket.levels[bracket.rung]:  # promoted when the space was exhausted, see `next`
                state.truncate()
            if event.trial in bracket.promoted:  # else it goes on with an interrupted lease
                bracket.promoted.remove(event.trial)
            return
        if isinstance(event, Reported):
            bracket.results.append((trial.loss, trial.id))
        elif isinstance(event, Ended):
            bracket.lost += 1
        state.settle(trial.bracket)

    def next(self, history: History, held: Trial | None) -> Decision:
        """The oldest bracket that has something to do; else a new bracket."""
        state = history.fold(self)
        promotion = state.resume()
        if promotion is not None:
            return promotion
        if self._last(state, history.epochs):
            return Wait()
        params = self.searcher.suggest(history)
        if params is None:
            return state.exhausted() or Wait()
        number = len(state.brackets)
        if state.brackets and state.brackets[-1].started < state.brackets[-1].size:
            number -= 1
        return Start(params, self._bracket(history.epochs, number).levels[0], number)

    def keeps(self, history: History) -> Collection[int]:
        """The promoted ones, and those whose rung is not complete yet."""
        state = history.fold(self)
        brackets = [state.brackets[number] for number in state.open]
        below = [bracket for bracket in brackets if bracket.rung + 1 < len(bracket.levels)]
        waiting = {id for bracket in below for loss, id in bracket.results if loss < math.inf}
        return waiting.union(*(bracket.promoted for bracket in brackets))

    def _bracket(self, epochs: int, number: int) -> _Bracket:
        if self.brackets is not None:
            sizes, rungs = zip(*self.brackets[number % len(self.brackets)], strict=True)
            return _Bracket(sizes[0], rungs, self.eta, sizes)
        s_max = most_halvings(epochs, self.eta)
        s = s_max - number % (s_max + 1)
        size = -(-(s_max + 1) * self.eta**s // (s + 1))  # n = ceil(B/R · η^s / (s+1)), B = (s_max+1)·R
        return _Bracket(size, levels(epochs, self.eta, s), self.eta)

    def _last(self, state: _State, epochs: int) -> bool:
        """Whether all brackets of all rounds have started all their trials."""
        if self.rounds is None or not state.brackets:
            return False
        total = self.rounds * (most_halvings(epochs, self.eta) + 1 if self.brackets is None else len(self.brackets))
        return len(state.brackets) == total and state.brackets[-1].started == state.brackets[-1].size


def check_brackets(brackets: Iterable[Iterable[tuple[int, int]]]) -> tuple[tuple[tuple[int, int], ...], ...]:
    """The brackets as tuples, if they are such.

    Raises:
        InvalidInput: unless each is a sequence of pairs of whole numbers of which trials fall and epochs grow.
    """
    rule = "brackets must be a sequence of brackets, each of rungs (trials, epochs) such as ((9, 1), (3, 3), (1, 9))"
    try:
        made = tuple(tuple((int(size), int(epochs)) for size, epochs in bracket) for bracket in brackets)
    except (TypeError, ValueError):
        raise InvalidInput(f"{rule}, got {shown(brackets)}") from None
    for bracket in made:
        sizes, rungs = [size for size, _ in bracket], [epochs for _, epochs in bracket]
        falls = all(a >= b >= 1 for a, b in pairwise([*sizes, 1]))
        if not bracket or not falls or sorted(set(rungs)) != rungs or rungs[0] < 1:
            raise InvalidInput(f"{rule}: trials must not grow from rung to rung, and epochs must, got {shown(bracket)}")
    if not made:
        raise InvalidInput(f"{rule}, got none")
    return made
