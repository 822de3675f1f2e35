"""BOHB, which is no method of its own here, but Hyperband around a TPE with the settings of its authors."""

from welltempered.schedulers.hyperband import Hyperband
from welltempered.searchers.tpe import TPE


def BOHB(*, eta: int = 3, rounds: int | None = None) -> Hyperband:  # noqa: N802 - its name in the literature
    """`Hyperband` around a `TPE` with the settings of BOHB's authors; what is written to the log are those two.

    Falkner, Klein & Hutter, "BOHB: robust and efficient hyperparameter optimization at scale", ICML 2018, appendix: the
    best 15 % are good, 64 candidates, and a third of the trials stays with the explorer, so that it is never much
    slower than Hyperband. What differs: kernels and their widths, and at which epoch trials are compared, are those of
    our `TPE`; the explorer is `Sobol`; and brackets are the paper's of Hyperband, one slot never waiting for another.

    Args:
        eta: η of `Hyperband`. Default 3.
        rounds: of `Hyperband`. Default `None`, until the budget is used.

    Raises:
        InvalidInput: as `Hyperband` does.

    >>> BOHB(eta=4).searcher
    TPE(start=5, share=0.15, candidates=64, random=0.3333333333333333)
    """
    return Hyperband(TPE(share=0.15, candidates=64, random=1 / 3), eta, rounds)
