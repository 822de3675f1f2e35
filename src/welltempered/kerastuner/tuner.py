"""The tuner: a space, a method and a folder, and the search that fills it."""

import shutil
import sys
import traceback
import warnings
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from welltempered.checks import flag, shown, whole
from welltempered.errors import InvalidInput
from welltempered.kerastuner import summary, weights
from welltempered.kerastuner.building import Building
from welltempered.kerastuner.errors import FailedTrialError, FatalError
from welltempered.kerastuner.hypermodel import hypermodel_of, trains_itself
from welltempered.kerastuner.hyperparameters import HyperParameters
from welltempered.kerastuner.objectives import check_results, metrics_of, step_of
from welltempered.kerastuner.oracle import Oracle
from welltempered.kerastuner.summary import Progress
from welltempered.kerastuner.trace import trace
from welltempered.kerastuner.trial import Metrics, Trial, TrialStatus

__all__ = ["Tuner"]

_TRAINING = (
    "run_trial",
    "_build_and_fit_model",
    "_try_build",
    "pre_create_trial",
    "load_model",
    "save_model",
    "on_trial_begin",
    "on_trial_end",
    "on_epoch_begin",
    "on_epoch_end",
    "on_batch_begin",
    "on_batch_end",
)
"""Whoever overrides one of these wants to have a hand in training."""


_TOLD = (
    "run_trial should return what it has reached. Please remove the call of oracle.update_trial(trial_id, metrics), "
    "and return the metrics"
)


def _sketching() -> AbstractContextManager[None]:
    """While models are built that nobody will train: on JAX their first weights are drawn by programs compiled fast."""
    from welltempered.keras.paths import building

    return building()


