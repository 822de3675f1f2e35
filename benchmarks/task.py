"""What everybody is measured on: one space of ten parameters and one learning curve, in plain Python."""

import math
from collections.abc import Mapping
from typing import Any

FLOATS = {
    "learning_rate": (1e-5, 1e-1),
    "weight_decay": (1e-6, 1e-2),
    "epsilon": (1e-10, 1e-4),
    "gradient_clip": (1e-2, 1e2),
}
"""Ranges of the floats, all on a log scale."""

INTS = {"layers": (1, 8), "units": (16, 512), "warmup": (0, 100)}
"""Ranges of the ints, ends included, all on a linear scale."""

CHOICES = {
    "optimizer": ("sgd", "adam", "rmsprop"),
    "activation": ("relu", "gelu", "tanh"),
    "schedule": ("constant", "cosine", "step"),
}
"""Options of the choices."""

EPOCHS = 81
"""Epochs of a full training where early stopping is measured: Hyperband's classic, five brackets at η = 3."""

ETA = 3


def loss(params: Mapping[str, Any], epoch: int) -> float:
    """A curve that costs nothing: falls with the epochs, and good trials are better at every epoch."""
    return abs(math.log10(params["learning_rate"]) + 3) + 1 / epoch
