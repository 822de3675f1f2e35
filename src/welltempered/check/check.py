"""`check`: the same training whole, whole again, and in two pieces, each in a process of its own; then compare."""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from welltempered import header as headers
from welltempered.check.blame import Seen, inexact, noise, unsteady
from welltempered.check.leaves import leaves
from welltempered.check.look import Watched, look_of
from welltempered.check.result import Check, Checked
from welltempered.checkpoints import Checkpoints
from welltempered.checks import flag, shown, whole
from welltempered.errors import InvalidInput, TrainingFailed
from welltempered.events import DIVERGED, Cut, Resumed, Started
from welltempered.execute.processes import Processes
from welltempered.experiment import Experiment
from welltempered.history import History
from welltempered.lease import Lease, Lost
from welltempered.run import Setting
from welltempered.space import Choice, Params, Space
from welltempered.trial import SOUND, Trial

_EPOCHS = 6
"""Enough for an optimizer to have a past when it is stopped in the middle, and to use it afterwards."""
_TICK = 0.2
_DRAWS = 32
"""Settings drawn, of which the one with most untried options is taken."""


def check(
    experiment: Experiment,
    *,
    epochs: int | None = None,
    stop: int | None = None,
    trials: int = 1,
    params: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> Check:
    """Find out whether training that is stopped continues exactly, bit for bit, in another process.

    The same training runs whole, whole again (to tell what is not deterministic from what was forgotten), and in two
    pieces. If reports or kept states differ, the variables of the training loop tell what was forgotten. All of it
    happens in worker processes, with one thread each as in a study, and in a temporary folder.

    ```python
    assert wt.check(experiment).exact
    ```

    Args:
        experiment: what is trained; its `epochs` stay the horizon.
        epochs: how many to train. Default: 6, or all where there are less.
        stop: epoch after which to stop. Default: half of them.
        trials: settings of the params to check: the first, then draws that prefer options of choices that have not had
            their turn. Default 1.
        params: the first setting. Default: the defaults of the space, or a draw where they are not feasible.
        progress: whether to say on standard error how it goes. Default True.

    Raises:
        InvalidInput: if an argument breaks a rule.
        TrainingFailed: if the training fails without a stop; the message holds its traceback.
    """
    if not isinstance(experiment, Experiment):
        raise InvalidInput(f"experiment must be an Experiment, got {shown(experiment)}")
    if params is not None and not isinstance(params, Mapping):
        raise InvalidInput(f"params must be a dict of the space's params, got {shown(params)}")
    flag("progress", progress)
    epochs, stop = _epochs(experiment, epochs, stop)
    settings = _settings(experiment, dict(params) if params is not None else None, trials)
    with tempfile.TemporaryDirectory(prefix="welltempered-check-", ignore_cleanup_errors=True) as name:
        say = sys.stderr.write if progress else len
        whole, again, pieces = (_Pass(experiment, settings, Path(name) / str(number), stop) for number in range(3))
        say(f"training {epochs} epochs\n")
        whole.train(epochs)
        say("training them again\n")
        again.train(epochs)
        if experiment.resumable:
            say(f"training {stop} epochs\n")
            pieces.train(stop)
            whole.check_stop()
            say(f"going on in another process for {epochs - stop}\n")
            pieces.train(epochs, continued=True)
        found = [_compare(whole, again, pieces, id, params) for id, params in enumerate(settings)]
    return Check(epochs, stop if experiment.resumable else None, tuple(found))


def _epochs(experiment: Experiment, epochs: int | None, stop: int | None) -> tuple[int, int]:
    """How many epochs to train, and after which to stop."""
    most, least = experiment.epochs, 2 if experiment.resumable else 1
    if epochs is None:
        epochs = min(_EPOCHS, most)
    epochs = whole("epochs", epochs, f"in {least}..{most}, which is a full training", least, most)
    stop = max(1, epochs // 2) if stop is None else stop
    if experiment.resumable:
        stop = whole("stop", stop, f"in 1..{epochs - 1}, before the last epoch", 1, epochs - 1)
    return epochs, stop


def _settings(experiment: Experiment, first: Params | None, trials: int) -> list[Params]:
    """The params of each trial, all different."""
    trials = whole("trials", trials, "at least 1", 1)
    space, rng = experiment.space, np.random.default_rng(experiment.seed)
    if first is None:
        first = space.defaults()
        first = first if space.feasible(first) else space.sample(rng)
    space.check(first)
    settings = [first]
    while len(settings) < trials:
        drawn = [params for params in (space.sample(rng) for _ in range(_DRAWS)) if params not in settings]
        if not drawn:
            break  # there are no others
        settings.append(max(drawn, key=lambda params: _untried(space, params, settings)))
    return settings


def _untried(space: Space, params: Params, settings: Sequence[Params]) -> int:
    """How many options of choices come up for the first time."""
    chosen = [name for name in params if isinstance(space[name], Choice)]
    return sum(all(params[name] != other.get(name) for other in settings) for name in chosen)


class _Pass:
    """Trainings of all trials with the same stops; checkpoints, logs and looks are in a folder of its own."""

    def __init__(self, experiment: Experiment, settings: Sequence[Params], folder: Path, stop: int) -> None:
        self.history = History(headers.make(experiment), experiment.space)
        self.checkpoints = Checkpoints(folder / "checkpoints")
        self.folder = folder
        self._settings = settings
        self.stop = stop
        self._train = Watched(experiment.train, folder, stop + 1)
        self._setting = Setting(
            resolve=experiment.space.resolve,
            objective=experiment.objective,
            epochs=experiment.epochs,
            seed=experiment.seed,
            resumable=experiment.resumable,
            checkpoints=self.checkpoints,
        )

    def train(self, until: int, *, continued: bool = False) -> None:
        """Train each trial until an epoch, one after the other in one new process.

        Raises:
            TrainingFailed: if one fails that has not been stopped before.
        """
        executor = Processes(self._train, self._setting, slots=1, logs=self.folder / "logs")
        try:
            for id, params in enumerate(self._settings):
                if continued and self.history.trials[id].ended is not None:
                    continue
                self.history.apply(Resumed(id, until) if continued else Started(id, params, until))
                self._lease(executor, id, until)
                trial = self.history.trials[id]
                if trial.ended not in (*SOUND, DIVERGED) and not continued:
                    raise TrainingFailed(f"training must work without a stop before it can be checked:\n{trial.error}")
        finally:
            executor.close()

    def _lease(self, executor: Processes, id: int, until: int) -> None:
        executor.assign(0, Lease(self.history.trials[id], until))
        while id in self.history.running:
            for said in executor.poll(_TICK):
                if isinstance(said, Lost | Cut):
                    raise TrainingFailed(f"training must not lose its worker: {said.error or said.reason}")
                self.history.apply(said)

    def check_stop(self) -> None:
        """Refuse a stop that the first trial does not reach.

        Raises:
            InvalidInput: with the epoch at which it ends by itself.
        """
        trial = self.history.trials[0]
        if trial.epoch <= self.stop:
            how = "diverges" if trial.ended == DIVERGED else "ends"
            raise InvalidInput(
                f"stop must be before the end of training, which {how} after epoch {trial.epoch}, got {self.stop}"
            )

    def seen(self, id: int) -> Seen:
        """What is known of a trial."""
        trial = self.history.trials[id]
        failed = trial.ended not in (*SOUND, DIVERGED)
        return Seen(
            [report.metrics for report in trial.reports],
            leaves(self._state(trial)),
            look_of(self.folder, id),
            trial.error or trial.ended if failed else None,
        )

    def bytes(self, id: int) -> int:
        """Size of the state compared."""
        return self.history.saves(id).get(self.history.epoch(id), 0)

    def _state(self, trial: Trial) -> dict[str, Any]:
        saved = (trial.id, trial.epoch) in self.checkpoints.present()
        return self.checkpoints.load(trial.id, trial.epoch) if saved else {}


def _compare(whole: _Pass, again: _Pass, pieces: _Pass, id: int, params: Params) -> Checked:
    straight, twice = whole.seen(id), again.seen(id)
    metric = whole.history.objective.metric
    problem = unsteady(straight, twice, metric)
    if problem is None and id < len(pieces.history.trials):
        problem = inexact(straight, twice, pieces.seen(id), metric, pieces.stop)
    other = () if problem else tuple(noise(straight, twice))
    numbers = sum(name not in other for report in straight.reports for name in report)
    parts = sum(name not in other for name in straight.state)
    return Checked(params, len(straight.reports), numbers, parts, whole.bytes(id), other, problem)
