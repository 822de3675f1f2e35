"""The learning-rate schedule as hyperparameters: which one, and how it anneals."""

from collections.abc import Mapping

from welltempered.annealing.named import SCHEDULES
from welltempered.checks import prefix_of, shown
from welltempered.errors import InvalidInput
from welltempered.presets.common import meant, names_apart
from welltempered.space.choice import Choice
from welltempered.space.parameters import Float, Int, Parameter

_USUAL = ("constant", "step", "exponential", "linear", "cosine", "one_cycle", "plateau")
"""All but "polynomial", of which "linear" is the one most used, without a parameter of its own."""

_FIRST = "cosine"
"""The default where it is among the options: Google's Deep Learning Tuning Playbook recommends linear or cosine
decay."""

_OWN: Mapping[str, Mapping[str, Parameter]] = {
    "step": {
        "factor": Float(0.05, 0.5, scale="log", default=0.1, means="step_factor"),
        "drops": Int(1, 4, default=2, means="step_drops"),
    },
    "exponential": {"rate": Float(1.0, 10.0, scale="log", means="exponential_rate")},
    "polynomial": {"power": Float(0.5, 3.0, scale="log", default=1.0, means="polynomial_power")},
    "one_cycle": {"rise": Float(0.1, 0.5, default=0.3, means="one_cycle_rise")},
    "plateau": {
        "factor": Float(0.1, 0.5, scale="log", default=0.1, means="plateau_factor"),
        "patience": Int(1, 10, scale="log", default=5, means="plateau_patience"),
    },
}

_WARMUP = Float(0.25, 4.0, scale="zero_or_log", default=0.0, means="warmup")


def schedule(*names: str, prefix: str = "") -> dict[str, Parameter]:
    """The parameters of a learning-rate schedule: a choice among schedules, what each of them needs, and warm-up.

    ```python
    space = wt.Space(wt.schedule(), lr=wt.Float(1e-4, 1, scale="log"))
    optimizer = run.build_optimizer(model, optimizer="sgd", steps=len(loader))
    ```

    - `schedule`: one of the names, which have no order. The default is cosine, if it is among them.
    - `step_factor`, 0.05 to 0.5, log: 0.1 of residual nets (He et al. 2016), 0.2 of wide ones (Zagoruyko & Komodakis
      2016) and the half lie in it.
    - `step_drops`, 1 to 4: two are usual on ImageNet, three for wide residual nets (at 60, 120 and 160 of 200 epochs).
    - `exponential_rate`, 1 to 10, log: e-folds until the horizon. 1 leaves a third of the learning rate, hardly an
      annealing, 10 leaves 1/22,000. A decay rate acts by its order of magnitude, see `ExponentialDecay`.
    - `polynomial_power`, 0.5 to 3, log: around the straight line; 0.5 is an example of Keras' documentation, 0.9 what
      DeepLab has (Chen et al. 2017).
    - `one_cycle_rise`, 0.1 to 0.5 of the horizon: 0.3 of fastai and PyTorch, up to the symmetric triangle of Smith &
      Topin (2018).
    - `plateau_factor`, 0.1 to 0.5, log: "a factor of 2-10 once learning stagnates" (PyTorch and Keras).
    - `plateau_patience`, 1 to 10 epochs, log: up to the default of PyTorch and Keras; with more, a short training never
      falls.
    - `warmup`, exactly 0 or 0.25 to 4 epochs, log: off by default; the 5 of 90 epochs of Goyal et al. (2017) are the
      usual upper end for large batches. Below one epoch it needs a schedule that advances per step. One-cycle rises by
      itself and has none.

    All but `warmup` and `plateau_patience` are shares or numbers that hold for every horizon, so the ranges do too.

    Args:
        names: the options, of "constant", "step", "exponential", "linear", "polynomial", "cosine", "one_cycle" and
            "plateau".
            Default: all but "polynomial". One name alone gives its parameters without a real choice.
        prefix: put before each name, where a space has several schedules: `prefix="generator"`. Default none.

    Returns:
        Parameters by name, for a `Space`: `Space(schedule("cosine"), lr=learning_rate())`. `schedule_of` makes a
        schedule of the params drawn from it.

    Raises:
        InvalidInput: if a name is unknown or comes twice, or the prefix cannot begin a name.

    >>> list(schedule("cosine", "exponential"))
    ['schedule', 'exponential_rate', 'warmup']
    """
    prefix = prefix_of(prefix)
    names = names or _USUAL
    names_apart("schedule", names)
    for name in names:
        if not isinstance(name, str) or name not in SCHEDULES:
            raise InvalidInput(f"there is no schedule {shown(name)}, {meant(name, SCHEDULES)}")
    if len(set(names)) < len(names):
        raise InvalidInput(f"names must differ, got {', '.join(names)}")
    choice = f"{prefix}schedule"
    default = _FIRST if _FIRST in names else None
    parameters: dict[str, Parameter] = {choice: Choice(*names, default=default, means="schedule")}
    for name in names:
        for field, parameter in _OWN.get(name, {}).items():
            parameters[f"{prefix}{name}_{field}"] = parameter.when(**{choice: name})
    warming = tuple(name for name in names if name != "one_cycle")
    if warming:
        always = warming == names
        parameters[f"{prefix}warmup"] = _WARMUP if always else _WARMUP.when(**{choice: warming})
    return parameters
