"""welltempered: hyperparameter tuning of deep neural nets.

A study is an append-only log of events; trials train on leases of epochs and continue exactly where they stopped;
every decision is a pure function of the history and can be derived again. `tune` is the front door.
"""

from importlib import import_module
from types import ModuleType

from welltempered.advice.advise import Advice, advise
from welltempered.annealing.curves import (
    Constant,
    CosineDecay,
    ExponentialDecay,
    OneCycle,
    PolynomialDecay,
    StepDecay,
)
from welltempered.annealing.named import schedule_of
from welltempered.annealing.plateau import ReduceOnPlateau
from welltempered.budget import Budget
from welltempered.check.check import check
from welltempered.check.result import Check, Checked
from welltempered.decide import Decision, Resume, Scheduler, Searcher, Start, Stop, Wait
from welltempered.errors import (
    CheckpointUnwritten,
    Conflict,
    CorruptCheckpoint,
    CorruptLog,
    InvalidInput,
    StudyBusy,
    StudyChanged,
    TrainingFailed,
    WelltemperedError,
)
from welltempered.events import Cut, Ended, Event, Header, Origin, Reported, Resumed, Started, Undone
from welltempered.execute.base import Executor
from welltempered.execute.inline import Inline
from welltempered.execute.processes import Processes
from welltempered.execute.simulate import Simulator
from welltempered.experiment import Experiment
from welltempered.frameworks.batches import batches
from welltempered.frameworks.keras import for_keras
from welltempered.frameworks.torch import for_torch
from welltempered.history import Fold, History
from welltempered.lease import Lease, Lost
from welltempered.limits import Limits
from welltempered.lock import Note
from welltempered.log.base import Log
from welltempered.log.memory import Memory
from welltempered.log.sql import Sql
from welltempered.objective import Objective
from welltempered.presets.design import layers, layers_of, units
from welltempered.presets.fact import Fact
from welltempered.presets.facts import about
from welltempered.presets.optimizers import optimizer
from welltempered.presets.recommended import recommended_space
from welltempered.presets.regularisation import clip_norm, dropout, label_smoothing, weight_decay
from welltempered.presets.schedule import schedule
from welltempered.presets.training import batch_size, beta1, beta2, epsilon, learning_rate, momentum, rho
from welltempered.replay import Replay
from welltempered.run import Run
from welltempered.schedulers.bohb import BOHB
from welltempered.schedulers.dehb import DEHB
from welltempered.schedulers.freeze_thaw import FreezeThaw
from welltempered.schedulers.full import Full
from welltempered.schedulers.halving import Halving
from welltempered.schedulers.hyperband import Hyperband
from welltempered.schedulers.pasha import PASHA
from welltempered.schedulers.pbt import PBT
from welltempered.schedulers.rules import Median, Percentile, Plateau, Slack
from welltempered.schedulers.staged import Staged
from welltempered.searchers.cma import CMA
from welltempered.searchers.evolution import Evolution
from welltempered.searchers.first import First
from welltempered.searchers.gp import GP
from welltempered.searchers.grid import Grid
from welltempered.searchers.portfolio import Portfolio
from welltempered.searchers.prior import Prior
from welltempered.searchers.random import Random
from welltempered.searchers.replicate import Replicate
from welltempered.searchers.sobol import Sobol
from welltempered.searchers.tpe import TPE
from welltempered.searchers.warm import Warm
from welltempered.searchers.zoom import Zoom, zooms
from welltempered.searchers.zoomed import Change, Zoomed, zoom
from welltempered.space import Choice, Float, Int, Space
from welltempered.study import Study
from welltempered.sweep.result import RangeTest
from welltempered.sweep.torch import range_test
from welltempered.trial import Stage, Trial
from welltempered.tune import tune

__all__ = [
    "BOHB",
    "CMA",
    "DEHB",
    "GP",
    "PASHA",
    "PBT",
    "TPE",
    "Advice",
    "Budget",
    "Change",
    "Check",
    "Checked",
    "CheckpointUnwritten",
    "Choice",
    "Conflict",
    "Constant",
    "CorruptCheckpoint",
    "CorruptLog",
    "CosineDecay",
    "Cut",
    "Decision",
    "Ended",
    "Event",
    "Evolution",
    "Executor",
    "Experiment",
    "ExponentialDecay",
    "Fact",
    "First",
    "Float",
    "Fold",
    "FreezeThaw",
    "Full",
    "Grid",
    "Halving",
    "Header",
    "History",
    "Hyperband",
    "Inline",
    "Int",
    "InvalidInput",
    "Lease",
    "Limits",
    "Log",
    "Lost",
    "Median",
    "Memory",
    "Note",
    "Objective",
    "OneCycle",
    "Origin",
    "Percentile",
    "Plateau",
    "PolynomialDecay",
    "Portfolio",
    "Prior",
    "Processes",
    "Random",
    "RangeTest",
    "ReduceOnPlateau",
    "Replay",
    "Replicate",
    "Reported",
    "Resume",
    "Resumed",
    "Run",
    "Scheduler",
    "Searcher",
    "Simulator",
    "Slack",
    "Sobol",
    "Space",
    "Sql",
    "Stage",
    "Staged",
    "Start",
    "Started",
    "StepDecay",
    "Stop",
    "Study",
    "StudyBusy",
    "StudyChanged",
    "TrainingFailed",
    "Trial",
    "Undone",
    "Wait",
    "Warm",
    "WelltemperedError",
    "Zoom",
    "Zoomed",
    "about",
    "advise",
    "batch_size",
    "batches",
    "beta1",
    "beta2",
    "check",
    "clip_norm",
    "dropout",
    "epsilon",
    "for_keras",
    "for_torch",
    "label_smoothing",
    "layers",
    "layers_of",
    "learning_rate",
    "momentum",
    "optimizer",
    "range_test",
    "recommended_space",
    "rho",
    "schedule",
    "schedule_of",
    "tune",
    "units",
    "weight_decay",
    "zoom",
    "zooms",
]


def __getattr__(name: str) -> ModuleType:
    """`wt.jax`, `wt.keras` and `wt.lightning`, imported when first used: each needs its framework."""
    if name in {"jax", "keras", "lightning"}:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
