"""The next space of a study, from the evidence of its trials: coarse to fine."""

import textwrap
from dataclasses import dataclass

import numpy as np

from welltempered.checks import number, shown
from welltempered.errors import InvalidInput
from welltempered.history import History
from welltempered.searchers.evidence import ENOUGH, LEVEL, compare, look, top_of
from welltempered.searchers.narrowing import Finding, Kind, find
from welltempered.space import Float, Int, Parameter, Space
from welltempered.space.changed import fitted

HALF = "above 0 and at most 0.5"
"""What a share of the best and a chance must be."""
_QUANTILE = 0.2
_WIDTH = 80


@dataclass(frozen=True)
class Change:
    """What a zoom does to one parameter.

    Attributes:
        name: of the parameter.
        kind: "narrowed", "widened", "left", or "dropped", if its condition can never hold in the new space.
        before: the parameter as it was searched.
        after: the parameter of the new space; `None` if dropped.
        why: the evidence, a sentence with its numbers.
    """

    name: str
    kind: Kind
    before: Parameter
    after: Parameter | None
    why: str

    def __str__(self) -> str:
        if self.kind == "left":
            return f"{self.name} is left: {self.why}"
        to = "" if self.after is None else f" to {_values(self.after)}"
        return f"{self.name} is {self.kind} from {_values(self.before)}{to}: {self.why}"

    @property
    def short(self) -> str:
        """The change without its evidence, such as `lr 1e-05..0.1 -> 0.0003..0.02`."""
        to = "dropped" if self.after is None else _values(self.after)
        return f"{self.name} {_values(self.before)} -> {to}"


@dataclass(frozen=True)
class Zoomed:
    """The next space, and why: one change per parameter.

    Attributes:
        space: the next space; to undo a zoom, go on with the old one.
        changes: one per parameter of the old space, in its order.
        epoch: after which the trials were compared; 0 if too few have come to any.
        top: how many count as best.
        trials: how many were compared, failed ones too.
        number: of a zoom that a study has made, 1 for the first; by it the zoom is undone. 0 for the answer of `zoom`.
        trial: number of the first trial about which it could decide, if a study has made it.
        undone: whether it was undone, or one before it: the part before that is searched again since then.
    """

    space: Space
    changes: tuple[Change, ...]
    epoch: int
    top: int
    trials: int
    number: int = 0
    trial: int | None = None
    undone: bool = False

    @property
    def changed(self) -> tuple[Change, ...]:
        """The changes that are some."""
        return tuple(change for change in self.changes if change.kind != "left")

    @property
    def line(self) -> str:
        """The changes in one line, and of a zoom that a study has made which it was and when."""
        what = ", ".join(change.short for change in self.changed) or "nothing changes"
        if self.number:
            what = f"zoom {self.number} at trial {self.trial}{', undone' if self.undone else ''}: {what}"
        return f"{what} (best {self.top} of {self.trials} after epoch {self.epoch})"

    def __str__(self) -> str:
        if not self.epoch:
            head = f"too few trials to zoom: {ENOUGH} must have been trained"
        else:
            head = f"the best {self.top} of {self.trials} trials, compared after epoch {self.epoch}"
        fold = textwrap.TextWrapper(_WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
        lines = [fold.fill(str(change)) for change in self.changes]
        return "\n".join([head, *lines])


def zoom(history: History, *, quantile: float = _QUANTILE) -> Zoomed:
    """The next space of a study, for a study that follows: narrower where the best trials are, wider at a border.

    Per parameter, on its own scale, over the trials in which it is active, and compared after the highest epoch that
    ten trials have reached:

    - *narrowed* to where the best lie, if that is a smaller part than chance explains (an exact permutation test at 1
      in 20). The range reaches as far beyond the best as it takes to hold, at 19 in 20 for each end, all that is as
      good: few trials, wide ranges. Options are left out, and zero of `zero_or_log`, if rarer among the best than
      chance explains, never that of the best trial.
    - *widened* if most of the best lie in the outer tenth of the range, beyond chance: then the end becomes the middle,
      within what the parameter can be at all.
    - *left* if there is no such evidence: no effect is no reason to narrow.
    - *dropped* if its condition can never hold any more.

    Trials that have failed or diverged count as bad. Constraints stay.

    Args:
        history: of the study, `study.history`.
        quantile: the share of trials that counts as best, above 0 and at most 0.5, but at least 4 and at most 10
            trials. Default 0.2: of 50 trials 10; a range must reach far beyond fewer ones to be safe.

    Raises:
        InvalidInput: if an argument is of another kind or out of range.
    """
    if not isinstance(history, History):
        raise InvalidInput(f"history must be that of a study, study.history, got {shown(history)}")
    return zoomed(history, number("quantile", quantile, HALF, 0, 0.5), LEVEL, beyond=True)


def zoomed(history: History, quantile: float, risk: float, *, beyond: bool) -> Zoomed:
    """The next space; with `beyond=False` within the old one. `risk` is that of `find`."""
    space, compared = history.space, compare(history)
    findings: dict[str, Finding] = {}
    for column, name in enumerate(space):
        findings[name] = find(space[name], look(history, compared, column, quantile), risk, beyond=beyond)
    new = fitted(space, {name: finding.after for name, finding in findings.items()})
    if not _habitable(new):
        why = "the constraints leave nothing of where the best are"
        findings, new = {name: Finding("left", space[name], why) for name in space}, space
    changes = tuple(_change(name, space, new, finding) for name, finding in findings.items())
    ranked, failed = len(compared.ranked), len(compared.failed)
    return Zoomed(new, changes, compared.epoch, min(ranked, top_of(ranked + failed, quantile)), ranked + failed)


def _habitable(space: Space) -> bool:
    """Whether points of the space that satisfy its constraints can be found."""
    if not space.constraints:
        return True
    try:
        space.sample(np.random.default_rng(0))
    except InvalidInput:
        return False
    return True


def _change(name: str, space: Space, new: Space, finding: Finding) -> Change:
    if name not in new:
        return Change(name, "dropped", space[name], None, f"{space[name].condition} can never hold any more")
    return Change(name, finding.kind, space[name], new[name], finding.why)


def _values(parameter: Parameter) -> str:
    """The values of a parameter in short."""
    if isinstance(parameter, Float | Int):
        return f"{'0 or ' if parameter.zero else ''}{parameter.low:.6g}..{parameter.high:.6g}"
    return "|".join(map(str, parameter.values()))
