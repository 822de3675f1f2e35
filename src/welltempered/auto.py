"""`method="auto"`: which method a new study is given, and why.

The rules are the table in the guide, "Which method?"; benchmarks/README.md says what they rest on.
"""

import math
from typing import Final, NamedTuple

from welltempered.budget import Budget
from welltempered.decide import Scheduler
from welltempered.schedulers.freeze_thaw import FreezeThaw
from welltempered.schedulers.full import Full
from welltempered.schedulers.halving import Halving
from welltempered.schedulers.hyperband import Hyperband
from welltempered.searchers.gp import GP
from welltempered.searchers.portfolio import Portfolio
from welltempered.searchers.sobol import Sobol
from welltempered.searchers.tpe import TPE
from welltempered.space import Space

AUTO: Final = "auto"
"""What one writes to leave the choice to the rules."""
_EPOCHS = 4
"""Epochs of a full training from which on it pays to stop early: of three, the first is a third of all."""
_FEW = 500
"""Full trainings up to which a Gaussian process is asked, too; it never holds more trials than that."""


class Chosen(NamedTuple):
    """A method, and why it was chosen: half a sentence, to be read after a colon; blank if it was given."""

    method: Scheduler
    why: str = ""


def choose(space: Space, *, epochs: int, resumable: bool, budget: Budget) -> Chosen:
    """The method for a new study.

    How many workers will train is no reason: each of these methods counts the trials under way and keeps any number
    busy. A bound of time says nothing of how many trainings fit into it, so it counts as unknown.

    Args:
        space: what is searched.
        epochs: epochs of a full training.
        resumable: whether trials can go on after they have left the memory of their worker.
        budget: what may be spent, as far as it is known when the study is made.
    """
    trainings = min(budget.epochs / epochs, budget.trials)
    known = trainings < math.inf
    many = known and trainings > _FEW
    model = Portfolio((GP(), TPE()))
    searcher = TPE() if many else model
    full = f"a full training has {epochs:,} epoch" + ("" if epochs == 1 else "s")
    if known and budget.seconds == math.inf and space.size <= min(trainings, _FEW):
        return Chosen(Full(model), f"the budget is enough to train all {space.size:.0f} points of the space fully")
    if epochs < _EPOCHS:
        count = f", and the budget pays for {trainings:,.0f} of them" if many else ""
        return Chosen(Full(searcher), f"{full} only{count}")
    if resumable and budget.trials < budget.epochs:  # FreezeThaw might start them all, and train none to its end
        return Chosen(Hyperband(Sobol()), "the budget counts trials, however long they train")
    if resumable:
        return Chosen(FreezeThaw(), f"trials can be resumed, and {full}")
    return Chosen(Halving(TPE()), f"trials cannot be resumed, and {full}")
