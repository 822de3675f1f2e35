"""Peers that ask for the loss of a configuration after so many epochs, and hear of nothing in between.

Who trains keeps the state of each configuration. So when the peer asks for one again with more epochs, the trial goes
on; a method whose documentation does not provide for that is charged for the epochs before (`resumes` in `methods.py`).
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from benchmarks.adapters.encoding import Space
from benchmarks.adapters.wire import DONE, WAIT, Nothing, Work

_PATIENCE = 10_000
"""Evaluations in a row that cost no epoch, as what they ask for has diverged, after which a method is held to hang."""


@dataclass(frozen=True)
class Evaluation:
    """A peer's wish: the loss of a configuration after `until` epochs.

    Args:
        token: what the peer wants back with the loss.
        inner: the values the peer has chosen.
        until: epochs.
        same: what an earlier evaluation of the same configuration has in common with this one.
    """

    token: Any
    inner: Mapping[str, Any]
    until: int
    same: Hashable


class Evaluator(Protocol):
    """A peer's ask and tell."""

    def ask(self) -> Evaluation | Nothing:
        """The next wish."""

    def tell(self, token: Any, loss: float | None) -> None:
        """The loss that was wished for; None if the training has diverged."""


@dataclass
class _Training:
    trial: int
    epoch: int = 0
    diverged: bool = False
    wish: Evaluation | None = None


@dataclass
class Evaluations:
    """An evaluator as a method of the protocol."""

    evaluator: Evaluator
    space: Space
    _trainings: list[_Training] = field(default_factory=list)
    _latest: dict[Hashable, _Training] = field(default_factory=dict)

    def ask(self) -> Work | Nothing:
        """The evaluator's next wish that needs training; one for more of a diverged training is answered here."""
        for _ in range(_PATIENCE):
            wish = self.evaluator.ask()
            if isinstance(wish, Nothing):
                return DONE if wish is DONE else WAIT
            training = self._latest.get(wish.same)
            if training is not None and training.wish is None and training.diverged:
                self.evaluator.tell(wish.token, None)
                continue
            if training is None or training.wish is not None or training.epoch >= wish.until:
                training = _Training(len(self._trainings))
                self._trainings.append(training)
                self._latest[wish.same] = training
            training.wish = wish
            continues = training.trial if training.epoch else None
            return Work(training.trial, self.space.outer(wish.inner), wish.until, continues)
        return DONE

    def report(self, trial: int, epoch: int, loss: float | None) -> bool:
        """Tell the evaluator what it wished for, or of divergence."""
        training = self._trainings[trial]
        wish = training.wish
        assert wish is not None, f"trial {trial} is not being trained"
        training.epoch, training.diverged = epoch, loss is None
        if loss is not None and epoch < wish.until:
            return True
        training.wish = None
        self.evaluator.tell(wish.token, loss)
        return False
