"""The state of a study: the fold of its events, and nothing else."""

import math
from bisect import bisect_left, insort
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
import numpy as np

from welltempered.errors import CorruptLog
from welltempered.events import DIVERGED, STOPPED, Cut, Ended, Event, Header, Origin, Reported, Resumed, Started, Undone
from welltempered.repeats import Repeats
from welltempered.space import Params, Space
from welltempered.trial import SOUND, Row, Trial, Trials

S = TypeVar("S")


class Fold(Protocol[S]):
    """A method with state of its own: the state is a fold of the events, recomputed on resume and never stored."""

    def init(self, history: "History") -> S:
        """The state before the first event."""
        ...

    def learn(self, state: S, history: "History", event: Event) -> None:
        """Take one event into the state; `history` is as it was right after that event."""
        ...


class History:
    """Everything known of a study, kept up to date event by event.

    Searchers and schedulers are pure functions of it; only the study applies events. Applying one costs O(1)
    (O(log n) per ranked epoch), however many trials there are.

    What has failed is there to learn from. The last loss of a diverged trial is `inf`, a bad value like others;
    `failures` lists who has ended badly by reason, of which "out of memory" says that the params are infeasible.

    Args:
        header: record 0 of the log.
        space: the space with its named objects; `None` reads the one in the header, without them.
    """

    def __init__(self, header: Header, space: Space | None = None) -> None:
        self.header = header
        self.space = Space.from_json(header.space) if space is None else space
        self.objective = header.objective
        self.epochs = header.epochs
        self.resumable = header.resumable
        self.events: list[Event] = []
        self.running: set[int] = set()
        self.interrupted: set[int] = set()
        self.between: set[int] = set()  # paused at a check of a stopping rule, before the goal
        self.failures: dict[str, list[int]] = {}
        self.spent = 0
        self.clock = 0.0
        self.trials: Sequence[Trial] = Trials(self._count, self._trial)
        self._rows: list[Row] = []
        self._ranked: dict[int, list[tuple[float, int]]] = {}
        self._folds: dict[Fold[Any], Any] = {}
        self._repeats = Repeats()
        self._names = frozenset(self.space)
        self._matrix = np.empty((0, len(self.space)))
        self._encoded = 0
        self._philox = np.random.Philox(key=header.seed)
        self._stream: Any = self._philox.state

    # ------------------------------------------------------------------ what is known

    @property
    def rng(self) -> np.random.Generator:
        """Randomness for the next trial: a function of (seed, number of trials), so decisions can be re-derived.

        Each access begins the same stream anew; use it at once and do not keep it. The seed is the key of a Philox
        generator and the number of trials the upper half of its counter, so streams never overlap (Salmon et al.,
        "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
        """
        self._stream["state"]["counter"] = np.array([0, 0, len(self._rows), 0], dtype=np.uint64)
        self._philox.state = self._stream  # ten times faster than a new generator
        return np.random.Generator(self._philox)

    @property
    def best(self) -> Trial | None:
        """The incumbent: the lowest loss after a trial's last epoch; `None` before the first finite report.

        Where params were trained several times, see `lowest`.
        """
        return self.lowest()

    def lowest(self, without: Collection[int] = ()) -> Trial | None:
        """The trial with the lowest loss after its last epoch, among those that have not failed; O(trials).

        Of equals the one that has trained longest, whose value is the surest; then the first. Where params were trained
        several times their mean counts, and the noise that replicates show against those that were trained less often.
        What a trial has inherited is its parent's, so it takes part once it has trained an epoch itself.
        """
        best = self._repeats.lowest(self._rows, without)
        return None if best is None else self.trials[best]

    @property
    def used(self) -> tuple[int, int, float]:
        """What has been spent, as budgets count it: epochs trained, trials started, seconds on the study's clock."""
        return self.spent, len(self._rows), self.clock

    def epoch(self, trial: int) -> int:
        """Epochs a trial has trained, without building its snapshot."""
        return len(self._rows[trial].losses)

    def parent(self, trial: int) -> Origin | None:
        """The state with which a trial began, from which it can still go on; `None` if it has none or begins anew."""
        row = self._rows[trial]
        lost = row.restart is not None and row.restart < row.inherited
        return None if lost or not row.inherited else Origin(row.lineage[-2].trial, row.inherited)

    def offers(self, state: Origin) -> bool:
        """Whether a trial that starts now may begin with this state: its trial has trained the epoch, and it counts.

        A checkpoint of it is sure to have been written only at the end of a lease, and to be there as long as
        `Scheduler.keeps` names it.
        """
        if not (self.resumable and 0 <= state.trial < len(self._rows)):
            return False
        row = self._rows[state.trial]
        counts = len(row.losses) if row.restart is None else row.restart
        return row.inherited < state.epoch <= counts and row.losses[state.epoch - 1] < math.inf

    def saves(self, trial: int) -> Mapping[int, int]:
        """The checkpoints that a trial has written itself, as epoch -> bytes, without those that count no more."""
        row = self._rows[trial]
        if row.restart is None:
            return row.saves
        return {epoch: size for epoch, size in row.saves.items() if epoch <= row.restart}

    def ranked(self, epoch: int) -> Sequence[tuple[float, int]]:
        """The pairs (loss, trial) of all that have trained that epoch themselves, best first; kept up to date."""
        if epoch not in self._ranked:
            rows = enumerate(self._rows)
            pairs = [(row.losses[epoch - 1], id) for id, row in rows if row.inherited < epoch <= len(row.losses)]
            self._ranked[epoch] = sorted(pairs)
        return self._ranked[epoch]

    def matrix(self) -> np.ndarray:
        """The encoded params of all trials, shape (trials, parameters); NaN where a parameter is inactive."""
        done, n = self._encoded, len(self._rows)
        if n > len(self._matrix):  # doubling keeps the cost per trial constant
            room = np.full((2 * n, len(self.space)), np.nan)
            room[:done] = self._matrix[:done]
            self._matrix = room
        if done < n:
            new = self.space.encode_many([row.params for row in self._rows[done:]])
            self._matrix[done:n] = new
            self._encoded = n
        view = self._matrix[:n]
        view.flags.writeable = False
        return view

    def tried(self, params: Params) -> bool:
        """Whether a trial with these params has started; the index of those is made when it is first asked for."""
        return self._repeats.tried(self._rows, params)

    def replicates(self, trial: int) -> Sequence[int]:
        """All trials with the params of a trial, itself included, in the order in which they started.

        Who has begun with the state of another one is nobody's replicate: more than its params has made it what it is.
        """
        return self._repeats.of(self._rows, trial)

    def fold(self, method: Fold[S]) -> S:
        """The state of a method, up to date. The first call replays the events; `method` must be hashable."""
        if method not in self._folds:
            past = History(self.header, self.space)
            state = method.init(past)
            for event in self.events:
                past.apply(event)
                method.learn(state, past, event)
            self._folds[method] = state
        state_: S = self._folds[method]
        return state_

    # ------------------------------------------------------------------ events

    def apply(self, event: Event) -> None:
        """Check the next event and take it; replaying a log is applying its events one by one.

        Raises:
            CorruptLog: if it cannot follow what went before; the history is then unchanged.
        """
        self.check(event)
        self.take(event)

    def check(self, event: Event) -> None:
        """Refuse an event that cannot come next: no lease has two ends, no epoch is skipped, what is over stays over.

        Raises:
            CorruptLog: with the rule that it breaks.
        """
        rule = _CHECK[type(event)](self, event)
        if rule is not None:
            raise self._corrupt(event, rule)

    def take(self, event: Event) -> None:
        """Take an event that `check` has passed."""
        _TAKE[type(event)](self, event)
        self.events.append(event)
        self.clock = event.at
        if self._folds:
            for method, state in self._folds.items():
                method.learn(state, self, event)

    def _corrupt(self, event: Event, rule: str) -> CorruptLog:
        text = msgspec.json.encode(event).decode()
        return CorruptLog(f"event {len(self.events) + 1} cannot follow the ones before: {rule}, got {text}")

    def _check_started(self, event: Started) -> str | None:
        if event.trial != len(self._rows):
            return f"the next trial must be {len(self._rows)}"
        if not self._knows(event.held):
            return f"held must be one of the {len(self._rows)} trials"
        if not event.params.keys() <= self._names:  # values are not looked at, it would cost too much
            return f"its params must be of the space, {', '.join(self.space)}"
        if event.bracket < 0:
            return "its bracket must be at least 0"
        return self._check_parent(event)

    def _check_parent(self, event: Started) -> str | None:
        after = 0 if event.parent is None else event.parent.epoch
        if event.parent is not None and not self.offers(event.parent):
            return "its parent must be resumable, have trained that epoch itself and have been finite after it"
        if not after < event.until <= self.epochs:
            return f"a lease must end in {after + 1}..{self.epochs}"
        return self._check_goal(event)

    def _check_goal(self, event: Started | Resumed) -> str | None:
        fits = event.goal == 0 or event.until < event.goal <= self.epochs
        return None if fits else f"its goal must lie in {event.until + 1}..{self.epochs}, or be 0"

    def _check_resumed(self, event: Resumed) -> str | None:
        if not 0 <= event.trial < len(self._rows):
            return f"there are {len(self._rows)} trials"
        row = self._rows[event.trial]
        if event.trial in self.running or row.ended is not None:
            return "the trial is running or has ended"
        if not self._knows(event.held):
            return f"held must be one of the {len(self._rows)} trials"
        epoch = len(row.losses) if row.restart is None else row.restart
        if not epoch < event.until <= self.epochs:
            return f"its lease must end in {epoch + 1}..{self.epochs}"
        return self._check_goal(event)

    def _knows(self, trial: int | None) -> bool:
        return trial is None or 0 <= trial < len(self._rows)

    def _check_reported(self, event: Reported) -> str | None:
        if event.trial not in self.running:
            return "the trial has no lease"
        epoch = len(self._rows[event.trial].losses) + 1
        if event.epoch != epoch:
            return f"its next epoch is {epoch}"
        return None if self.objective.metric in event.metrics else f"it must report {self.objective.metric}"

    def _check_cut(self, event: Cut) -> str | None:
        if event.trial not in self.running and (self.resumable or event.trial not in self.between):
            return "the trial has no lease"
        row = self._rows[event.trial]
        first, last = row.inherited, len(row.losses)
        if event.epoch == 0 or first <= event.epoch <= last:
            return None
        return f"it can go on from {first}..{last}" + (" or from 0" if first else "")

    def _check_ended(self, event: Ended) -> str | None:
        if not self._knows(event.held):
            return f"held must be one of the {len(self._rows)} trials"
        if event.trial in self.running and event.reason != STOPPED:
            return None
        if event.reason != STOPPED or not 0 <= event.trial < len(self._rows):
            return "the trial has no lease"
        row = self._rows[event.trial]
        over = row.ended is not None or row.restart is not None or len(row.losses) == self.epochs
        return "only a trial that is paused can be stopped" if over else None

    def _check_undone(self, event: Undone) -> str | None:
        return None if event.zoom >= 1 else "zooms are numbered from 1"  # which there are is the searcher's to know

    def _started(self, event: Started) -> None:
        self._rows.append(Row(event, None if event.parent is None else self._rows[event.parent.trial]))
        self.running.add(event.trial)

    def _resumed(self, event: Resumed) -> None:
        row = self._rows[event.trial]
        if row.restart is not None:
            self._take_back(event.trial, row.restart)
            row.restart = None
        row.since = len(row.losses)
        row.until = event.until
        row.goal = event.goal or event.until
        row.device = event.device
        row.snapshot = None
        self.running.add(event.trial)
        self.between.discard(event.trial)
        self.interrupted.discard(event.trial)

    def _take_back(self, id: int, epoch: int) -> None:
        """Forget what an interrupted trial has reported after the epoch from which it goes on now."""
        row = self._rows[id]
        for later in range(max(epoch, row.inherited) + 1, len(row.losses) + 1):
            row.saves.pop(later, None)
            if later in self._ranked:
                ranked = self._ranked[later]
                del ranked[bisect_left(ranked, (row.losses[later - 1], id))]
        del row.reports[epoch:], row.losses[epoch:]
        if epoch < row.inherited:
            row.disinherit()

    def _reported(self, event: Reported) -> None:
        row = self._rows[event.trial]
        loss = self.objective.loss(event.metrics)
        row.reports.append(event)
        row.losses.append(loss)
        row.snapshot = None
        self.spent += 1
        if event.saved:
            row.saves[event.epoch] = event.saved
        if event.epoch in self._ranked:
            insort(self._ranked[event.epoch], (loss, event.trial))
        if loss == math.inf:
            row.error = f"{self.objective.metric} was not finite after epoch {event.epoch}"
            self._over(event.trial, DIVERGED)
        elif event.epoch == row.until:
            self.running.remove(event.trial)
            if row.until < row.goal:
                self.between.add(event.trial)

    def _cut(self, event: Cut) -> None:
        row = self._rows[event.trial]
        row.restart = event.epoch
        row.cuts += (event,)
        row.snapshot = None
        self.running.discard(event.trial)
        self.between.discard(event.trial)
        self.interrupted.add(event.trial)

    def _ended(self, event: Ended) -> None:
        row = self._rows[event.trial]
        row.error = event.error
        row.snapshot = None
        if event.saved:
            row.saves[len(row.losses)] = event.saved
        self._over(event.trial, event.reason)

    def _undone(self, event: Undone) -> None:
        """Nothing of the trials changes."""

    def _over(self, id: int, reason: str) -> None:
        self._rows[id].ended = reason
        self.running.discard(id)  # a trial that is stopped has no lease
        self.between.discard(id)
        if reason not in SOUND:
            self.failures.setdefault(reason, []).append(id)

    # ------------------------------------------------------------------ snapshots

    def _count(self) -> int:
        return len(self._rows)

    def _trial(self, id: int) -> Trial:
        row = self._rows[id]
        if row.snapshot is None:
            row.snapshot = row.trial(id, self.objective.metric, self.epochs, running=id in self.running)
        return row.snapshot


_CHECK: dict[type[Event], Any] = {
    Started: History._check_started,
    Resumed: History._check_resumed,
    Reported: History._check_reported,
    Cut: History._check_cut,
    Ended: History._check_ended,
    Undone: History._check_undone,
}
_TAKE: dict[type[Event], Any] = {
    Started: History._started,
    Resumed: History._resumed,
    Reported: History._reported,
    Cut: History._cut,
    Ended: History._ended,
    Undone: History._undone,
}
