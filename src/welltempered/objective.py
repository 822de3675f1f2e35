"""What a study wants: one metric and the direction in which it improves."""

import math
from collections.abc import Mapping

import msgspec

from welltempered.errors import InvalidInput

Metrics = Mapping[str, float | None]
"""What one epoch reported: a number per name; `None` stands for NaN or infinity, which JSON cannot hold."""


class Objective(msgspec.Struct, frozen=True):
    """The metric a study improves; the only place of the package that knows about signs.

    Inside the package a trial has *losses*: lower is better, and what is not finite is `inf`.

    Attributes:
        metric: name under which training code reports it, e.g. `"val_accuracy"`.
        maximize: whether larger values are better.
    """

    metric: str
    maximize: bool = False

    def loss(self, metrics: Metrics) -> float:
        """The loss of one report: the metric, turned round if it is maximized; `inf` if not finite.

        Raises:
            InvalidInput: if the metric is not among the reported ones.
        """
        try:
            value = metrics[self.metric]
        except KeyError:
            raise InvalidInput(
                f"report must contain the objective {self.metric!r}, got {_names(metrics)}; "
                f"call run.report({self.metric}=...) in every epoch"
            ) from None
        if value is None or not math.isfinite(value):
            return math.inf
        return -value if self.maximize else value

    def value(self, loss: float) -> float | None:
        """The metric a loss came from, as the user knows it; `None` if it was not finite."""
        if not math.isfinite(loss):
            return None
        return -loss if self.maximize else loss

    def __str__(self) -> str:
        return f"{'maximize' if self.maximize else 'minimize'} {self.metric}"


def _names(metrics: Metrics) -> str:
    return ", ".join(repr(name) for name in metrics) or "nothing"
