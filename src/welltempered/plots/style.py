"""What all pictures have in common: size, colours, quiet axes, scales of parameters."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.history import History
from welltempered.space import Parameter

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
"""Told apart by the colour-blind, too: Okabe & Ito, "Color universal design" (2008)."""
COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY)
INK, FAINT = "#333333", "#BBBBBB"

_LOOK: dict[str, Any] = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "figure.facecolor": "white",
    "font.size": 10,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "svg.fonttype": "path",  # the same picture where the font is missing
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def check_axes(axes: object) -> None:
    """Refuse what nothing can be drawn into.

    Raises:
        InvalidInput: if it is neither `None` nor axes of matplotlib.
    """
    if axes is not None and not (hasattr(axes, "spines") and hasattr(axes, "get_figure") and hasattr(axes, "plot")):
        raise InvalidInput(f"axes must be axes of matplotlib, such as figure.add_subplot(), got axes={shown(axes)}")


def check_history(history: object) -> None:
    """Refuse what is no history; who gives a study is told where it has one.

    Raises:
        InvalidInput: with what it is instead.
    """
    if not isinstance(history, History):
        own = isinstance(getattr(history, "history", None), History)
        way_out = "; give study.history" if own else ""
        raise InvalidInput(f"history must be that of a study, study.history, got {shown(history)}{way_out}")


@contextmanager
def canvas(axes: "Axes | None", width: float = 6.4, height: float = 3.6) -> Iterator["Axes"]:
    """The axes to draw into: those given, else new ones in a figure of this size in inches.

    Raises:
        InvalidInput: if matplotlib is not installed, or what is given are no axes.
    """
    check_axes(axes)
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise InvalidInput(
            "pictures need matplotlib, which is not installed: pip install 'welltempered[plots]'"
        ) from None
    with mpl.rc_context(_LOOK):
        if axes is None:
            axes = Figure((width, height), layout="constrained").add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        yield axes


def figure_of(axes: "Axes") -> "Figure":
    """The figure that axes are in."""
    figure: Any = axes.get_figure()
    while figure.get_figure() is not figure:  # axes may be in a part of a figure
        figure = figure.get_figure()
    return figure


def scale_axis(axis: Any, parameter: Parameter, name: str) -> None:
    """Let an axis show a parameter as it is searched: on its own scale, options of choices one beside another.

    Positions on the axis are those of `Parameter.encode`, in [0, 1]; ticks show values.
    """
    axis.set_label_text(name)
    ticks = parameter.grid(5) if parameter.size > _TICKS else tuple(parameter.values())
    axis.set_ticks([parameter.encode(tick) for tick in ticks], [_short(tick) for tick in ticks])


_TICKS = 9
"""Values of a finite parameter that all get a tick."""


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
