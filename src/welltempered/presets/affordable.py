"""How many full trainings a budget pays for, and which hyperparameters are worth them."""

import math
from collections.abc import Mapping

from welltempered.budget import Budget
from welltempered.checks import shown, whole
from welltempered.errors import InvalidInput
from welltempered.presets.fact import Order
from welltempered.presets.facts import FACTS

_SEVERAL, _MANY = 10, 25
"""Full trainings from which more than the learning rate is worth a search, and then the rest (Deep Learning Tuning
Playbook, "How should Adam's hyperparameters be tuned?")."""

_EARLY = "beta1"
"""Last in Ng's order, but the first after the learning rate in the Playbook's: it is the momentum of Adam."""


def trainings(budget: Budget | int | str, epochs: int | None = None) -> int:
    """The number of full trainings that a budget pays for.

    Args:
        budget: that number itself; or a budget in trials or epochs, such as `"30 trials"`.
        epochs: epochs of a full training, needed for a budget in epochs. Default: none.

    Raises:
        InvalidInput: if it does not pay for one, has no bound, or is one of time.

    >>> trainings("900 epochs", epochs=30)
    30
    """
    if not isinstance(budget, Budget | str | None):
        return whole("budget", budget, "a whole number of full trainings of at least 1, or such as '30 trials'", 1)
    if isinstance(budget, str) and budget.strip().isdecimal():
        raise InvalidInput(
            f"budget must be a number or say its unit, {budget.strip()} or '{budget.strip()} trials', got {budget!r}"
        )
    bounds = Budget.of(budget)
    if epochs is not None:
        epochs = whole("epochs", epochs, "the epochs of a full training, a whole number of at least 1", 1)
    if bounds.seconds < math.inf:
        raise InvalidInput(
            f"budget must be in trials or epochs here, got {shown(str(bounds))}: time one training, and divide by that"
        )
    if bounds.epochs < math.inf and epochs is None:
        raise InvalidInput(
            f"epochs must say how many a full training has, to know how many {bounds} pay for; "
            "or give the number of full trainings itself"
        )
    count = min(bounds.trials, bounds.epochs / (epochs or 1))
    if math.isinf(count):
        raise InvalidInput(
            "budget must have a bound, such as '30 trials' or 30: without one everything can be afforded"
        )
    if count < 1:
        raise InvalidInput(f"budget must pay for a full training at least, got {bounds} with {epochs=}")
    return int(count)


def most(count: int) -> int:
    """How many parameters so many full trainings can inform, at least one.

    Two for each five trainings, by rule of thumb: that lies above the Playbook's (two for ten, three for 25), as mostly
    only a few of those in a space matter (Bergstra & Bengio 2012, JMLR 13), and a Sobol point serves all at once.
    """
    return max(1, 2 * count // 5)


def worthwhile(means: Mapping[str, str | None], count: int, order: Order, room: int) -> list[str]:
    """The names of the parameters that are worth a search with so many full trainings, the most important first.

    Args:
        means: which hyperparameter each is, by name; `None` where nobody knows, which comes last.
        count: the number of full trainings.
        order: whose order of importance.
        room: how many to name at most; those go first that are worth it from the fewest trainings on.
    """
    worth = [name for name, word in means.items() if count >= _from(word, order)]
    # Both sorts are stable: as declared among equals.
    chosen = sorted(worth, key=lambda name: (_from(means[name], order), place(means[name], order)))[:room]
    return sorted(chosen, key=lambda name: place(means[name], order))


def affordable(means: Mapping[str, str | None], count: int, order: Order) -> list[str]:
    """As many of the worthwhile parameters as so many full trainings can inform; the most important one in any case.

    >>> affordable({"dropout": "dropout", "lr": "learning_rate", "momentum": "momentum"}, 12, "ng")
    ['lr', 'momentum']
    """
    first = sorted(means, key=lambda name: place(means[name], order))[:1]
    return worthwhile(means, count, order, most(count)) or first


def place(word: str | None, order: Order) -> tuple[float, float]:
    """Where a hyperparameter stands in an order; unknown ones at the end."""
    fact = FACTS.get(word or "")
    return (math.inf, math.inf) if fact is None else fact.place(order)


def _from(word: str | None, order: Order) -> int:
    """The number of full trainings from which a hyperparameter is worth its trials."""
    fact = FACTS.get(word or "")
    if fact is None:
        return _SEVERAL
    if word == "learning_rate":
        return 1
    early = fact.tier <= 2 if order == "ng" else fact.place(order) <= FACTS["depth"].place(order)
    return _SEVERAL if early or word == _EARLY else _MANY
