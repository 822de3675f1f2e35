"""The choice of an optimizer, and the hyperparameters that each brings along."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from welltempered.budget import Budget
from welltempered.checks import prefix_of, shown
from welltempered.errors import InvalidInput
from welltempered.presets.affordable import trainings
from welltempered.presets.common import meant, names_apart
from welltempered.presets.regularisation import weight_decay
from welltempered.presets.training import beta1, beta2, epsilon, learning_rate, momentum, rho
from welltempered.space import Choice, Parameter

OPTIMIZERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sgd": ("lr", "momentum", "weight_decay"),
        "nesterov": ("lr", "momentum", "weight_decay"),
        "rmsprop": ("lr", "rho", "epsilon", "weight_decay"),
        "adagrad": ("lr", "epsilon", "weight_decay"),
        # An L2 penalty in Adam's gradient is what AdamW was made to replace: who wants weight decay takes that.
        "adam": ("lr", "beta1", "beta2", "epsilon"),
        "adamw": ("lr", "beta1", "beta2", "epsilon", "weight_decay"),
        "nadam": ("lr", "beta1", "beta2", "epsilon"),
    }
)
"""The hyperparameters of each optimizer, the most important first; their parameters are called `<optimizer>_<word>`."""

_WORDS: Mapping[str, Callable[[], Parameter]] = MappingProxyType(
    {
        "lr": learning_rate,
        "momentum": momentum,
        "rho": rho,
        "beta1": beta1,
        "beta2": beta2,
        "epsilon": epsilon,
        "weight_decay": weight_decay,
    }
)
# Where an optimizer needs other ranges than the presets have. Plain gradients are small, so SGD takes larger steps than
# those which divide by the size of the gradient; AdaGrad's steps only shrink, so they begin larger (Duchi et al. 2011).
# Frameworks multiply AdamW's weight decay (Loshchilov & Hutter 2019) by the learning rate, so it takes more of it.
_SPECIAL: Mapping[str, Callable[[], Parameter]] = MappingProxyType(
    {
        "sgd_lr": lambda: learning_rate(1e-4, 1.0),
        "nesterov_lr": lambda: learning_rate(1e-4, 1.0),
        "adagrad_lr": lambda: learning_rate(1e-3, 1.0, default=0.01),
        "adamw_weight_decay": lambda: weight_decay(1e-4, 1.0, default=0.01),
    }
)
_FROM = {"lr": 1, "momentum": 10, "beta1": 10}
"""Full trainings from which a word is worth its trials (Deep Learning Tuning Playbook, "How should Adam's
hyperparameters be tuned?"); all others need 25."""
_MANY = 25


def optimizer(*names: str, prefix: str = "", budget: Budget | int | str | None = None) -> dict[str, Parameter]:
    """The choice of an optimizer, with the hyperparameters of each, active only where it is chosen.

    Hyperparameters of the same word are different ones: the best learning rate of SGD is not Adam's. So each has its
    own, all called `<optimizer>_<word>`:

    - `"sgd"`: `sgd_lr`, `sgd_momentum`, `sgd_weight_decay`; `"nesterov"` the same words;
    - `"rmsprop"`: `rmsprop_lr`, `rmsprop_rho`, `rmsprop_epsilon`, `rmsprop_weight_decay`;
    - `"adagrad"`: `adagrad_lr`, `adagrad_epsilon`, `adagrad_weight_decay`;
    - `"adam"`: `adam_lr`, `adam_beta1`, `adam_beta2`, `adam_epsilon`; `"nadam"` the same words;
    - `"adamw"`: the words of Adam, and `adamw_weight_decay`.

    Args:
        names: some of sgd (with momentum), nesterov (the same, with Nesterov's), rmsprop, adagrad, adam, adamw and
            nadam; with one, the choice has a single option and the rest no conditions.
        prefix: of all names, for several optimizers in one space, such as `"disc"` for `disc_optimizer` and
            `disc_sgd_lr`.
        budget: full trainings that can be afforded, as a number or such as `"30 trials"`. Under 10 only the learning
            rates are searched, under 25 also momentum and β₁, then all. Default `None`: all.

    Returns:
        Parameters by name, for a `Space`: `Space(optimizer("sgd", "adam"), layers(...), batch=batch_size())`.

    Raises:
        InvalidInput: if there is no name, an unknown one, or one twice, or the budget pays for no training.

    >>> for name, parameter in optimizer("sgd", "adam", budget=5).items():
    ...     print(name, parameter)
    optimizer Choice('sgd', 'adam')
    sgd_lr Float(0.0001, 1.0, scale='log').when("optimizer == 'sgd'")
    adam_lr Float(1e-05, 0.1, scale='log').when("optimizer == 'adam'")
    """
    if not names:
        raise InvalidInput(f'optimizer needs a name, as in optimizer("sgd", "adam"); there are {", ".join(OPTIMIZERS)}')
    names_apart("optimizer", names)
    for name in names:
        if not isinstance(name, str) or name not in OPTIMIZERS:
            raise InvalidInput(f"there is no preset of the optimizer {shown(name)}, {meant(name, OPTIMIZERS)}")
    if len(set(names)) < len(names):
        raise InvalidInput(f"names of optimizers must differ, got {', '.join(names)}")
    count = math.inf if budget is None else trainings(budget)
    prefix = prefix_of(prefix)
    chosen = f"{prefix}optimizer"
    made: dict[str, Parameter] = {chosen: Choice(*names, means="optimizer")}
    for name in names:
        for word in OPTIMIZERS[name]:
            if count >= _FROM.get(word, _MANY):
                own = f"{name}_{word}"
                parameter = _SPECIAL.get(own, _WORDS[word])()
                made[f"{prefix}{own}"] = parameter if len(names) == 1 else parameter.when(f"{chosen} == {name!r}")
    return made
