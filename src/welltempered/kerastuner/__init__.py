"""The interface of KerasTuner on studies of ours: change the import, and scripts run.

```python
import welltempered.kerastuner as kt
```
"""

from typing import Never

from welltempered.kerastuner import engine, errors, oracles, tuners
from welltempered.kerastuner.hypermodel import HyperModel
from welltempered.kerastuner.hyperparameters import HyperParameters
from welltempered.kerastuner.objectives import Objective
from welltempered.kerastuner.oracle import Oracle
from welltempered.kerastuner.tuners import BayesianOptimization, GridSearch, Hyperband, RandomSearch, Tuner

__all__ = [
    "BayesianOptimization",
    "GridSearch",
    "HyperModel",
    "HyperParameters",
    "Hyperband",
    "Objective",
    "Oracle",
    "RandomSearch",
    "Tuner",
    "engine",
    "errors",
    "oracles",
    "tuners",
]

_ELSEWHERE = {
    "SklearnTuner": "wt.tune tunes any training, also one of scikit-learn",
    "applications": "pass a hypermodel of keras_tuner.applications, or one of your own",
    "synchronized": "an oracle is a study, which takes care of itself",
}


def __getattr__(name: str) -> Never:
    """What KerasTuner has and this does not: say what does its work."""
    instead = f": {_ELSEWHERE[name]}" if name in _ELSEWHERE else ""
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}{instead}")
