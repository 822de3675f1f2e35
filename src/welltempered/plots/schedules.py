"""Learning-rate schedules as curves, each with its name beside it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from welltempered.annealing.named import Schedule, check_schedule
from welltempered.annealing.plateau import ReduceOnPlateau
from welltempered.annealing.ramp import span_of
from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.plots.style import COLOURS, canvas, figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FINE = 100
"""Points per epoch of a curve."""

_WIDE = 0.12
"""Half of the width of a name, as share of the picture's."""

_ENOUGH = 0.1
"""Of the height that is free around a name: more is not better."""

_TRIES = 60
"""Places on a curve that are tried for its name."""


def schedules(
    schedules: Mapping[str, Schedule] | Iterable[Schedule],
    *,
    epochs: int,
    steps: int | None = None,
    losses: Sequence[float] | None = None,
    axes: "Axes | None" = None,
) -> "Figure":
    """The share of the base rate that each learning-rate schedule takes, against the epochs.

    Args:
        schedules: by the names they are to have in the picture, or alone, then named after their classes.
        epochs: horizon.
        steps: optimizer steps per epoch, drawn as the stairs that they are. Default: smooth curves, and stairs of an
            epoch for a `ReduceOnPlateau`.
        losses: of the epochs, for a `ReduceOnPlateau`. Default: a training that improves on its first third, and then
            on every sixth epoch.

        axes: where to draw. Default: a figure of its own.

    Raises:
        InvalidInput: if an argument is something else, or matplotlib is not installed.
    """
    named = _named(schedules)
    epochs, fine = span_of(epochs, _FINE if steps is None else steps)
    losses = _example(epochs) if losses is None else _floats(losses, epochs)
    curves = [_curve(schedule, epochs, fine, losses) for schedule in named.values()]
    inks = [COLOURS[i % len(COLOURS)] for i in range(len(curves))]
    with canvas(axes) as axes_:
        for schedule, shares, ink in zip(named.values(), curves, inks, strict=True):
            stairs = steps is not None or isinstance(schedule, ReduceOnPlateau)
            style = "steps-post" if stairs else "default"
            axes_.plot(np.arange(len(shares)) / fine, shares, color=ink, drawstyle=style)
        for name, (at, height), ink in zip(named, _places(curves), inks, strict=True):
            paper = {"facecolor": axes_.get_facecolor(), "edgecolor": "none", "alpha": 0.85, "pad": 1.0}
            axes_.text(at * epochs, height, name, color=ink, ha="center", va="center", bbox=paper, zorder=4)
        axes_.set(xlim=(0, epochs), ylim=(0, 1.05), xlabel="epoch", ylabel="share of the learning rate")
        return figure_of(axes_)


def _named(schedules: Any) -> dict[str, Schedule]:
    if isinstance(schedules, Schedule):
        schedules = [schedules]
    if not isinstance(schedules, Mapping):
        if not isinstance(schedules, Iterable):
            raise InvalidInput(f"schedules must be a dict or list of schedules, got {shown(schedules)}")
        found = [check_schedule(schedule) for schedule in schedules]
        alike = {type(schedule).__name__ for schedule in found}
        schedules = {
            type(schedule).__name__ if len(alike) == len(found) else repr(schedule): schedule for schedule in found
        }
    if not schedules:
        raise InvalidInput(f"schedules must be at least one, such as [CosineDecay()], got {shown(schedules)}")
    return {str(name): check_schedule(schedule) for name, schedule in schedules.items()}


def _curve(schedule: Schedule, epochs: int, steps: int, losses: Sequence[float]) -> NDArray[np.float64]:
    """The share of each step, up to the last one and the moment after it."""
    step = np.arange(epochs * steps + 1)
    shares: NDArray[np.float64]
    if not isinstance(schedule, ReduceOnPlateau):
        shares = schedule.at(step, epochs=epochs, steps=steps)
        return shares
    factors = np.array([1.0, *schedule.factors(losses[:epochs])])
    shares = factors[np.minimum(step // steps, len(factors) - 1)] * schedule.warming(step, steps=steps)
    return shares


def _floats(losses: Any, epochs: int) -> list[float]:
    rule = "losses must be a list of numbers, one per epoch"
    try:
        found = [float(loss) for loss in losses]
    except (TypeError, ValueError):
        raise InvalidInput(f"{rule}, got {shown(losses)}") from None
    if len(found) < epochs:
        raise InvalidInput(f"{rule}, got {len(found)} for epochs={epochs}")
    return found


def _example(epochs: int) -> list[float]:
    """Losses that fall for a third of the training, and seldom later."""
    return [-float(epoch if epoch < epochs / 3 else epoch // 6 / epochs + epochs / 3) for epoch in range(epochs)]


def _places(curves: Sequence[NDArray[np.float64]]) -> list[tuple[float, float]]:
    """Where on its curve each name stands, as share of the width and height: far from other curves and names."""
    places: list[tuple[float, float]] = []
    for curve in curves:
        best = (-1.0, 0.5, 0.0)
        for at in np.linspace(_WIDE, 1 - _WIDE, _TRIES):
            heights = [float(other[int(at * (len(other) - 1))]) for other in curves]
            own = float(curve[int(at * (len(curve) - 1))])
            free = [abs(own - height) for height, other in zip(heights, curves, strict=True) if other is not curve]
            free += [abs(own - height) for x, height in places if abs(x - at) < 2 * _WIDE]
            best = max(best, (min([_ENOUGH, *free]), float(at), own))
        places.append(best[1:])
    return places
