"""Random search: Bergstra & Bengio, "Random search for hyper-parameter optimization", JMLR 13 (2012)."""

import math
from dataclasses import dataclass

from welltempered.history import History
from welltempered.searchers.untried import TRIES, Untried
from welltempered.space import Params


@dataclass(frozen=True)
class Random:
    """Independent draws from the space, each parameter uniform on its own scale; no point of a finite space twice.

    With 25 trials it tries 25 values of the parameter that matters, where a grid of two parameters tries 5.
    A suggestion costs O(parameters), whatever the number of trials; only when a finite space is nearly exhausted
    it costs O(points left).
    """

    def suggest(self, history: History) -> Params | None:
        """A random point; `None` if a finite space is exhausted.

        In an infinite one a tried point is drawn again too (a weight decay of zero may recur), but not for ever: it is
        repeated where nearly all draws have been tried.
        """
        rng = history.rng
        for _ in range(TRIES):
            params = history.space.sample(rng)
            if not history.tried(params):
                return params
        return Untried().pick(history, rng) if history.space.size < math.inf else params
