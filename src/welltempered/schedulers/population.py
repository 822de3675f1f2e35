"""Who is in a population, how far each has come, and how all stood after the same number of epochs."""

import math
from bisect import insort
from collections.abc import Iterator

from welltempered.errors import CorruptLog
from welltempered.events import STOPPED, Cut, Ended, Event, Origin, Reported, Resumed, Started, Undone
from welltempered.history import History


class Seat:
    """A place in a population, in which one trial follows another.

    Attributes:
        trial: the one that has it, or had it last; `None` before the first.
        epoch: epoch of its last comparison, or with which it began.
        free: whether a decision is due: its trial waits for one or has been lost, or there was none yet.
        vacant: whether its trial is lost.
        over: whether it is fully trained, or has ended well.
    """

    def __init__(self) -> None:
        self.trial: int | None = None
        self.epoch = 0
        self.free = self.vacant = True
        self.over = False

    def take(self, trial: int) -> None:
        """A trial trains in it."""
        self.trial, self.free, self.vacant = trial, False, False


class Population:
    """The state of population-based training.

    Attributes:
        seats: all of them.
        boards: (loss, trial) of all that have reached a comparison by their own training, best first, by epoch.

    Args:
        size: number of seats.
        share: of those compared, the best and the worst that change places.
    """

    def __init__(self, size: int, share: float) -> None:
        self.seats = [Seat() for _ in range(size)]
        self.boards: dict[int, list[tuple[float, int]]] = {}
        self._share = share
        self._seat_of: dict[int, Seat] = {}
        self._lost: set[Origin] = set()  # states
        self._passed = 0.0  # all have passed the comparisons before this epoch, whose states are let go

    def learn(self, history: History, event: Event) -> None:
        """Follow who sits where, and who has come how far."""
        if isinstance(event, Started):
            if event.bracket >= len(self.seats):
                raise CorruptLog(f"bracket must be one of {len(self.seats)} seats of the population, got {event}")
            seat = self._seat_of[event.trial] = self.seats[event.bracket]
            seat.take(event.trial)
            seat.epoch = 0 if event.parent is None else event.parent.epoch
        elif isinstance(event, Resumed):
            self._seat_of[event.trial].take(event.trial)
            self._take_back(event.trial, history.epoch(event.trial))
        elif isinstance(event, Ended):
            self._leave(history, event.trial)
        elif not isinstance(event, Cut | Undone) and event.trial not in history.running:
            self._arrive(history, event)
        on_the_way = (seat.epoch for seat in self.seats if not seat.over)
        self._passed = max(self._passed, min(on_the_way, default=math.inf))

    def due(self) -> Iterator[int]:
        """The seats for which something can be decided, those that are furthest behind first."""
        free = [number for number, seat in enumerate(self.seats) if seat.free and not seat.over]
        return iter(sorted(free, key=lambda number: (self.seats[number].epoch, number)))

    def standing(self, history: History, epoch: int) -> list[tuple[float, int]]:
        """(loss, trial) of all at a comparison, best first: who is still behind stands with its latest loss.

        So nobody waits for those behind, who are younger: who comes first looks good beside them, but if it is among
        the worst even so, it is bad.
        """
        late = (seat.trial for seat in self.seats if not (seat.vacant or seat.over) and seat.epoch < epoch)
        trials = [history.trials[id] for id in late if id is not None]
        return sorted([*self.boards[epoch], *((trial.loss, trial.id) for trial in trials if trial.losses)])

    def extremes(self, count: int) -> int:
        """How many of so many count as the best, and as many as the worst.

        Among a few there is nobody of whom that is sure; among all there is at least one.
        """
        return max(int(self._share * count), 1 if count >= len(self.seats) else 0)

    def parents(self, history: History, epoch: int) -> list[int]:
        """The trials whose state after a comparison may be inherited: those of the best that have it, best first."""
        sound = {state.trial for state in self._sound(history, epoch)}
        arrived = {id for _, id in self.boards[epoch]}
        standing = self.standing(history, epoch)
        best = [id for _, id in standing if id in sound or id not in arrived][: max(1, self.extremes(len(standing)))]
        return [id for id in best if id in sound]

    def nearest(self, history: History, seat: Seat) -> tuple[int, list[int]] | None:
        """The comparison nearest to where a seat stands after which there is somebody to inherit from, and who."""
        behind = sorted((epoch for epoch in self.boards if epoch <= seat.epoch), reverse=True)
        ahead = sorted(epoch for epoch in self.boards if epoch > seat.epoch)
        found = ((epoch, self.parents(history, epoch)) for epoch in (*behind, *ahead))
        return next(((epoch, parents) for epoch, parents in found if parents), None)

    def offered(self, history: History) -> list[Origin]:
        """The states that may still be inherited: of the better half at each comparison that not all have passed."""
        return [state for epoch in self.boards for state in self._sound(history, epoch)]

    def _sound(self, history: History, epoch: int) -> list[Origin]:
        """The states of the better half of all seats, without those that are lost or have led to failure.

        Who is not in that half never comes into it later, whoever fails: so what is not kept is never missed.
        """
        if epoch < self._passed:
            return []
        better = self.boards[epoch][: max(1, len(self.seats) // 2)]
        states = [Origin(id, epoch) for _, id in better if not history.trials[id].failed]
        return [state for state in states if state not in self._lost and history.offers(state)]

    def _arrive(self, history: History, event: Reported) -> None:
        """A lease is over: the trial has come to a comparison, or to the end, or it has diverged."""
        seat, loss = self._seat_of[event.trial], history.objective.loss(event.metrics)
        if loss == math.inf:
            self._leave(history, event.trial)
            return
        seat.epoch, seat.free, seat.over = event.epoch, True, event.epoch == history.epochs
        if not seat.over:
            insort(self.boards.setdefault(event.epoch, []), (loss, event.trial))

    def _leave(self, history: History, trial: int) -> None:
        """A trial has ended; what was stopped or has failed is replaced."""
        seat, ended = self._seat_of[trial], history.trials[trial]
        seat.free = seat.vacant = ended.failed or ended.ended == STOPPED
        seat.over = not seat.vacant

    def _take_back(self, trial: int, after: int) -> None:
        """What a trial had reached beyond an epoch from which it trains again still counts, but its state is lost."""
        beyond = [epoch for epoch in self.boards if epoch > after]
        reached = [epoch for epoch in beyond if any(id == trial for _, id in self.boards[epoch])]
        self._lost.update(Origin(trial, epoch) for epoch in reached)
