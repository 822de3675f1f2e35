"""Seeds of training code: one per (study seed, trial, epoch), set in all global generators."""

import importlib.util
import random
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np


def seed_of(study: int, trial: int, epoch: int) -> int:
    """The seed of an epoch, in 0 .. 2**63 - 1; epoch 0 is before the first."""
    entropy = np.random.SeedSequence((study, trial, epoch))
    return int(entropy.generate_state(1, np.uint64)[0] >> np.uint64(1))


def seed_everything(seed: int) -> None:
    """Seed the global generators of `random`, NumPy and torch; the last as soon as somebody imports it."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)
    else:
        _seeder.seed = seed
        if _seeder not in sys.meta_path:
            sys.meta_path.insert(0, _seeder)


class _Seeder(MetaPathFinder):
    """Seeds torch when training code imports it, which it may well do after its trial has begun."""

    seed = 0

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        """Find torch as it would be found without us, and seed it once it has been executed."""
        if fullname != "torch":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_seed(module: ModuleType) -> None:
                execute(module)
                module.manual_seed(self.seed)

            spec.loader.exec_module = execute_and_seed  # type: ignore[method-assign]  # of one loader only
        return spec


_seeder = _Seeder()
