"""What a scale does: where equally spaced trials fall."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from welltempered.checks import shown, whole
from welltempered.errors import InvalidInput
from welltempered.plots.style import COLOURS, FAINT, INK, canvas, figure_of
from welltempered.space import Float, Int

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def scales(
    parameters: Mapping[str, Float | Int],
    *,
    axis: Float | Int | None = None,
    points: int = 41,
    axes: "Axes | None" = None,
) -> "Figure":
    """Where equally spaced positions of several parameters fall, all shown on one axis.

    Where the ticks of a row are dense, trials will be.

    Args:
        parameters: numeric parameters by the name of their row; their ranges should overlap.
        axis: the parameter whose scale the axis has. Default: the last one.
        points: positions of each. Default 41: few enough to be told apart.
        axes: where to draw. Default: a figure of its own.

    Raises:
        InvalidInput: if there is no parameter, or one (or the axis) is no Float or Int, or matplotlib is not installed.
    """
    points = whole("points", points, "a whole number of at least 2", 2)
    if not isinstance(parameters, Mapping):
        raise InvalidInput(f"parameters must have names, as in {{'log': learning_rate()}}, got {shown(parameters)}")
    for name, parameter in parameters.items():
        if not isinstance(parameter, Float | Int):
            raise InvalidInput(f"parameters must be Float or Int, got {name}={shown(parameter)}")
    if not parameters:
        raise InvalidInput("parameters must be at least one, such as {'log': learning_rate()}, got none")
    if not isinstance(axis, Float | Int | None):
        raise InvalidInput(f"axis must be a Float or Int, such as parameters['log'], got axis={shown(axis)}")
    ruler = [*parameters.values()][-1] if axis is None else axis
    with canvas(axes, 6.4, 0.9 + 0.7 * len(parameters)) as axes_:
        for row, (name, parameter) in enumerate(reversed([*parameters.items()])):
            values = [parameter.decode((i + 0.5) / points) for i in range(points)]
            inside = [ruler.bijection.encode(value) for value in values if ruler.low <= value <= ruler.high]
            colour = COLOURS[row % len(COLOURS)]
            axes_.hlines(row, 0, 1, color=FAINT, linewidth=0.8)
            axes_.plot(inside, [row] * len(inside), "|", color=colour, markersize=16, markeredgewidth=1.4)
            axes_.annotate(name, (0, row), (0, 13), textcoords="offset points", color=INK)
        ticks = ruler.grid(5)
        axes_.set_xticks([ruler.encode(tick) for tick in ticks], [f"{tick:.4g}" for tick in ticks])
        axes_.set(yticks=[], xlim=(-0.02, 1.02), ylim=(-0.5, len(parameters) - 0.2))
        axes_.spines["left"].set_visible(False)
        return figure_of(axes_)
