"""Who decides which values are tried next: a study, with the interface that KerasTuner's oracles have."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from welltempered.budget import Budget
from welltempered.checks import whole
from welltempered.decide import Scheduler, Searcher
from welltempered.errors import InvalidInput
from welltempered.events import Started
from welltempered.experiment import Experiment
from welltempered.kerastuner.growing import DATABASE, STATE, grown, settle
from welltempered.kerastuner.hyperparameters import HyperParameters
from welltempered.kerastuner.layout import Layout
from welltempered.kerastuner.objectives import Objective, objective_of, with_objective
from welltempered.kerastuner.parameters import Parent
from welltempered.kerastuner.project import check_objective, read_state, untrained, write_state
from welltempered.kerastuner.trial import Trial, TrialStatus
from welltempered.searchers.first import First
from welltempered.study import Study
from welltempered.trial import Trial as StudyTrial

__all__ = ["Oracle"]


class Oracle:
    """Decides which values are tried next, and knows what became of them.

    The trials are those of a `Study`, in the folder of the project once a tuner has it, else in memory.

    Args:
        objective: a metric's name, an `Objective`, a list of these, whose sum is optimized; `None` where training
            returns the value to minimize.
        max_trials: how many trials there may be; `None`: until the method ends.
        hyperparameters: known beforehand; what a builder asks for under the same names is overruled by them.
        allow_new_entries: whether a builder may ask for others.
        tune_new_entries: whether those are tuned, or have their defaults.
        seed: of all random numbers. Default 0.
        max_retries_per_trial: how often a trial that has failed is tried again. Default 0.
        max_consecutive_failed_trials: how many trials in a row may fail before the search ends. Default 3.

    Raises:
        InvalidInput: if an argument breaks a rule.
    """

    resumable = False
    """Whether trials that are trained from outside of a study can be paused."""

    def __init__(
        self,
        objective: Any = None,
        max_trials: int | None = None,
        hyperparameters: HyperParameters | None = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        seed: int | None = None,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
    ) -> None:
        self.objective: Objective = objective_of(objective)
        self.max_trials = max_trials
        if hyperparameters is None and not (tune_new_entries and allow_new_entries):
            name = "tune_new_entries" if not tune_new_entries else "allow_new_entries"
            raise InvalidInput(
                f"hyperparameters must be given where nothing else may be tuned: If you set `{name}=False`, you must "
                "specify the search space via the `hyperparameters` argument."
            )
        self.hyperparameters = HyperParameters() if hyperparameters is None else hyperparameters
        self.allow_new_entries, self.tune_new_entries = allow_new_entries, tune_new_entries
        self.seed = whole("seed", 0 if seed is None else seed, "a whole number of at least 0", 0)
        self.max_retries_per_trial = max_retries_per_trial
        self.max_consecutive_failed_trials = max_consecutive_failed_trials
        self.conditions: dict[str, list[Parent]] = {}
        self.study: Study | None = None
        self.folder: Path | None = None
        self.end_order: list[str] = []
        self._open: dict[int, Trial] = {}  # trials in training, as they were handed out
        self._ongoing: dict[str, int] = {}  # who trains which
        self._failures: dict[int, int] = {}
        self._retries: list[int] = []
        self._layout: Layout | None = None

    # ------------------------------------------------------------------ the method

    def searcher(self) -> Searcher:
        """Where values come from."""
        raise NotImplementedError(
            "an oracle must have a method searcher(self) that returns a searcher, such as wt.GP()"
        )

    def scheduler(self, searcher: Searcher) -> Scheduler:
        """How epochs are divided."""
        from welltempered.schedulers.full import Full

        return Full(searcher)

    # ------------------------------------------------------------------ the space

    @property
    def layout(self) -> Layout:
        """Which parameter of the study's space each hyperparameter is."""
        if self._layout is None:
            self._layout = Layout(self.hyperparameters.space, self.conditions)
        return self._layout

    def get_space(self) -> HyperParameters:
        """The hyperparameters that are tuned, with their defaults."""
        return self.hyperparameters.copy()

    def update_space(self, hyperparameters: HyperParameters) -> None:
        """Take up those that are new.

        Trials that were trained before had the defaults of these.

        Raises:
            RuntimeError: if there are new ones, and there may not be.
        """
        new = [hp for hp in hyperparameters.space if self.hyperparameters.known(hp) is None]
        if not new:
            return
        if not self.allow_new_entries:
            raise RuntimeError(f"`allow_new_entries` is `False`, but found new entries {new}")
        if not self.tune_new_entries:
            return
        before = self.layout
        self.hyperparameters.merge(new)
        self._layout = None
        if self.study is not None:
            self._grow(before, self.study)

    def learn(self, conditions: Mapping[str, Sequence[Parent]]) -> None:
        """Take up what was found out about when hyperparameters are in use."""
        self.conditions = {name: list(parents) for name, parents in conditions.items()}
        self._layout = None

    # ------------------------------------------------------------------ the study

    def open(self, folder: Path) -> bool:
        """Go on with the project in a folder, if there is one; returns whether there is.

        Raises:
            RuntimeError: if it is of another method.
            InvalidInput: if it is of another objective.
        """
        self.folder = folder
        settle(folder)
        if not (folder / STATE).exists():
            return False
        self.hyperparameters, conditions = read_state(folder, type(self).__name__)
        self.learn(conditions)
        if (folder / DATABASE).exists():
            self.study = Study.open(folder)
            check_objective(self.study, self.objective, folder)
        return True

    def save(self) -> None:
        """Write down the space, so that who goes on need not find it out again."""
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write(self.folder)

    def _write(self, folder: Path) -> None:
        write_state(folder, type(self).__name__, self.hyperparameters, self.conditions)

    def begin(self, epochs: int, *, exact: bool = False) -> Study:
        """The study, made if there is none.

        Args:
            epochs: of a full training.
            exact: whether training can go on where it stopped.

        Raises:
            InvalidInput: if there is one of other epochs.
        """
        if self.study is None:
            self.save()
            self.study = Study.create(
                self._experiment(epochs, self.searcher(), resumable=exact or self.resumable), self.folder
            )
        if self.study.header.epochs != epochs and self.remaining_trials() != 0:
            raise InvalidInput(
                f"epochs must stay as they are in a project, {self.study.header.epochs}, got epochs={epochs}; "
                "give another project_name, or overwrite=True"
            )
        return self.study

    def _experiment(self, epochs: int, searcher: Searcher, *, resumable: bool) -> Experiment:
        name = self.objective.name
        direction = {"maximize": name} if self.objective.direction == "max" else {"minimize": name}
        return Experiment(
            untrained,
            self.layout.space,
            epochs=epochs,
            method=self.scheduler(searcher),
            seed=self.seed,
            resumable=resumable,
            **direction,
        )

    def _grow(self, before: Layout, study: Study) -> None:
        """Write the study anew, with the larger space; each trial has trained with the defaults of what is new.

        The settings of the trials that are there come `First` now, so all decisions can still be derived again.
        """
        old = [event for event in study.history.events if isinstance(event, Started)]
        params = [self.layout.params(self._known(event.trial, before.values(event.params))) for event in old]
        searcher = First(self.searcher(), params) if params else self.searcher()
        experiment = self._experiment(study.header.epochs, searcher, resumable=study.header.resumable)
        self.study = grown(study, experiment, params, self.folder, self._write)

    def _known(self, number: int, values: dict[str, Any]) -> dict[str, Any]:
        trial = self._open.get(number)
        return values if trial is None else values | trial.hyperparameters.values

    # ------------------------------------------------------------------ trials

    @property
    def trials(self) -> dict[str, Trial]:
        """All trials by id."""
        found = () if self.study is None else self.study.trials
        return {self.id(trial.id): self._open.get(trial.id) or self.seen(trial) for trial in found}

    @property
    def start_order(self) -> list[str]:
        """Ids of all trials, as they were started."""
        return list(self.trials)

    @property
    def ongoing_trials(self) -> dict[str, Trial]:
        """The trials in training, by who trains them."""
        return {tuner: self._open[number] for tuner, number in self._ongoing.items()}

    def get_trial(self, trial_id: str) -> Trial:
        """The trial of an id.

        Raises:
            KeyError: if there is none.
        """
        number = int(trial_id)
        if self.study is None or not 0 <= number < len(self.study.trials):
            raise KeyError(trial_id)
        return self._open.get(number) or self.seen(self.study.trials[number])

    def id(self, number: int) -> str:
        """The id of a trial: its number with as many digits as the last one has."""
        return f"{number:0{self.digits}d}"

    @property
    def digits(self) -> int:
        """Of an id, as KerasTuner has it; four where there is no bound."""
        return len(str(self.max_trials))

    def seen(self, trial: StudyTrial) -> Trial:
        """A trial of the study as scripts see it."""
        hp = self.get_space()
        hp.values = self.layout.values(trial.params)
        status = (
            TrialStatus.RUNNING if trial.running else TrialStatus.COMPLETED if trial.reports else TrialStatus.INVALID
        )
        status = TrialStatus.FAILED if trial.failed else status
        found = Trial(hp, self.id(trial.id), status, trial.error if trial.failed else None)
        for report in trial.reports:
            for name, value in report.metrics.items():
                found.metrics.update(name, math.nan if value is None else value, report.epoch - 1)
        found.rate(self.objective)
        return found

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
        """The best trials, best first, by their best epochs; where there are too few, what is not complete follows."""
        trials = list(self.trials.values())
        whole = [trial for trial in trials if trial.status == TrialStatus.COMPLETED and trial.score is not None]
        whole.sort(key=lambda trial: trial.score or 0.0, reverse=self.objective.direction == "max")
        return [*whole, *(trial for trial in trials if trial not in whole)][:num_trials]

    def remaining_trials(self) -> int | None:
        """How many trials may still be started; `None` if there is no bound."""
        started = 0 if self.study is None else len(self.study.trials)
        return None if not self.max_trials else max(0, self.max_trials - started)

    @property
    def budget(self) -> Budget:
        """The bound of trials as a study has it."""
        return Budget(trials=self.max_trials) if self.max_trials else Budget()

    # ------------------------------------------------------------------ ask and tell

    def release(self) -> None:
        """Let others have the study: it was asked and told, and is not for now."""
        if self.folder is not None and self.study is not None:
            self.study.close()
            self.study = Study.open(self.folder)

    def create_trial(self, tuner_id: str = "tuner0") -> Trial:
        """The next trial to train; one without values, "STOPPED" or "IDLE", if there is none, or none now."""
        if tuner_id in self._ongoing:
            return self._open[self._ongoing[tuner_id]]
        study = self.begin(self.epochs)
        if self._retries:
            number = self._retries.pop()
            self._ongoing[tuner_id] = number
            self._open[number].status = TrialStatus.RUNNING
            return self._open[number]
        granted = study.ask() if self.remaining_trials() != 0 or study.history.interrupted else None
        if granted is None:
            status = TrialStatus.IDLE if study.history.running else TrialStatus.STOPPED
            return Trial(self.get_space(), self.id(len(study.trials)), status)
        trial = self._trial(granted)
        self._open[granted.id] = trial
        self._ongoing[tuner_id] = granted.id
        return trial

    @property
    def epochs(self) -> int:
        """Epochs of a full training, as far as the study counts them: where training is a black box, one."""
        return 1 if self.study is None else self.study.header.epochs

    def _trial(self, granted: StudyTrial) -> Trial:
        trial = self.seen(granted)
        trial.status, trial.message = TrialStatus.RUNNING, None
        return trial

    def update_trial(self, trial_id: str, metrics: Mapping[str, float], step: int = 0) -> Trial:
        """Say what a trial has reached.

        Raises:
            InvalidInput: if the objective is missing.
        """
        metrics = with_objective(metrics, self.objective)
        if self.objective.name not in metrics:
            raise InvalidInput(
                f"metrics must hold the objective: Objective value missing in metrics reported to the Oracle, "
                f"expected: {self.objective.name}, found: {list(metrics)}"
            )
        trial = self._open[int(trial_id)]
        for name, value in metrics.items():
            trial.metrics.update(name, value, step)
        return trial

    def end_trial(self, trial: Trial) -> None:
        """A trial is over: its `status` says how.

        Raises:
            RuntimeError: if too many have failed in a row.
        """
        number = int(trial.trial_id)
        own = self._open[number]
        own.status, own.message, own.hyperparameters = trial.status, trial.message, trial.hyperparameters
        self._ongoing = {tuner: other for tuner, other in self._ongoing.items() if other != number}
        self.update_space(own.hyperparameters)
        own.rate(self.objective)
        if own.status in (TrialStatus.RUNNING, TrialStatus.COMPLETED) and own.score is None:
            own.status = TrialStatus.INVALID
        if own.status == TrialStatus.INVALID and self._again(number):
            return
        self._tell(number, own)
        del self._open[number]
        self.end_order.append(trial.trial_id)
        self.check_failures()

    def _again(self, number: int) -> bool:
        """Whether a trial that has failed is tried again."""
        self._failures[number] = self._failures.get(number, 0) + 1
        left = self.max_retries_per_trial + 1 - self._failures[number]
        if left > 0:
            print(f"Trial {self.id(number)} failed {self._failures[number]} times. {left} retries left.")
            self._retries.append(number)
            return True
        self._open[number].status = TrialStatus.FAILED
        return False

    def _tell(self, number: int, trial: Trial) -> None:
        """Write the end of a lease into the study: for each epoch of it what was said of that epoch, or of the best."""
        assert self.study is not None
        if trial.status not in (TrialStatus.RUNNING, TrialStatus.COMPLETED):
            self.study.fail(number, trial.message or "it was said to have failed")
            return
        trial.status = TrialStatus.COMPLETED
        lease = self.study.trials[number]
        best = trial.metrics.at(trial.best_step)
        for epoch in range(lease.epoch, lease.until):
            said = trial.metrics.at(epoch) if self.study.header.epochs > 1 else {}
            if self.study.tell(number, **(said if self.objective.name in said else best)).failed:
                return

    def check_failures(self) -> None:
        """End the search if too many trials have failed in a row.

        Raises:
            RuntimeError: with the last error.
        """
        most, last = self.max_consecutive_failed_trials, self.end_order[-self.max_consecutive_failed_trials :]
        found = [self.get_trial(each) for each in last]
        if len(last) == most and all(trial.status == TrialStatus.FAILED for trial in found):
            raise RuntimeError(
                f"Number of consecutive failures exceeded the limit of {most}.\n{found[-1].message or ''}"
            )
