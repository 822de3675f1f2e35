"""PyTorch Lightning: a callback that lets a `Trainer` train a trial."""

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from welltempered.errors import InvalidInput
from welltempered.frameworks.inherit import inherit

_OLD_NAME = "lightning" not in sys.modules and ("pytorch_lightning" in sys.modules or find_spec("lightning") is None)

if TYPE_CHECKING or not _OLD_NAME:
    from lightning.pytorch.callbacks import Callback
else:
    from pytorch_lightning.callbacks import Callback

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

    from welltempered.run import Run

__all__ = ["Report"]

_HYPERPARAMETERS = ("hparams_name", "hyper_parameters", "hparams_type")
"""Keys of Lightning's checkpoints, also with `datamodule_` before them, that hold what the module was made with: it is
never restored, since training code makes the module anew, and may be any object."""


class Report(Callback):
    """Lets a Lightning `Trainer` train a trial: reports each epoch, ends with the lease, continues exactly.

    ```python
    def train(run):
        module = Net(run.params["lr"])
        trainer = lightning.Trainer(max_epochs=run.horizon, callbacks=[wt.lightning.Report(run)])
        trainer.fit(module, loader, held_out)
    ```

    It takes the place of `run.keep`, `for ... in run` and `run.report`. Each epoch reports all of
    `trainer.callback_metrics`, which is what the module has logged; a metric that an epoch does not log, such as that
    of a validation every second epoch, is reported as it was last. What is kept is Lightning's own checkpoint: module,
    optimizers, schedules, loops, precision, the states of callbacks and of the data module, and what the hooks
    `on_save_checkpoint` add; `fit` is given no `ckpt_path`. `study.checkpoint(trial)["trainer"]["state_dict"]` are
    the weights.

    A trial that begins with the state of another one (population-based training) keeps the hyperparameters of its own
    optimizers and schedules, as with `run.keep`. Loaders whose workers persist begin anew when a trial continues.

    Works with `lightning` and with `pytorch_lightning`, whichever has been imported.

    Args:
        run: the trial; for one call of `fit`, on one device, since a worker has no more.

    Raises:
        InvalidInput: from `fit`: if it is called a second time, is given a `ckpt_path`, or an epoch ends before the
            module has logged the objective.
    """

    def __init__(self, run: "Run") -> None:
        if not callable(getattr(run, "keep", None)):
            raise InvalidInput(f"run must be the run that training code is given, got {type(run).__name__}")
        super().__init__()
        self._run = run
        self._metrics: dict[str, Any] = {}
        self._state: _State | None = None
        self._training = False  # an epoch

    def setup(self, trainer: "Trainer", pl_module: "LightningModule", stage: str) -> None:
        """Keep the trainer's state; Lightning restores it, as if it had read it from a `ckpt_path`."""
        if stage != "fit":
            return
        if self._state is not None:
            raise InvalidInput("Report must be given to one trainer that fits once, got a second call of fit")
        self._state = _State(trainer, self._metrics)
        self._run.keep(trainer=self._state)

    def on_fit_start(self, trainer: "Trainer", pl_module: "LightningModule") -> None:
        """There are optimizers now: let them take what they may of a parent's."""
        if self._state is not None and self._state.parent is not None:
            _inherit(trainer, self._state.parent)

    def on_train_start(self, trainer: "Trainer", pl_module: "LightningModule") -> None:
        """Make sure that Lightning stands where the trial does."""
        if trainer.current_epoch != self._run.epoch:
            raise InvalidInput(
                f"fit must begin after epoch {self._run.epoch} of the trial, got {trainer.current_epoch}; Report "
                "restores what is needed: leave out ckpt_path"
            )

    def on_train_epoch_start(self, trainer: "Trainer", pl_module: "LightningModule") -> None:
        """The epoch before is over by now, its schedules have moved: close it; the loop ends where none is granted."""
        self._close(trainer)
        next(self._run)  # what it raises at the end of the lease is what ends Lightning's loop, too
        self._training = True
        # Otherwise the first epoch after a stop would use an iterator made before the seeds of the epoch are set.
        trainer.fit_loop._resuming_from_checkpoint = False

    def on_train_end(self, trainer: "Trainer", pl_module: "LightningModule") -> None:
        """The last epoch is over: that of a full training, or before if another callback has ended it."""
        if self._training:
            self._close(trainer)
            next(self._run, None)

    def _close(self, trainer: "Trainer") -> None:
        if not self._training:
            return
        self._training = False
        self._metrics.update({name: float(value) for name, value in trainer.callback_metrics.items()})
        metric = self._run.objective.metric
        if metric not in self._metrics:
            found = ", ".join(map(repr, self._metrics)) or "no logs"
            raise InvalidInput(
                f"the module must log the objective {metric!r}, got {found}; "
                f"write self.log({metric!r}, ...) in validation_step or training_step"
            )
        self._run.report(**self._metrics)


class _State:
    """What a trainer would write into a file, for `run.keep`.

    Args:
        trainer: whose state it is.
        metrics: those reported last.

    Attributes:
        parent: the state of another trial that this one begins with, until Lightning restores it.
    """

    def __init__(self, trainer: "Trainer", metrics: dict[str, Any]) -> None:
        self._connector: Any = trainer._checkpoint_connector
        self._metrics = metrics
        self.parent: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """Taken when an epoch is over and the next has been counted as ready, which is taken back."""
        state: dict[str, Any] = self._connector.dump_checkpoint(weights_only=False)
        for key in _HYPERPARAMETERS:
            state.pop(key, None)
            state.pop(f"datamodule_{key}", None)
        for progress in state["loops"]["fit_loop"]["epoch_progress"].values():
            progress["ready"] = progress["completed"]
        return {**state, "metrics": dict(self._metrics)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it where Lightning has what it has read from a file and restores piece by piece while `fit` begins."""
        self._metrics.update(state["metrics"])
        self._connector._loaded_checkpoint = {**state}

    def inherit(self, state: Mapping[str, Any]) -> None:
        """The same with the state of another trial."""
        self.load_state_dict(state)
        self.parent = self._connector._loaded_checkpoint


def _inherit(trainer: "Trainer", state: dict[str, Any]) -> None:
    """Change the state of optimizers and schedules into what a trial takes of its parent's."""
    schedulers: list[Any] = [config.scheduler for config in trainer.lr_scheduler_configs]
    kinds: dict[str, list[Any]] = {"optimizer_states": trainer.optimizers, "lr_schedulers": schedulers}
    for key, kept in kinds.items():
        for one, theirs in zip(kept, state[key], strict=True):
            inherit(one, one.load_state_dict, theirs)
        state[key] = [one.state_dict() for one in kept]
