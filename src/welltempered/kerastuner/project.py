"""What the folder of a project holds beside its study: the space, and when which hyperparameter is in use."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from welltempered.errors import InvalidInput
from welltempered.kerastuner.growing import STATE
from welltempered.kerastuner.hyperparameters import HyperParameters
from welltempered.kerastuner.objectives import Objective
from welltempered.kerastuner.parameters import Parent
from welltempered.study import Study

__all__ = ["Conditions", "check_objective", "read_state", "untrained", "write_state"]

Conditions = Mapping[str, Sequence[Parent]]


def write_state(folder: Path, oracle: str, hyperparameters: HyperParameters, conditions: Conditions) -> None:
    """Write the space, in one piece."""
    state = {
        "oracle": oracle,
        "hyperparameters": hyperparameters.get_config(),
        "conditions": {name: [each.get_config() for each in parents] for name, parents in conditions.items()},
    }
    half = folder / f"{STATE}.new"
    half.write_text(json.dumps(state), encoding="utf-8")
    half.replace(folder / STATE)


def read_state(folder: Path, oracle: str) -> tuple[HyperParameters, Conditions]:
    """The space and the conditions.

    Raises:
        RuntimeError: if another method has written them.
    """
    state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    if state["oracle"] != oracle:
        raise RuntimeError(
            f"the project in {folder} must be of the same method to go on, {state['oracle']}, got {oracle}; "
            "pass `overwrite=True` to begin anew, or another project_name"
        )
    conditions = {name: [Parent.from_config(each) for each in found] for name, found in state["conditions"].items()}
    return HyperParameters.from_config(state["hyperparameters"]), conditions


def check_objective(study: Study, objective: Objective, folder: Path) -> None:
    """Make sure that a study is of this objective.

    Raises:
        InvalidInput: if it is not.
    """
    found = study.header.objective
    direction = "max" if found.maximize else "min"
    if (found.metric, direction) != (objective.name, objective.direction):
        raise InvalidInput(
            f'objective must be that of the project in {folder}, "{found.metric}", {direction}, got '
            f"{objective}; give another project_name, or overwrite=True"
        )


def untrained(run: object) -> None:
    """Stand where a study wants to know its training code, which is given when it runs."""
    raise InvalidInput(f"this study must be run by its tuner, got {run!r}")
