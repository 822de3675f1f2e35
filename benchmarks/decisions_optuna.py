"""The same for Optuna, in an environment that has it: see benchmarks/decisions.py, which starts this."""

import json
import math
import random
import sys
import time
from statistics import median
from typing import Any

import optuna

from benchmarks.task import CHOICES, FLOATS, INTS, loss

LAST = 10


def main(sampler: str, trials: int) -> None:
    """Fill a study in memory with trials at random, then ask and tell."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    options = {"multivariate": True, "seed": 0} if sampler == "TPESampler" else {"seed": 0}
    study = optuna.create_study(sampler=getattr(optuna.samplers, sampler)(**options))
    space: dict[str, Any] = {
        **{name: optuna.distributions.FloatDistribution(*ends, log=True) for name, ends in FLOATS.items()},
        **{name: optuna.distributions.IntDistribution(*ends) for name, ends in INTS.items()},
        **{name: optuna.distributions.CategoricalDistribution(options) for name, options in CHOICES.items()},
    }
    rng = random.Random(0)
    for _ in range(trials - LAST):
        params: dict[str, Any] = {name: 10 ** rng.uniform(*map(math.log10, ends)) for name, ends in FLOATS.items()}
        params |= {name: rng.randint(*ends) for name, ends in INTS.items()}
        params |= {name: rng.choice(each) for name, each in CHOICES.items()}
        study.add_trial(optuna.create_trial(params=params, distributions=space, value=loss(params, 1)))
    walls, processor = [], []
    for _ in range(LAST):
        begin, cpu = time.perf_counter(), time.process_time()
        trial = study.ask(space)
        walls.append(time.perf_counter() - begin)
        processor.append(time.process_time() - cpu)
        study.tell(trial, loss(trial.params, 1))
    print(json.dumps({"decision": 1e3 * median(walls), "processor": 1e3 * median(processor), "learning": 0.0}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
