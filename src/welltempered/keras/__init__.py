"""Training of Keras models: `trainable` makes training code of a function that builds them.

Needs Keras 3 and one of its backends, `pip install keras jax` for the fastest.
"""

from welltempered.keras.report import Report
from welltempered.keras.state import State, state
from welltempered.keras.trainable import Trainable, trainable

__all__ = ["Report", "State", "Trainable", "state", "trainable"]
