"""Training code for a study, from a function that builds models."""

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from welltempered.checks import shown, whole
from welltempered.errors import InvalidInput
from welltempered.keras.data import Source
from welltempered.keras.paths import building, choose, prepare
from welltempered.keras.seeds import seed_of_epoch
from welltempered.keras.state import State
from welltempered.keras.trainer import Options, Trainer
from welltempered.run import Run

__all__ = ["Trainable", "trainable"]

Build = Callable[[Run], Any]
Callbacks = Sequence[Any] | Callable[[Run], Sequence[Any]]

_HELD = "write trainable(build, (x, y), validation=(x_held, y_held))"

_BATCH_SIZE = 32
"""As `fit` has it."""


@dataclass(frozen=True)
class Trainable:
    """What `trainable` returns: training code for `tune`, which can be sent to worker processes."""

    build: Build
    train: Source
    validation: Source | None
    batch_size: int | None
    class_weight: Mapping[int, float] | None
    callbacks: Callbacks
    floatx: str
    dtype_policy: str

    def __call__(self, run: Run) -> None:
        """Train a trial as long as its lease goes."""
        keras.backend.clear_session(free_memory=False)  # names of layers count from 1 again; garbage is not its affair
        keras.config.set_floatx(self.floatx)  # what was set elsewhere is neither known here nor after clear_session
        keras.config.set_dtype_policy(self.dtype_policy)
        prepare(seed_of_epoch(run.seed, 0))
        if run.objective.metric.startswith("val_") and self.validation is None:
            raise InvalidInput(
                f"validation must be given for the objective {run.objective.metric!r}, got none; {_HELD}"
            )
        data = self.train.data
        held = None if self.validation is None else self.validation.data
        model = self._model(run, lambda: data.sample(run.seed))
        own = self.callbacks(run) if callable(self.callbacks) else copy.deepcopy(self.callbacks)
        options = Options(run.seed, run.horizon, self._rows(run), self.class_weight, tuple(own))
        way: dict[str, str] = {}
        run.keep(way=(way.copy, way.update))
        way["way"], trainer = choose(model, data, held, options, way.get("way"))
        run.keep(training=_Kept(trainer, State(model)))
        try:
            _train(run, trainer)
        finally:
            trainer.end()

    def _model(self, run: Run, sample: Callable[[], Any]) -> Any:
        """A model that is compiled and has its variables."""
        with building():
            model = self.build(run)
        if not isinstance(model, keras.Model):
            raise InvalidInput(f"build must return a keras.Model, got {shown(model)}")
        if not model.compiled:
            raise InvalidInput(f"build must return a model that is compiled, got {model.name!r}; call model.compile")
        if not model.built:
            model(sample())
        return model

    def _rows(self, run: Run) -> int:
        if self.batch_size is not None:
            return self.batch_size
        return whole("batch_size", run.params.get("batch_size", _BATCH_SIZE), "a whole number of at least 1", 1)


def _train(run: Run, trainer: Trainer) -> None:
    """Train and report epoch after epoch, as long as the lease goes."""
    metric = run.objective.metric
    for epoch in run:
        if trainer.stopped:  # at the end of a lease, where nobody asks
            return
        logs = trainer.epoch(epoch)
        if metric not in logs:
            raise InvalidInput(
                f"build must return a model whose logs hold the objective {metric!r}, got "
                f"{', '.join(map(repr, logs))}; name the metric in model.compile(..., metrics=[...])"
            )
        run.report(**logs)
        if trainer.stopped or epoch == run.horizon:
            return  # rather than ask for another epoch, so that what callbacks do in the end is saved


class _Kept:
    """A training for `run.keep`: a trial that goes on from where another one was keeps its own hyperparameters."""

    def __init__(self, trainer: Trainer, state: State) -> None:
        self._trainer, self._state = trainer, state
        self.state_dict, self.load_state_dict = trainer.state_dict, trainer.load_state_dict

    def inherit(self, state: Mapping[str, Any]) -> None:
        self._trainer.load_state_dict({**self._state.inherited(state), "stopped": False})


def trainable(
    build: Build,
    train: Any,
    *,
    validation: Any = None,
    batch_size: int | None = None,
    class_weight: Mapping[int, float] | None = None,
    callbacks: Callbacks = (),
) -> Trainable:
    """Training code for `tune`, from a function that builds a Keras model.

    ```python
    def build(run):
        model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(run.params["units"]), keras.layers.Dense(10)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(run.params["learning_rate"]), loss, metrics=["accuracy"])
        return model


    train = wt.keras.trainable(build, (x, y), validation=(x_held, y_held))
    wt.tune(train, space, maximize="val_accuracy", epochs=27, budget="200 epochs")
    ```

    A trial reports the logs of `fit`, and continues exactly where it stopped, on each backend of Keras: weights, what
    layers count beside them, optimizer, seeds, what callbacks know, epoch counter, and the order of arrays, which is
    shuffled anew for each epoch from the trial's seed and the epoch. Batches that come in an order of their own are
    seeded through the generators of Python, NumPy, the backend and, where one is given, the function's seed.

    Args:
        build: makes a compiled model for a `Run`, whose `params`, `horizon` and `seed` it may use.
        train: `(x, y)` or `(x, y, sample_weight)`, arrays or trees of arrays; or batches that can be read again each
            epoch (a `tf.data.Dataset`, a `PyDataset`, a `DataLoader`); or a function that returns one of these. Without
            arguments it is called once in each worker, so that data need not be sent there. With one argument it is
            called for each epoch with a seed, and may return a generator.
        validation: the same, in the order they have; a function with an argument is called once per trial. Default:
            none, and then no metric begins with `val_`.
        batch_size: rows of a batch, where data are arrays. Default: the param "batch_size" if there is one, or 32 as
            `fit` has it.
        class_weight: weight of each class in the loss, as `fit` takes it. Default: all are equal.
        callbacks: callbacks of Keras, copied for each trial; or a function of the run that makes them. For them the
            pieces of a trial are one training. What they know is kept: their `state_dict`, or those of their attributes
            that are plain values or arrays.

    Raises:
        InvalidInput: if an argument is of another kind, or arrays differ in their rows.
    """
    if inspect.isclass(build) or isinstance(build, keras.Layer) or not callable(build):
        found = f"the class {build.__name__}" if inspect.isclass(build) else shown(build)
        raise InvalidInput(f"build must be a function that returns a compiled model, got {found}")
    if not callable(callbacks) and not isinstance(callbacks, Sequence):
        raise InvalidInput(f"callbacks must be a list of callbacks, or a function of the run, got {shown(callbacks)}")
    if batch_size is not None:
        batch_size = whole("batch_size", batch_size, "a whole number of at least 1", 1)
    sources = [Source("train", train), None if validation is None else Source("validation", validation)]
    for source in sources:
        if source is not None and not callable(source.given):
            _ = source.data  # what is wrong with it is said here rather than in a worker
    assert sources[0] is not None
    return Trainable(
        build,
        sources[0],
        sources[1],
        batch_size,
        class_weight,
        callbacks,
        keras.config.floatx(),
        keras.config.dtype_policy().name,
    )
