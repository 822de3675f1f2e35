"""Schedules by name: from the params of a trial, and to JSON and back."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from welltempered.annealing.curves import (
    Constant,
    CosineDecay,
    ExponentialDecay,
    OneCycle,
    PolynomialDecay,
    StepDecay,
)
from welltempered.annealing.plateau import ReduceOnPlateau
from welltempered.checks import prefix_of, shown
from welltempered.errors import InvalidInput

Curve = Constant | StepDecay | ExponentialDecay | PolynomialDecay | CosineDecay | OneCycle
"""A schedule whose rate depends on step and horizon alone."""

Schedule = Curve | ReduceOnPlateau
"""Any learning-rate schedule."""

SCHEDULES: Mapping[str, type[Schedule]] = {
    "constant": Constant,
    "step": StepDecay,
    "exponential": ExponentialDecay,
    "linear": PolynomialDecay,
    "polynomial": PolynomialDecay,
    "cosine": CosineDecay,
    "one_cycle": OneCycle,
    "plateau": ReduceOnPlateau,
}
"""What the options of the preset `schedule` stand for; "linear" is the polynomial of power 1."""

_KINDS = {kind.__name__: kind for kind in SCHEDULES.values()}


def schedule_of(params: Mapping[str, Any], prefix: str = "") -> Schedule:
    """The learning-rate schedule that a trial's params choose.

    Args:
        params: of a trial, as `run.params`. Read are `schedule` (a name of the preset `schedule`, or a schedule itself;
            without it the rate is constant), the fields of the one that was chosen, as `<name>_<field>`, and `warmup`.
            What is missing has the default of the field.
        prefix: of all these names, as given to the preset. Default none.

    Raises:
        InvalidInput: if params are no mapping, the name is unknown, or a field is out of its range.

    >>> schedule_of({"schedule": "exponential", "exponential_rate": 3.0, "warmup": 1.0, "lr": 0.1})
    ExponentialDecay(rate=3.0, warmup=1.0)
    """
    if not isinstance(params, Mapping):
        raise InvalidInput(f"params must be a dict of a trial's params, such as run.params, got {shown(params)}")
    prefix = prefix_of(prefix)
    name = params.get(f"{prefix}schedule", "constant")
    if isinstance(name, Schedule):
        return name
    kind = SCHEDULES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise InvalidInput(f"{prefix}schedule must be one of {', '.join(SCHEDULES)}, got {shown(name)}")
    given = {field.name: f"{prefix}{name}_{field.name}" for field in dataclasses.fields(kind)}
    given["warmup"] = f"{prefix}warmup"
    return kind(**{field: params[key] for field, key in given.items() if key in params})


def check_schedule(schedule: object) -> Schedule:
    """A schedule that somebody gave.

    Raises:
        InvalidInput: if it is none.
    """
    if not isinstance(schedule, Schedule):
        raise InvalidInput(f"schedule must be a schedule, such as CosineDecay(), got {shown(schedule)}")
    return schedule


def to_json(schedule: Schedule) -> dict[str, Any]:
    """A schedule as JSON: its class and its fields."""
    return {"kind": type(schedule).__name__, **dataclasses.asdict(schedule)}


def from_json(data: Mapping[str, Any]) -> Schedule:
    """The schedule that `to_json` described.

    Raises:
        InvalidInput: if kind or fields are others than this version knows.
    """
    fields = dict(data)
    kind = _KINDS.get(str(fields.pop("kind", None)))
    if kind is None or not fields.keys() <= {field.name for field in dataclasses.fields(kind)}:
        raise InvalidInput(f"schedule must be one that this version knows, got {shown(dict(data))}")
    return kind(**fields)
