"""Advice on a space, as a value that prints well."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, final

from welltempered.advice.looks import looks_of
from welltempered.advice.rows import Row, rows_of, shown_value
from welltempered.budget import Budget
from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.presets.affordable import affordable, most, place, trainings, worthwhile
from welltempered.presets.fact import ORDERS, Order, check_order
from welltempered.presets.facts import FACTS
from welltempered.presets.optimizers import OPTIMIZERS, optimizer
from welltempered.space import Choice, Space

_COLUMNS = 80
_ALWAYS = ("batch_size", "depth", "schedule", "weight_decay", "dropout")
"""What every net has or could have, so that not to search it is to fix it."""


@final
@dataclass(frozen=True)
class Advice:
    """What to tune first with a budget, what to fix, and what to look at again; `print` it.

    Attributes:
        trainings: number of full trainings that the budget pays for.
        order: whose order of importance, `"ng"` or `"yu_zhu"`.
        tune: names of the parameters to search, the most important first.
        fix: names of those which the budget cannot afford, and the value to fix each at.
        idle: names of those which are never active once that is fixed.
        absent: usual values of hyperparameters that are not in the space, so that the code has them fixed.
        texts: range and meaning of each parameter, by name.
        looks: what deserves a second look, in sentences.
    """

    trainings: int
    order: Order
    tune: tuple[str, ...]
    fix: Mapping[str, Any]
    idle: tuple[str, ...]
    absent: Mapping[str, Any]
    texts: Mapping[str, str]
    looks: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"Advice for {self.trainings} full training{'s' * (self.trainings != 1)}"]
        lines += ["", f"Tune these, the most important first (after {ORDERS[self.order]}):"]
        numbers = enumerate(_together(self.tune, self.texts), start=1)
        lines += [_item(f"{number:>3}. ", f"{names}: {text}") for number, (names, text) in numbers]
        if not self.tune:
            lines.append(_item("  - ", "nothing: each parameter has only one value"))
        if self.fix:
            lines += ["", "This budget does not reach for these; fix them:"]
            values = {name: shown_value(value) for name, value in self.fix.items()}
            lines += [_item("  - ", f"{names} = {text}") for names, text in _together(tuple(values), values)]
        if self.idle:
            lines.append(_item("    ", f"which leaves no use for {', '.join(self.idle)}"))
        if self.absent:
            lines += ["", "Not in the space, so fixed in the code; usual values:"]
            lines.append(_item("  - ", ", ".join(f"{name} = {shown_value(v)}" for name, v in self.absent.items())))
        if self.looks:
            lines += ["", "These deserve a second look:"]
            lines += [_item("  - ", look) for look in self.looks]
        return "\n".join(lines)


def advise(space: Space, budget: Budget | int | str, *, epochs: int | None = None, order: str = "ng") -> Advice:
    """What to tune first in a space, what a budget can afford, what ranges mean, and what to look at again.

    Parameters are recognised by what they mean, which presets say, else by well-known names (`lr`, `beta_1`,
    `units_2`).

    Args:
        space: what is to be searched.
        budget: full trainings to spend, as a number or a budget in trials or epochs, such as `"30 trials"`.
        epochs: epochs of a full training, needed for a budget in epochs.
        order: whose order of importance: `"ng"` (learning rate; momentum, batch size, units; layers, decay; Adam's β₁,
            β₂, ε last), the default as it ranks most, or `"yu_zhu"` (learning rate, momentum, batch size, layers,
            decay, λ). Whoever's it is, β₁ is affordable from 10 trainings on, as in Google's Deep Learning Tuning
            Playbook.

    Raises:
        InvalidInput: if the space is none, there is no such order, or the budget is one of time or pays for nothing.

    >>> from welltempered.presets.training import learning_rate, momentum
    >>> print(advise(Space(lr=learning_rate(), momentum=momentum(0.9, 0.98)), 5))
    Advice for 5 full trainings
    <BLANKLINE>
    Tune these, the most important first (after Ng):
      1. lr: 1e-05 .. 0.1, log: steps of 1e-05 to 0.1 × gradient
    <BLANKLINE>
    This budget does not reach for these; fix them:
      - momentum = 0.9
    <BLANKLINE>
    Not in the space, so fixed in the code; usual values:
      - batch_size = 32, depth = 2, schedule = 'constant', weight_decay = 0,
        dropout = 0
    """
    if not isinstance(space, Space):
        raise InvalidInput(f"space must be a Space, such as Space(lr=learning_rate()), got {shown(space)}")
    count, checked = trainings(budget, epochs), check_order(order)
    rows = tuple(rows_of(space))
    searched = [row for row in rows if not row.constant]
    ranked = sorted(searched, key=lambda row: place(row.means, checked))
    worth = affordable({row.name: row.means for row in ranked}, count, checked) if searched else []
    values = {row.name: row.value for row in rows if row.name not in worth}
    idle = _idle(space, values)
    tune = tuple(name for name in worth if name not in idle)
    absent, usual = _absent(rows, values)
    further = worthwhile(absent, count, checked, room=max(0, most(count) - len(tune)))
    also = [f"There are trainings enough to search {', '.join(further)} as well."] if further else []
    return Advice(
        trainings=count,
        order=checked,
        tune=tune,
        fix={row.name: row.value for row in ranked if row.name not in worth and row.name not in idle},
        idle=tuple(name for name in space if name in idle),
        absent={name: usual[name] for name in absent},
        texts={row.name: row.text for row in rows},
        looks=(*looks_of(rows, count), *also),
    )


def _idle(space: Space, values: Mapping[str, Any]) -> set[str]:
    """The names of the parameters that are never active where others have these values."""
    idle: set[str] = set()
    for name in space.order:
        condition = space[name].condition
        if condition is None:
            continue
        decided = [part for part in condition.parts if part.names <= values.keys()]
        if condition.names & idle or not all(part.holds(values, missing=False) for part in decided):
            idle.add(name)
    return idle


def _absent(rows: Sequence[Row], values: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """What each hyperparameter that is not in the space means, and its usual value, by name."""
    present = {row.means for row in rows}
    names: list[Any] = []
    for row in rows:
        if row.means == "optimizer" and isinstance(row.parameter, Choice):
            names += [values[row.name]] if row.name in values else row.parameter.options
    means: dict[str, str] = {}
    usual: dict[str, Any] = {}
    for optimizer_name in dict.fromkeys(name for name in names if isinstance(name, str) and name in OPTIMIZERS):
        for name, parameter in optimizer(optimizer_name).items():
            if parameter.means and parameter.means not in present and parameter.default is not None:
                means[name], usual[name] = parameter.means, parameter.default
    for word in _ALWAYS:
        if word not in present and word not in means.values():
            means[word], usual[word] = word, FACTS[word].usual
    return means, usual


def _together(names: Sequence[str], texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Neighbours of the same text as one item, as the units of many layers are."""
    for text, group in groupby(names, key=texts.__getitem__):
        yield ", ".join(group), text


def _item(mark: str, text: str) -> str:
    """A paragraph that hangs from its mark and keeps to the columns."""
    text = text.replace(" = ", "\xa0=\xa0")  # a name stays with its value
    indent = " " * len(mark)
    filled = textwrap.fill(text, _COLUMNS, initial_indent=mark, subsequent_indent=indent, break_on_hyphens=False)
    return filled.replace("\xa0", " ")
