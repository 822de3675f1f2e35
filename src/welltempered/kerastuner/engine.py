"""The modules that scripts of KerasTuner find under `engine`: `kt.engine.hyperparameters.HyperParameters`."""

from welltempered.kerastuner import hypermodel, hyperparameters, objectives, oracle, trial, tuner

base_tuner, metrics_tracking, objective = tuner, objectives, objectives

__all__ = [
    "base_tuner",
    "hypermodel",
    "hyperparameters",
    "metrics_tracking",
    "objective",
    "oracle",
    "trial",
    "tuner",
]
