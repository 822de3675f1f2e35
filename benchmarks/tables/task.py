"""What is tuned in the race, and how far from the best a loss is."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import welltempered as wt

Params = dict[str, Any]
USUAL = 50
"""Epochs of the full training that budgets are given for."""
MARKS = (50, 100, 200, 400, 700, 1_000)
"""Epochs after which methods are compared; where a full training has others than 50, as many full trainings."""
TRIALS = (10, 20, 50, 100)
"""The same where nothing can be seen before the end of a training."""


@dataclass(frozen=True)
class Task:
    """One data set of a family.

    Attributes:
        family: what kind of problem it is.
        name: of the data set.
        space: what is searched.
        epochs: of a full training; 1 where there are final values only.
        losses: of params after each epoch, as the study of a seed sees them; `inf` from the epoch on that diverges.
        best: the loss whose regret is 0: the lowest there is, after any epoch.
        middle: the loss whose regret is 1: of a median configuration, fully trained.
        truth: the loss that params count for, if it is another than the one seen.
        split: "design" if methods may be chosen on it, else "judged".
    """

    family: str
    name: str
    space: wt.Space
    epochs: int
    losses: Callable[[Params, int], Sequence[float]]
    best: float
    middle: float
    truth: Callable[[Params], float] | None = None
    split: str = "design"

    def regret(self, loss: float) -> float:
        """0 at the best, 1 at the median and beyond."""
        if not math.isfinite(loss):
            return 1.0
        return min(1.0, max(0.0, (loss - self.best) / (self.middle - self.best)))

    def budget(self, budget: int) -> int:
        """Epochs of a study, for a budget in epochs of which a full training has 50; trials if there are no curves."""
        return min(budget, TRIALS[-1]) if self.epochs == 1 else budget * self.epochs // USUAL

    def marks(self, budget: int) -> list[int]:
        """Epochs or trials after which methods are compared, the last at the end of the budget."""
        end = self.budget(budget)
        usual = TRIALS if self.epochs == 1 else [mark * self.epochs // USUAL for mark in MARKS]
        return [*(mark for mark in usual if mark < end), end]
