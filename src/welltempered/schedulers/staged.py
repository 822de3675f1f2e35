"""A fixed schedule of params: what population-based training has found, trained again."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec

from welltempered.checks import shown
from welltempered.decide import Decision, Keeps, Start, Wait
from welltempered.errors import InvalidInput
from welltempered.events import Origin
from welltempered.history import History
from welltempered.trial import Trial


class _Stage(msgspec.Struct, frozen=True):
    """What is read of a stage; it may say more."""

    last: int
    params: dict[str, Any]


@dataclass(frozen=True)
class Staged:
    """One training whose params change after given epochs, with the same training code and without a search.

    ```python
    stages = json.dumps(study.stages())  # or: welltempered export STUDY --format stages
    wt.tune(train, space, minimize="loss", epochs=20, budget=None, method=wt.Staged(stages), seed=1)
    ```

    Each stage is a trial that begins with the state in which the one before has ended, as in `PBT`. If one fails, the
    study ends. A decision costs O(stages).

    Attributes:
        stages: JSON, a list of objects with `last`, the epoch that ends the stage, and `params`, as `Study.stages`
            gives them; what else they hold is not looked at.

    Raises:
        InvalidInput: if it is no such list, or its epochs do not rise; when the study starts, if they end beyond a full
            training, params are not of its space, or its trials cannot be resumed.
    """

    stages: str

    def __post_init__(self) -> None:
        found = self._stages()
        ends = [0, *(stage.last for stage in found)]
        if not found or any(end <= before for before, end in pairwise(ends)):
            raise InvalidInput(f"stages must end at epochs that rise from 1 on, got {ends[1:]}")

    def init(self, history: History) -> list[_Stage]:
        """The stages, once it is clear that they fit the study."""
        stages = self._stages()
        if not history.resumable and len(stages) > 1:
            raise InvalidInput("Staged must be able to go on from checkpoints, got resumable=False; use run.keep(...)")
        if stages[-1].last > history.epochs:
            raise InvalidInput(f"stages must end within {history.epochs} epochs, got last={stages[-1].last}")
        for stage in stages:
            history.space.check(stage.params)
        return stages

    def learn(self, state: list[_Stage], history: History, event: object) -> None:
        """The stages stay as they are."""

    def next(self, history: History, held: Trial | None) -> Decision:
        """The next stage, if the one before is over."""
        stages, number = history.fold(self), len(history.trials)
        left = self._left(history)
        if number == len(stages) or (number and left is None):
            return Wait()
        return Start(dict(stages[number].params), stages[number].last, parent=left)

    def keeps(self, history: History) -> Keeps:
        """The state with which the next stage begins."""
        left = self._left(history)
        return () if left is None or len(history.trials) == len(history.fold(self)) else [left]

    def _left(self, history: History) -> Origin | None:
        """The state that the newest stage has left, once it is over."""
        if not history.trials:
            return None
        newest = history.trials[-1]
        return Origin(newest.id, newest.epoch) if newest.state in ("paused", "complete") else None

    def _stages(self) -> list[_Stage]:
        rule = 'stages must be JSON such as [{"last": 4, "params": {"lr": 0.1}}]'
        if not isinstance(self.stages, str):
            raise InvalidInput(f"{rule}, got {shown(self.stages)}; json.dumps makes it")
        try:
            return msgspec.json.decode(self.stages, type=list[_Stage])
        except msgspec.DecodeError as error:
            raise InvalidInput(f"{rule}, got {shown(self.stages)}: {error}") from None
