"""A callback for those who call `fit` themselves."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.keras.state import of_callback, to_callback
from welltempered.run import Run

__all__ = ["Report"]


class Report(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
    """Reports each epoch of `fit` to a run, and ends `fit` when the epochs granted are over.

    ```python
    def train(run):
        model = build(run.params)
        stop = keras.callbacks.EarlyStopping("val_loss", patience=3)
        report = wt.keras.Report(run, callbacks=[stop])
        run.keep(model=wt.keras.state(model), report=report)
        epochs = {"initial_epoch": run.epoch, "epochs": run.horizon}
        model.fit(x, y, validation_data=held, **epochs, callbacks=[stop, report])
    ```

    One call of `fit` trains all epochs. Where a lease ends, the state is saved and `fit` waits; if the trial goes on,
    so does `fit`, and otherwise it ends, as if a callback had stopped it. A trial that goes on later calls `fit` again:
    `fit` counts its epochs from 0, and `initial_epoch` is how many were trained, so schedules, callbacks and logs see
    the right numbers; `epochs` is the number of the last one, not how many are left. What a callback has stopped at the
    very end of a lease trains one more epoch if the trial is resumed, and is stopped again.

    Put it last among the callbacks: what is saved then is the state after the others have had their turn. In which
    order `fit` shuffles arrays follows from the seeds of the epoch on the backends JAX and torch. On TensorFlow it does
    not; where a trial that continues must see the very same order there, bring data in an order of their own, or leave
    all of this to `wt.keras.trainable`.

    Args:
        run: the run.
        callbacks: other callbacks of `fit` that learn something, such as `EarlyStopping`. With `run.keep(report=...)`
            it is kept for a trial that continues. Default: none.

    Raises:
        InvalidInput: if `run` is not a `Run`, `callbacks` are none, or `fit` is called when the run is over.
    """

    def __init__(self, run: Run, callbacks: Sequence[Any] = ()) -> None:
        super().__init__()
        if not isinstance(run, Run):
            raise InvalidInput(f"run must be the run that training code is given, got {type(run).__name__}")
        if not all(isinstance(one, keras.callbacks.Callback) for one in callbacks):
            raise InvalidInput(f"callbacks must be callbacks of Keras, got {shown(callbacks)}")
        self._run, self._others = run, tuple(callbacks)
        self._known: Sequence[Any] = ()  # what they knew when the trial was saved
        self._fresh: list[Any] = [None for _ in callbacks]
        self._opened = False

    def state_dict(self) -> dict[str, Any]:
        """What the other callbacks know, for `run.keep`."""
        return {"callbacks": [of_callback(*pair) for pair in zip(self._others, self._fresh, strict=True)]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Tell them so once `fit` has begun, since they begin anew there."""
        self._known = state["callbacks"]

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Open the first epoch."""
        self._fresh = [of_callback(one) for one in self._others]
        for callback, known in zip(self._others, self._known, strict=False):
            to_callback(callback, known)
        self._known = ()
        if not self._open():
            raise InvalidInput("fit must be called while epochs are granted, got a run that is over; return instead")

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Report, and open the next epoch if it is granted."""
        self._run.report(**{name: float(value) for name, value in (logs or {}).items()})
        self._opened = False
        if not self.model.stop_training and not self._open():
            self.model.stop_training = True

    def _open(self) -> bool:
        self._opened = self._opened or next(self._run, None) is not None
        return self._opened
