"""Population-based training: params that change while a net trains.

Jaderberg et al., "Population based training of neural networks", arXiv:1711.09846 (2017): algorithm 1, with truncation
selection and perturbation. Li et al., "A generalized framework for population based training", KDD 2019, whose trials
are pieces that begin with a checkpoint of their parent; so are those here.
"""

from dataclasses import dataclass

import numpy as np

from welltempered.checks import number, shown, whole
from welltempered.decide import Decision, Keeps, Resume, Searcher, Start, Stop, Wait, check_searcher
from welltempered.errors import InvalidInput
from welltempered.events import Event, Origin
from welltempered.history import History
from welltempered.schedulers.population import Population, Seat
from welltempered.space import Choice, Float, Params, Space
from welltempered.trial import Trial

_LEASES = 10
"""Comparisons in a full training, unless their distance is given."""
_TRIES = 100
"""Perturbations that break a constraint before a child takes its parent's params as they are."""


@dataclass(frozen=True)
class PBT:
    """A population trains side by side; the worst go on from the weights of the best, with params a little changed.

    After every few epochs a trial is compared with all that have come as far. One of the worst is stopped, and its seat
    goes to a new trial that begins with the state which one of the best had at that epoch, whatever that one has
    trained since, and with its params perturbed. The seat of a trial that has failed is filled likewise. So the params
    of a trial never change: what changes on the way from the first epoch to the last is the trial, and the winner's
    schedule is `Trial.lineage`.

    Nobody waits for anybody: a slot takes the seat that is furthest behind, and compares its trial with all others at
    the same epoch; those that have not come as far stand with their latest loss. One worker therefore compares all with
    all. Where none of the best has come as far, a child steps back to where one of them was at the comparison before.
    The study ends with the training of the last seat; it trains population × epochs, and what failures and steps back
    cost. Of the checkpoints at comparisons those are kept that can still be inherited: at most population ÷ 2 for each
    comparison that not all have passed.
    A decision costs O(population · log population + parameters).

    Attributes:
        searcher: where the params of the first trials come from.
        population: number of seats. Default 8: below that there is little to choose from; the paper has 10 to 80.
        every: epochs between comparisons. Default: a tenth of a full training, so that there are ten.
        share: part of those compared that counts as the best, and as the worst. Default 0.25 (the paper's is 0.2,
            which of 8 is as many).
        step: how far a perturbed param moves up or down, as a share of its range on its scale. Default 0.1: a factor of
            two for a learning rate with three decades.
        resample: probability with which a param is drawn anew instead. Default 0.25.
        explore: names of the params that change, separated by blanks. Default: each `Float`. What is a whole number or
            a choice often decides on the shape of weights, which are inherited, so it changes only if it is named.

    Raises:
        InvalidInput: if an argument breaks a rule; when the study starts, if its trials cannot be resumed, or `explore`
            names no parameter of its space.
    """

    searcher: Searcher
    population: int = 8
    every: int | None = None
    share: float = 0.25
    step: float = 0.1
    resample: float = 0.25
    explore: str | None = None

    def __post_init__(self) -> None:
        check_searcher(self.searcher, type(self).__name__)
        rule = "a whole number of at least 2"
        object.__setattr__(self, "population", whole("population", self.population, rule, 2))
        if self.every is not None:
            rule = "a whole number of epochs of at least 1 or None"
            object.__setattr__(self, "every", whole("every", self.every, rule, 1))
        for name, rule, low, high in (
            ("share", "above 0 and at most 0.5", 0, 0.5),
            ("step", "above 0 and at most 1", 0, 1),
            ("resample", "at least 0 and at most 1", 0, 1),
        ):
            object.__setattr__(self, name, number(name, getattr(self, name), rule, low, high))
        if self.explore is not None and not (isinstance(self.explore, str) and self.explore.split()):
            raise InvalidInput(f"explore must be names of params, such as 'lr momentum', got {shown(self.explore)}")

    def init(self, history: History) -> Population:
        """All seats are empty."""
        if not history.resumable:
            raise InvalidInput(
                "PBT must be able to go on from checkpoints, got resumable=False; make the training resumable with "
                "run.keep(...)"
            )
        self._explored(history.space)
        return Population(self.population, self.share)

    def learn(self, state: Population, history: History, event: Event) -> None:
        """See `Population.learn`."""
        state.learn(history, event)

    def next(self, history: History, held: Trial | None) -> Decision:
        """What the seat does that is furthest behind; the next one if the searcher has nothing for an empty one."""
        state = history.fold(self)
        for place in state.due():
            seat = state.seats[place]
            if seat.trial is not None and not seat.vacant:
                return self._judged(state, history, seat, seat.trial)
            decision = self._filled(state, history, place)
            if decision is not None:
                return decision
        return Wait()

    def keeps(self, history: History) -> Keeps:
        """Those who wait for a decision, and the states that may be inherited."""
        state = history.fold(self)
        waiting = [seat.trial for seat in state.seats if seat.free and not seat.over and not seat.vacant]
        return [*(id for id in waiting if id is not None), *state.offered(history)]

    def _judged(self, state: Population, history: History, seat: Seat, trial: int) -> Decision:
        """Stop a trial that is among the worst, unless nobody is better from whom one could go on."""
        epoch, own = seat.epoch, history.trials[trial]
        standing = state.standing(history, epoch)
        place, count = standing.index((own.loss, trial)), len(standing)
        found = state.nearest(history, seat) if place >= count - state.extremes(count) else None
        if found is None or history.trials[found[1][-1]].losses[found[0] - 1] >= own.loss:
            return Resume(trial, self._until(history, epoch))
        best = history.trials[found[1][0]]
        values = f"{own.metric} {own.value:.6g} against {best.curve[found[0] - 1]:.6g} of trial {best.id}"
        return Stop(trial, f"in place {place + 1} of {count} after epoch {epoch}: {values} after epoch {found[0]}")

    def _filled(self, state: Population, history: History, place: int) -> Start | None:
        """A new trial for a seat: a child of one of the best, or one that begins anew if there is none."""
        seat = state.seats[place]
        found = None if seat.trial is None else state.nearest(history, seat)
        if found is None:
            params = self.searcher.suggest(history)
            return None if params is None else Start(params, self._until(history, 0), place)
        epoch, parents = found
        rng = history.rng
        parent = parents[int(rng.integers(len(parents)))]
        params = self._perturbed(history.space, history.trials[parent].params, rng)
        return Start(params, self._until(history, epoch), place, parent=Origin(parent, epoch))

    def _until(self, history: History, epoch: int) -> int:
        """The next comparison, or the end."""
        every = self.every or max(1, history.epochs // _LEASES)
        return min(history.epochs, (epoch // every + 1) * every)

    def _explored(self, space: Space) -> frozenset[str]:
        """Names of the params that change."""
        if self.explore is None:
            return frozenset(name for name, parameter in space.items() if isinstance(parameter, Float))
        names = self.explore.split()
        if unknown := [name for name in names if name not in space]:
            raise InvalidInput(f"explore must name params of the space, {', '.join(space)}, got {', '.join(unknown)}")
        return frozenset(names)

    def _perturbed(self, space: Space, params: Params, rng: np.random.Generator) -> Params:
        """The params of a child. What becomes active by a change is drawn anew; constraints hold."""
        explored, before = self._explored(space), space.encode(params)
        # A parameter of few values moves by at least one of them; options have no order.
        steps = np.array([max(self.step, 1 / parameter.size) for parameter in space.values()])
        ordered = np.array([not isinstance(parameter, Choice) for parameter in space.values()])
        changes = np.array([name in explored for name in space])
        for _ in range(_TRIES):
            fresh, anew = rng.random(len(space)), rng.random(len(space)) < self.resample
            moved = before + np.where(ordered, steps * rng.choice((-1, 1), len(space)), 0.0)
            after = np.where(changes, np.where(anew, fresh, moved), before)
            child = space.decode(np.clip(np.where(np.isnan(after), fresh, after), 0.0, 1.0))
            child |= {name: params[name] for name in child if name in params and name not in explored}
            if space.feasible(child):
                return child
        return params
