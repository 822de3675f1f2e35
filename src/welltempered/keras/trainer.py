"""What trains a model epoch by epoch: by `fit`, or compiled whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["Options", "Trainer"]


@dataclass(frozen=True)
class Options:
    """How a model is trained, whichever way.

    Attributes:
        seed: of the trial; the order of the data follows from it and the epoch.
        horizon: epochs of a full training.
        batch_size: rows of a batch, where data are arrays.
        class_weight: weights of classes, as `fit` takes them.
        callbacks: of this trial alone.
    """

    seed: int
    horizon: int
    batch_size: int
    class_weight: Mapping[int, float] | None = None
    callbacks: tuple[Any, ...] = ()


class Trainer(Protocol):
    """A model in training. What `state_dict` gives is all that a later `epoch` depends on."""

    @property
    def stopped(self) -> bool:
        """Whether a callback has asked to stop."""
        ...

    def epoch(self, number: int) -> dict[str, float]:
        """Train an epoch, 1 is the first, and validate: the logs of `fit`."""
        ...

    def end(self) -> None:
        """Training is over."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` goes on from: arrays and plain values."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        ...