class Tuner:
    """Searches for the best hyperparameters of a model.

    What is trained by Keras itself goes through `welltempered.keras.trainable`: a trial that is stopped or killed goes
    on where it was, and on the JAX backend whole epochs are compiled where that is faster. Whoever overrides
    `run_trial`, or `fit` of the hypermodel, is asked trial by trial instead; a trial that is killed begins anew.

    Args:
        oracle: the method, with objective and bounds.
        hypermodel: a function `build(hp)` that returns a compiled model, or a `HyperModel`; may be left out where
            `run_trial` is overridden.
        max_model_size: trainable weights at most; a larger model fails.
        optimizer: takes the place of the one that models were compiled with; so do loss and metrics.
        loss: see there.
        metrics: see there.
        distribution_strategy: of TensorFlow; models are built in its scope.
        directory: where the project is. Default: the working folder.
        project_name: its folder there, in which `welltempered show` finds the study. Default "untitled_project".
        logger: ignored.
        tuner_id: name of this tuner, where several share an oracle.
        overwrite: whether to begin anew where there is a project; if not, it goes on. Default False.
        executions_per_trial: trainings of a trial, side by side, from different initial weights; averages count.
            Default 1.
        workers: processes that train; 0, the default, trains in this one, as KerasTuner does. Only where Keras trains.

    Raises:
        InvalidInput: if an argument breaks a rule, or the project is of another objective.
    """

    def __init__(
        self,
        oracle: Oracle,
        hypermodel: Any = None,
        max_model_size: int | None = None,
        optimizer: Any = None,
        loss: Any = None,
        metrics: Any = None,
        distribution_strategy: Any = None,
        directory: str | Path | None = None,
        project_name: str | None = None,
        logger: Any = None,
        tuner_id: str | None = None,
        overwrite: bool = False,
        executions_per_trial: int = 1,
        workers: int = 0,
        **unknown: Any,
    ) -> None:
        if unknown:
            raise InvalidInput(
                f"arguments must be those of a tuner or its oracle: Unrecognized arguments {list(unknown)}"
            )
        if not isinstance(oracle, Oracle):
            raise InvalidInput(f"Expected `oracle` argument to be an instance of `Oracle`, got oracle={shown(oracle)}")
        if hypermodel is None and not self._overrides("run_trial"):
            raise InvalidInput(
                "hypermodel must be given unless run_trial is overridden: Received `hypermodel=None`. Write "
                "hypermodel=build_model, or a subclass with def run_trial(self, trial, ...)"
            )
        if logger is not None:
            warnings.warn("The `logger` argument is no longer supported.", DeprecationWarning, stacklevel=2)
        self.oracle = oracle
        self.hypermodel = hypermodel_of(hypermodel)
        self.max_model_size, self.optimizer, self.loss, self.metrics = max_model_size, optimizer, loss, metrics
        self.distribution_strategy = distribution_strategy
        self.directory = directory or "."
        self.project_name = project_name or "untitled_project"
        self.tuner_id = tuner_id or "tuner0"
        self.executions_per_trial = whole("executions_per_trial", executions_per_trial, "at least 1", 1)
        self.workers = whole("workers", workers, "a whole number of at least 0", 0)
        self._execution = 0
        folder = Path(self.directory) / self.project_name
        flag("overwrite", overwrite)
        if overwrite:
            shutil.rmtree(folder, ignore_errors=True)
        if not self.oracle.open(folder):
            self._populate_initial_space()

    # ------------------------------------------------------------------ the space

    def _overrides(self, name: str) -> bool:
        return getattr(type(self), name) is not getattr(Tuner, name)

    def _populate_initial_space(self) -> None:
        """Find out what the hypermodel asks for, by building it."""
        if self.hypermodel is None:
            return
        hp = self.oracle.get_space()
        declare = getattr(self.hypermodel, "declare_hyperparameters", None)
        if declare is not None:
            declare(hp)
        if self.oracle.tune_new_entries and self.oracle.allow_new_entries:
            with _sketching():
                found = trace(self.hypermodel.build, hp)
            self.oracle.update_space(hp)
            self.oracle.learn(found.conditions)
            if not found.complete:
                sys.stderr.write(
                    f"kerastuner: the builder was run {found.builds} times, and may ask for more than it was seen to; "
                    "what turns up later has its default\n"
                )
        else:
            self.hypermodel.build(hp)
            self.oracle.update_space(hp)

    @property
    def building(self) -> Building:
        """How models are built."""
        return Building(
            self.hypermodel, self.optimizer, self.loss, self.metrics, self.max_model_size, self.distribution_strategy
        )

    # ------------------------------------------------------------------ the search

    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Search until there are `max_trials`, or the method ends; goes on where an earlier call has stopped.

        Args:
            fit_args: what `model.fit` takes: x, y, ...
            fit_kwargs: what `model.fit` takes: epochs, validation_data, callbacks, ...

        Raises:
            RuntimeError: if too many trials in a row have failed.
            FatalError: if a builder or a training has raised one.
        """
        self.on_search_begin()
        if not self._search_by_keras(fit_args, fit_kwargs):
            try:
                self._search_by_hand(fit_args, fit_kwargs)
            finally:
                self.oracle.release()
        self.on_search_end()

    def _search_by_keras(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Search with the training that is ours; returns whether that could be done."""
        if any(map(self._overrides, _TRAINING)) or trains_itself(self.hypermodel):
            return False
        if self.hypermodel is None or self.distribution_strategy is not None:
            return False
        from welltempered.kerastuner.search import by_keras

        return by_keras(self, args, kwargs)

    def _search_by_hand(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Ask for a trial, train it, say what it has reached; and so on."""
        study = self.oracle.begin(self.oracle.epochs)
        progress = Progress(self.oracle) if kwargs.get("verbose", 1) else None
        if not self.oracle.ongoing_trials:
            study.recover()
        while True:
            self.pre_create_trial()
            trial = self.oracle.create_trial(self.tuner_id)
            if trial.status == TrialStatus.STOPPED:
                return
            if trial.status == TrialStatus.IDLE:
                continue
            self.on_trial_begin(trial)
            self._try(trial, args, kwargs)
            self.on_trial_end(trial)
            if progress is not None:
                progress.say(trial)

    def _try(self, trial: Trial, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        try:
            results = self.run_trial(trial, *args, **kwargs)
            if results is not None or not trial.metrics.exists(self.oracle.objective.name):
                check_results(results, self.oracle.objective, "Tuner.run_trial()")
                self._told(trial, results)
            else:
                warnings.warn(_TOLD, DeprecationWarning, stacklevel=2)
            trial.status = TrialStatus.COMPLETED
        except FatalError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever training raises, the search goes on
            trial.status = TrialStatus.FAILED if isinstance(error, FailedTrialError) else TrialStatus.INVALID
            trial.message = traceback.format_exc()

    def _told(self, trial: Trial, results: Any) -> None:
        objective = self.oracle.objective
        trial.metrics = Metrics()
        self.oracle.update_trial(trial.trial_id, metrics_of(results, objective), step_of(results, objective))

    # ------------------------------------------------------------------ one trial, to be overridden

    def run_trial(self, trial: Trial, *args: Any, **kwargs: Any) -> Any:
        """Train a trial; override it to tune anything else.

        Args:
            trial: its `hyperparameters` are asked for values, also for such as nobody has asked for before.
            args: what `search` was given.
            kwargs: what `search` was given.

        Returns:
            The objective as a float, a dict of metrics, a `History`, or a list of these, whose average counts.
        """
        from welltempered.kerastuner.callbacks import BestWeights, Hooks, copied

        own = kwargs.pop("callbacks", None)
        best = BestWeights(self.oracle.objective, self._weights(trial.trial_id), trial.score)
        values = trial.hyperparameters.values
        if "tuner/epochs" in values:
            kwargs |= {"epochs": values["tuner/epochs"], "initial_epoch": values["tuner/initial_epoch"]}
        results = []
        for execution in range(self.executions_per_trial):
            self._execution = execution
            callbacks = [*copied(own, trial.trial_id, execution), Hooks(self, trial), best]
            results.append(self._build_and_fit_model(trial, *args, **kwargs, callbacks=callbacks))
        return results

    def _build_and_fit_model(self, trial: Trial, *args: Any, **kwargs: Any) -> Any:
        hp = trial.hyperparameters
        model = self._try_build(hp)
        last = self.get_trial_dir(trial.trial_id) / f"last{self._execution}.npz"
        if kwargs.get("initial_epoch") and "tuner/epochs" in hp.values:
            weights.load(last, model)
        results = self.hypermodel.fit(hp, model, *args, **kwargs)
        if "tuner/epochs" in hp.values:
            weights.save(last, model, optimizer=True)
        check_results(results, self.oracle.objective, "HyperModel.fit()")
        return results

    def _try_build(self, hp: HyperParameters) -> Any:
        return self.building(hp)

    def pre_create_trial(self) -> None:
        """Called before each trial, where trials are trained one by one."""

    def on_search_begin(self) -> None:
        """Called when a search begins."""

    def on_search_end(self) -> None:
        """Called when a search ends."""

    def on_trial_begin(self, trial: Trial) -> None:
        """Called when a trial begins; whoever overrides it is asked trial by trial."""

    def on_trial_end(self, trial: Trial) -> None:
        """Called when a trial ends: takes it into the study, so call this one, too."""
        self.oracle.end_trial(trial)

    def on_epoch_begin(self, trial: Trial, model: Any, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Called when an epoch begins."""

    def on_batch_begin(self, trial: Trial, model: Any, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called before each batch."""

    def on_batch_end(self, trial: Trial, model: Any, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called after each batch."""

    def on_epoch_end(self, trial: Trial, model: Any, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Called when an epoch ends; a training loop of one's own calls it with its logs, which are taken."""
        if logs and self._overrides("run_trial") and self.oracle.objective.has_value(logs):
            value = self.oracle.objective.get_value(logs)
            self.oracle.update_trial(trial.trial_id, logs, epoch)
            if trial.score is None or self.oracle.objective.better_than(value, trial.score):
                trial.score = value
                self.save_model(trial.trial_id, model, epoch)

    # ------------------------------------------------------------------ what came out

    def get_best_models(self, num_models: int = 1) -> list[Any]:
        """The best models, best first, with the weights of their best epochs; training them anew is better still."""
        return [self.load_model(trial) for trial in self.oracle.get_best_trials(num_models)]

    def get_best_hyperparameters(self, num_trials: int = 1) -> list[HyperParameters]:
        """The values of the best trials, best first."""
        return [trial.hyperparameters for trial in self.oracle.get_best_trials(num_trials)]

    def load_model(self, trial: Trial) -> Any:
        """The model of a trial, with the weights of its best epoch."""
        model = self._try_build(trial.hyperparameters)
        weights.load(self._weights(trial.trial_id), model)
        return model

    def save_model(self, trial_id: str, model: Any, step: int = 0) -> None:
        """Write the weights of a model, for `load_model`."""
        weights.save(self._weights(trial_id), model)

    def search_space_summary(self, extended: bool = False) -> None:
        """Print what is tuned."""
        summary.search_space_summary(self.oracle)

    def results_summary(self, num_trials: int = 10) -> None:
        """Print the best trials."""
        summary.results_summary(self.oracle, self.project_dir, num_trials)

    @property
    def remaining_trials(self) -> int | None:
        """How many trials may still be started; `None` if there is no bound."""
        return self.oracle.remaining_trials()

    @property
    def project_dir(self) -> str:
        """The folder of the project, which is that of its study."""
        return str(Path(self.directory) / self.project_name)

    def get_trial_dir(self, trial_id: str) -> Path:
        """A folder for what a trial leaves behind."""
        folder = Path(self.project_dir) / f"trial_{trial_id}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _weights(self, trial_id: str) -> Path:
        return weights.of_trial(Path(self.project_dir), trial_id)

    def save(self) -> None:
        """Write down the space; all else is in the study already."""
        self.oracle.save()

    def reload(self) -> None:
        """Read the project again."""
        self.oracle.open(Path(self.project_dir))
