"""What a trial takes from its parent's state: all that was learnt, but no hyperparameters, which are its own."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from welltempered.frameworks.torch import set_rate

if TYPE_CHECKING:
    from torch.optim import Optimizer

__all__ = ["inherit"]

_POSITION = (
    *("last_epoch", "_step_count", "T_cur", "T_i"),
    *("best", "num_bad_epochs", "cooldown_counter", "taken"),  # of plateaus
)
"""Where a schedule of torch stands. All else in its state are base rates and other hyperparameters."""


def inherit(kept: Any, put: Callable[[Any], object], state: Any) -> None:
    """Give the parent's state to what a trial keeps.

    An optimizer of torch gets moments and step counts, and keeps the hyperparameters with which it was built; its rate
    is as far along its schedule as the parent's was. A schedule of torch gets the position. What has a method `inherit`
    gets the state by that. All else gets the state as it is.

    Args:
        kept: what was given to `run.keep`.
        put: restores it.
        state: what the parent has kept under this name.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(kept, torch.optim.Optimizer):
        _take_moments(kept, state)
    elif torch is not None and isinstance(kept, torch.optim.lr_scheduler.LRScheduler):
        _take_position(kept, state)
    else:
        getattr(kept, "inherit", put)(state)


def _take_moments(optimizer: "Optimizer", state: Mapping[str, Any]) -> None:
    """The state of each parameter; of another kind of optimizer there is nothing to take."""
    parents: Sequence[Mapping[str, Any]] = state["param_groups"]
    if not all(optimizer.defaults.keys() <= parent.keys() for parent in parents):
        return
    own = [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]
    # How a state is loaded depends on its hyperparameters: of a fused optimizer the count of steps lies on the GPU.
    groups = [{**parent} | mine for parent, mine in zip(parents, own, strict=True)]
    optimizer.load_state_dict({**state, "param_groups": groups})
    for group, mine, parent in zip(optimizer.param_groups, own, parents, strict=True):
        if "initial_lr" in mine and (base := float(parent.get("initial_lr", 0.0))):
            set_rate(group, float(mine["initial_lr"]) * float(parent["lr"]) / base)


def _take_position(schedule: Any, state: Mapping[str, Any]) -> None:
    position = {key: state[key] for key in _POSITION if key in state}
    mine = schedule.state_dict()
    schedule.load_state_dict({**mine, **position})
    schedule._last_lr = [float(group["lr"]) for group in schedule.optimizer.param_groups]
    if "fallen" in state and "fallen" in mine:
        schedule.fall(state["fallen"])
    # Of a sequence of schedules each has a state of its own.
    for part, inner in zip(getattr(schedule, "_schedulers", ()), state.get("_schedulers", ()), strict=True):
        _take_position(part, inner)
