"""ConfigSpace, which DEHB and SMAC share."""

from ConfigSpace import (  # type: ignore[import-not-found]  # it lives in the peers' environments
    CategoricalHyperparameter,
    ConfigurationSpace,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)

from benchmarks.adapters.encoding import CHOICE, INT, Parameter, Space


def configuration_space(space: Space, seed: int) -> ConfigurationSpace:
    """What is searched, in ConfigSpace's words."""
    result = ConfigurationSpace(seed=seed)
    for each in space.searched:
        result.add(_hyperparameter(each))
    return result


def _hyperparameter(each: Parameter) -> CategoricalHyperparameter | UniformFloatHyperparameter:
    if each.kind == CHOICE:
        return CategoricalHyperparameter(each.name, each.texts)
    kind = UniformIntegerHyperparameter if each.kind == INT else UniformFloatHyperparameter
    return kind(each.name, each.low, each.high, log=each.log)
