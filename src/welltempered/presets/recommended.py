"""A space to begin with, as large as a budget can afford."""

from collections.abc import Mapping

from welltempered.budget import Budget
from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.presets.affordable import most, trainings, worthwhile
from welltempered.presets.common import meant
from welltempered.presets.design import layers, size_of, units
from welltempered.presets.fact import Order, check_order
from welltempered.presets.optimizers import optimizer
from welltempered.presets.regularisation import dropout, label_smoothing
from welltempered.presets.schedule import schedule
from welltempered.presets.training import batch_size
from welltempered.space import Parameter, Space

_TASKS = ("classification", "regression")
_OPTIMIZER = "adamw"
"""Adam needs the least tuning to do well; of its kin the one whose weight decay stays out of the gradient."""


def recommended_space(
    task: str,
    *,
    n_in: int,
    n_out: int,
    budget: Budget | int | str,
    epochs: int | None = None,
    order: str = "ng",
) -> Space:
    """A sensible space for a net of dense layers, of the hyperparameters that a budget can afford to search.

    Under 10 full trainings it is the learning rate of AdamW; then β₁, batch size and units join, the same units in all
    layers; from 25 on depth, schedule, weight decay, dropout and (for classes) label smoothing; ε and β₂ come last, and
    layers get units of their own once there are trainings to tell them apart. `advise` says what to fix the others at.
    Code that reads `layers_of(run.params, "units", "dropout", depth=2)` can build the net of every budget.

    Args:
        task: `"classification"` or `"regression"`.
        n_in: size of the input, after flattening.
        n_out: number of classes, or of targets.
        budget: full trainings to spend, as a number or a budget in trials or epochs, such as `"30 trials"`.
        epochs: epochs of a full training, needed for a budget in epochs.
        order: whose order of importance decides what comes first, `"ng"` (the default, see `advise`) or `"yu_zhu"`.

    Raises:
        InvalidInput: if there is no such task or order, a size is below 1, or the budget is one of time or pays for
            nothing.

    >>> list(recommended_space("classification", n_in=784, n_out=10, budget=8))
    ['optimizer', 'adamw_lr']
    >>> list(recommended_space("classification", n_in=784, n_out=10, budget="300 epochs", epochs=30))
    ['optimizer', 'adamw_lr', 'adamw_beta1', 'batch_size', 'units']
    """
    if not isinstance(task, str) or task not in _TASKS:
        raise InvalidInput(f"there is no space for the task {shown(task)}, {meant(task, _TASKS)}")
    for name, size in (("n_in", n_in), ("n_out", n_out)):
        size_of(name, size)
    count, checked = trainings(budget, epochs), check_order(order)
    everything = _candidates(task, n_in, n_out, each=True)
    if len(everything) <= most(count):
        return Space(everything)
    return Space(fitting(_candidates(task, n_in, n_out, each=False), count, checked))


def fitting(candidates: Mapping[str, Parameter], count: int, order: Order) -> dict[str, Parameter]:
    """As many of the candidates as so many full trainings can inform, each with all that are conditional on it.

    Constants cost nothing, so they are all there.
    """
    constant = {name for name, parameter in candidates.items() if parameter.size == 1}
    free = {name: p.means for name, p in candidates.items() if p.condition is None and name not in constant}
    for room in range(most(count), 0, -1):
        kept = constant.union(worthwhile(free, count, order, room))
        chosen = {n: p for n, p in candidates.items() if n in kept or (p.condition and p.condition.names <= kept)}
        if len(chosen) - len(constant) <= most(count):
            break
    return chosen


def _candidates(task: str, n_in: int, n_out: int, *, each: bool) -> dict[str, Parameter]:
    """All parameters that any budget affords."""
    return {
        **optimizer(_OPTIMIZER),
        "batch_size": batch_size(),
        **layers(units=units(n_in=n_in, n_out=n_out), each=each),
        **schedule("constant", "linear", "cosine"),  # they have nothing of their own to tune but a warm-up
        "dropout": dropout(),
        **({"label_smoothing": label_smoothing()} if task == "classification" else {}),
    }
