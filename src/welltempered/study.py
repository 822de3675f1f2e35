"""A study: the log, the history folded from it, and everything that is done to them."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never, Self, cast

from welltempered import folders, table
from welltempered import header as headers
from welltempered import method as methods
from welltempered.budget import Budget
from welltempered.checkpoints import Checkpoints, Sweeper
from welltempered.checks import shown
from welltempered.decide import Scheduler, Start, Stop, Wait, decide, record
from welltempered.driver import Driver, Watch, check_parts, close_between
from welltempered.errors import Conflict, CorruptLog, InvalidInput
from welltempered.events import DRIVER_LOST, FAILED, Cut, Ended, Event, Header, Reported
from welltempered.execute.base import Executor
from welltempered.execute.inline import Inline
from welltempered.execute.processes import Processes
from welltempered.experiment import Experiment, Train, check_train
from welltempered.history import History
from welltempered.limits import Limits, checked
from welltempered.lock import Note
from welltempered.lock import read as read_note
from welltempered.log.base import Log
from welltempered.log.memory import Memory
from welltempered.log.sql import Sql
from welltempered.replay import Replay, collector_paused, replay
from welltempered.run import Setting, number
from welltempered.searchers.zoom import undoing
from welltempered.space import Space
from welltempered.trial import Trial, number_of
from welltempered.turn import Turn

if TYPE_CHECKING:
    import pandas as pd

_DATABASE, _CHECKPOINTS, _LOGS, _LOCK = "study.db", "checkpoints", "logs", "lock"


class Study:
    """A tuning study, kept in a folder or in memory.

    Made by `tune`, by `Study.create` or by `Study.open`. Every change is an event, written to the log before it counts;
    the state is what the events add up to.

    Args:
        log: where the events are.
        folder: where checkpoints and log files go.
        experiment: the experiment it is of; `None` reads what is needed from the header.
    """

    def __init__(self, log: Log, folder: Path, experiment: Experiment | None = None) -> None:
        self.path = folder
        self.header = headers.read(log.read(0, 1))
        self.history = History(self.header, experiment.space if experiment else headers.read_space(self.header))
        self.checkpoints = Checkpoints(folder.absolute() / _CHECKPOINTS)  # training code may change the working folder
        self._sweeper = Sweeper(self.checkpoints)
        self._log = log
        self._scheduler = experiment.scheduler if experiment else None
        self._turn = Turn(folder / _LOCK, f"study {folder}")
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self.stopping: str | None = None  # why the present or last run ends before its time
        self._limits = Limits()
        self.refresh()
        self._opened = time.monotonic() - self.history.clock

    # ------------------------------------------------------------------ make and open

    @classmethod
    def create(
        cls, experiment: Experiment, path: str | Path | None = None, *, budget: Budget | str | None = None
    ) -> Self:
        """The study of an experiment: made if there is none at `path`, else continued.

        Args:
            experiment: what it is of.
            path: folder of the study; `None` keeps it in memory and its checkpoints in a temporary folder.
            budget: what its first run may spend, if that is known: `method="auto"` chooses by it. Binds nobody.

        Raises:
            StudyChanged: if the study at `path` is of another space, objective, seed, ...; the message says what.
            InvalidInput: if `path` is a file or cannot be made, the budget is none, or the method cannot begin, as its
                arguments do not fit this study.
        """
        if not isinstance(experiment, Experiment):
            raise InvalidInput(f"experiment must be an Experiment, got {shown(experiment)}; tune takes its parts")
        header = headers.make(experiment, Budget.of(budget))
        if path is None:
            temporary = tempfile.TemporaryDirectory(prefix="welltempered-", ignore_cleanup_errors=True)
            memory = Memory()
            memory.append(0, [header])
            study = cls(memory, Path(temporary.name), experiment)
            study._temporary = temporary
            study._turn.path = None  # nobody else can see it
            return study
        if experiment.scheduler is not None and not folders.holds(path, _DATABASE):
            # what is refused now can be repaired; written to the header, it would have to stay
            decide(experiment.scheduler, History(header, experiment.space), None)
        folder = folders.make(path)
        log = Sql(folder / _DATABASE)
        try:
            if not log.read(0, 1):
                with contextlib.suppress(Conflict):  # somebody else has just made it
                    log.append(0, [header])
            headers.check_same(headers.read(log.read(0, 1)), experiment, folder)
            return cls(log, folder, experiment)
        except Exception:
            log.close()
            raise

    @classmethod
    def open(cls, path: str | Path, *, readonly: bool = False) -> Self:
        """A study that exists.

        Unless its space has choices of named objects, it can be run, too: the log holds the names alone, so then `tune`
        or `Study.create`, which are given the space, must continue it.

        Args:
            path: its folder.
            readonly: only look; also works on a folder that may not be written.

        Raises:
            InvalidInput: if there is no study.
            CorruptLog: if what is there is none of ours, or of a newer version.
        """
        folder = folders.find(path, _DATABASE)
        log = Sql(folder / _DATABASE, readonly=readonly)
        try:
            study = cls(log, folder)
            study._turn.readonly = readonly
            return study
        except Exception:
            log.close()
            raise

    def close(self) -> None:
        """Release the files. A study in memory is gone then."""
        self._log.close()
        self._turn.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # ------------------------------------------------------------------ look

    @property
    def trials(self) -> Sequence[Trial]:
        """All trials in the order in which they started."""
        return self.history.trials

    @property
    def best(self) -> Trial | None:
        """The incumbent: the best objective after a trial's last epoch; `None` before the first finite report.

        Of params that were trained several times, as by `Replicate`, the average counts, and the noise they show counts
        against those that were trained less often.
        """
        return self.history.best

    @property
    def space(self) -> Space:
        """What is searched."""
        return self.history.space

    @property
    def scheduler(self) -> Scheduler:
        """The method that decides, built from the header if no experiment was given."""
        if self._scheduler is None:
            self._scheduler = methods.from_json(self.header.method)
        return self._scheduler

    @property
    def note(self) -> Note | None:
        """What the process says of itself that runs the study or did so last; `None` if none did, or in memory."""
        return read_note(self.path / _LOCK)

    def log_path(self, trial: int) -> Path:
        """The file of what a trial prints in a worker process; there is none before it has printed, or in this one."""
        return self.path / _LOGS / f"{trial}.log"

    def refresh(self) -> int:
        """Read what other processes have written since; returns the number of new events."""
        with collector_paused():
            new = self._events(1 + len(self.history.events))
            for event in new:
                self.history.apply(event)
        return len(new)

    def checkpoint(self, trial: Trial | int) -> dict[str, Any]:
        """What the trial's training kept at its last epoch, as a dict by the names given to `run.keep`.

        Raises:
            InvalidInput: if there is no such trial.
            CorruptCheckpoint: if it was deleted, since the trial can neither go on nor is the best.
        """
        trial = trial if isinstance(trial, Trial) else self.trials[number_of(trial, len(self.trials))]
        return self.checkpoints.load(trial.source.trial, trial.source.epoch)

    def rows(self) -> list[dict[str, Any]]:
        """One flat dict per trial: id, state, epoch, objective, seconds, `params.*` and the last `metrics.*`."""
        return table.rows(self.trials)

    def stages(self, trial: Trial | int | None = None) -> list[dict[str, Any]]:
        """The params of a training by epoch: what `Staged` trains again, and plain JSON.

        Args:
            trial: whose; default the best one.

        Returns:
            A dict for each part of it with params of its own: trial, first and last epoch, params. A trial without a
            parent is one part; one that has trained nothing yet is none.

        Raises:
            InvalidInput: if there is no such trial, or none that is the best.
        """
        if trial is None and (trial := self.best) is None:
            raise InvalidInput("trial must be given where no trial has a finite objective yet, got none")
        return table.stages(trial if isinstance(trial, Trial) else self.trials[number_of(trial, len(self.trials))])

    def frame(self) -> "pd.DataFrame":
        """The rows as a pandas DataFrame; raises `InvalidInput` where pandas is not installed."""
        return table.frame(self.rows())

    def replay(self, *, verify: bool = False) -> Replay:
        """Fold the log again from its first event.

        Args:
            verify: also derive every decision again from the history before it, and compare.
        """
        with collector_paused():
            return replay(self.header, self._events(1), self.space, self.scheduler if verify else None)

    # ------------------------------------------------------------------ ask and tell

    def ask(self, held: Trial | None = None) -> Trial | None:
        """Decide what a free slot does next, and write it down: train the trial returned from `epoch` to `until`.

        Trials that the method stops on this occasion are written down, too.

        Args:
            held: the trial the slot still has in memory, if any. Where training is not resumable and a stopping rule
                looks at it, only so it can go on.

        Raises:
            InvalidInput: if `held` is no trial of this study.

        Returns:
            The trial with its new lease, which goes on from the state that `Trial.source` names if it has an epoch;
            `None` if there is nothing to do until another lease closes, or ever (`history.running` is empty then).
        """
        held = None if held is None else self.trials[number_of(held, len(self.trials))]
        self._turn.take()
        return self.decide(held, self.now())

    def tell(self, trial: Trial | int, /, *unnamed: Never, **metrics: float) -> Trial:
        """Write down what a trial reached in its next epoch; returns the trial as it is now.

        Raises:
            InvalidInput: if the objective's metric is missing, something is no number, there is no such trial, or it
                has no lease.
        """
        if unnamed:
            metric = self.header.objective.metric
            raise InvalidInput(
                f"metrics must have names, got {shown(unnamed[0])}; write study.tell(trial, {metric}=...)"
            )
        now = self._leased(trial)
        values = {name: number(name, value) for name, value in metrics.items()}
        self.history.objective.loss(values)
        seconds = self.now() - (now.reports[-1].at if now.epoch > now.inherited else self.history.clock)
        self.append(Reported(now.id, now.epoch + 1, values, round(max(0.0, seconds), 6), self.now()))
        return self.trials[now.id]

    def fail(self, trial: Trial | int, error: str) -> Trial:
        """Write down that a trial has failed and never goes on.

        Raises:
            InvalidInput: if there is no such trial, it has no lease, or the error is no text.
        """
        if not isinstance(error, str):
            raise InvalidInput(f"error must be a text, such as str(error), got error={shown(error)}")
        id = self._leased(trial).id
        self.append(Ended(id, FAILED, error, self.now()))
        return self.trials[id]

    def recover(self) -> None:
        """Close the leases that a lost driver has left open: their trials go on from their last checkpoints."""
        self._turn.take()
        self.refresh()
        self.checkpoints.tidy()
        for id in sorted(self.history.running):
            self.append(Cut(id, self.saved(id, self.history.epoch(id)), DRIVER_LOST, self.history.clock))
        close_between(self, DRIVER_LOST, self.history.clock)

    def undo_zoom(self, zoom: int) -> None:
        """Take back a zoom of the searcher and those after it, see `zooms`: what was searched before is searched again.

        Raises:
            InvalidInput: if there is no such zoom, or it was undone already.
            StudyBusy: if this study is being run, here or elsewhere.
        """
        undoing(self.history, zoom)  # what is refused touches nothing
        with self._turn.aside():
            self.refresh()
            self.append(undoing(self.history, zoom))

    # ------------------------------------------------------------------ run

    def run(
        self,
        train: Train,
        *,
        budget: Budget | str | None,
        workers: int = 1,
        limits: Limits | None = None,
        watch: Watch | None = None,
        idle: Callable[[], None] | None = None,
    ) -> Self:
        """Train until the budget is used or the method ends; continues where the study stopped.

        Args:
            train: training code, see `Run`.
            budget: for all runs of the study together, see `Budget.of`.
            workers: processes that train side by side; 0 trains in this process. Default 1.
            limits: memory, time and disk that trials may use. Default: none.
            watch: called after each event.
            idle: called when nothing has happened for a fifth of a second.

        Raises:
            InvalidInput: if an argument breaks a rule, or choices have lost their objects, see `Study.open`.
            StudyBusy: if this study runs already, here or elsewhere.
            TrainingFailed: if the training code fails alike in the first three trials, or in ten in a row.
            CheckpointUnwritten: if the disk is full or may not be written.
        """
        Budget.of(budget)
        check_train(train)
        workers, limits = checked(workers, limits)
        self.space.check_objects()
        self._turn.take()  # before anything is made in its folder
        self._limits = limits
        executor: Executor
        if workers > 0:
            executor = Processes(train, self.setting(), slots=workers, logs=self.path / _LOGS, limits=limits)
        else:
            executor = Inline(train, self.setting())
        return self.drive(executor, budget=budget, limits=limits, watch=watch, idle=idle)

    def drive(
        self,
        executor: Executor,
        *,
        budget: Budget | str | None,
        limits: Limits | None = None,
        watch: Watch | None = None,
        idle: Callable[[], None] | None = None,
    ) -> Self:
        """Like `run`, with an executor of one's own, e.g. a `Simulator`; closes it at the end."""
        bound = Budget.of(budget)
        _, limits = checked(1, limits)
        check_parts(executor, watch, idle)
        with self._turn.alone(), contextlib.closing(executor):  # closed before anybody else may have the study
            self._limits = limits
            self.stopping = None
            self.recover()
            self._turn.say(budget=bound.bounds, workers=executor.slots)
            Driver(self, executor, bound, limits, watch, idle).drive()
            self._turn.finished = self.stopping is None
        return self

    def setting(self) -> Setting:
        """What executors need to know of this study."""
        return Setting(
            resolve=self.space.resolve,
            objective=self.header.objective,
            epochs=self.header.epochs,
            seed=self.header.seed,
            resumable=self.header.resumable,
            checkpoints=self.checkpoints,
            saving=self._limits.saving,
        )

    def decide(self, held: Trial | None, at: float, *, device: str = "cpu", start: bool = True) -> Trial | None:
        """As `ask`, at a given moment of the study's clock; with `start=False` no new trial is started."""
        while isinstance(decision := decide(self.scheduler, self.history, held), Stop):
            self.append(record(decision, self.history, held, at))
            held = None if held is None else self.trials[held.id]
        if isinstance(decision, Wait) or (isinstance(decision, Start) and not start):
            return None
        self.append(event := record(decision, self.history, held, at, device))
        return self.trials[event.trial]

    def append(self, event: Event) -> None:
        """Write an event, then take it into the history.

        Raises:
            CorruptLog: if it cannot follow what went before; nothing is written then.
        """
        self.history.check(event)
        self._log.append(1 + len(self.history.events), [event])
        self.history.take(event)

    def saved(self, trial: int, at_most: int) -> int:
        """The last epoch up to `at_most` from which a trial can go on: its checkpoint was reported and is there."""
        known = self.history.saves(trial) if self.header.resumable else ()
        states = {(trial, epoch): epoch for epoch in known}
        if (parent := self.history.parent(trial)) is not None:
            states[parent.trial, parent.epoch] = parent.epoch
        there = (states[state] for state in self.checkpoints.present() if state in states)
        return max((epoch for epoch in there if epoch <= at_most), default=0)

    def sweep(self, saved: int | None = None) -> None:
        """Delete the checkpoints that nothing can need any more.

        Args:
            saved: bytes of a checkpoint that was just written: sweep only if enough have come together since.
        """
        if saved is None or self._sweeper.due(saved, self._limits.disk):
            keeps = self.scheduler.keeps(self.history)
            self._sweeper.sweep(self.history, keeps, self._limits.disk)

    def now(self) -> float:
        """The time on the study's clock, in seconds."""
        return round(time.monotonic() - self._opened, 6)

    def _events(self, since: int) -> list[Event]:
        records = self._log.read(since)
        if any(isinstance(record, Header) for record in records):
            raise CorruptLog("a study must have one header, found another one among its events")
        return cast("list[Event]", records)

    def _leased(self, trial: object) -> Trial:
        """The trial that somebody names, as it is now; it must be in training."""
        now = self.trials[number_of(trial, len(self.trials))]
        self._turn.take()
        if not now.running:
            raise InvalidInput(
                f"trial must have a lease, trial {now.id} has none: it is {now.state}; study.ask() gives one"
            )
        return now
