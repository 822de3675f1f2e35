"""DEHB, which is no method of its own here, but Hyperband around differential evolution."""

from welltempered.schedulers.hyperband import Hyperband
from welltempered.searchers.evolution import Evolution


def DEHB(*, eta: int = 3, rounds: int | None = None) -> Hyperband:  # noqa: N802 - its name in the literature
    """`Hyperband` around `Evolution` with the F and CR of DEHB's authors; what is written to the log are those two.

    Awad, Mallik & Hutter, "DEHB: evolutionary Hyperband for scalable, robust and efficient hyperparameter
    optimization", IJCAI 2021. As there, each fidelity has a population of its own, a child competes with the one whose
    place it would take, at the same epoch, and no worker waits. What differs:

    - Higher rungs go on with the trials that were promoted, from where they stopped. There they are filled with new
      children of the rung below, each trained from the first epoch on: dearer, where training can be resumed.
    - Parents come from the highest epoch whose population is large enough, whichever the rung that the child begins
      in; there from the rung below.
    - Populations have 20 places; there as many as Hyperband's first round has trials of that fidelity.
    - The first children come after 20 trials, which are Sobol' points; there after a whole bracket of random ones.

    Args:
        eta: η of `Hyperband`. Default 3.
        rounds: of `Hyperband`. Default `None`, until the budget is used.

    Raises:
        InvalidInput: as `Hyperband` does.

    >>> DEHB(eta=4)
    Hyperband(searcher=Evolution(population=20, factor=0.5, crossover=0.5, least=8), eta=4, rounds=None, brackets=None)
    """
    return Hyperband(Evolution(factor=0.5, crossover=0.5), eta, rounds)
