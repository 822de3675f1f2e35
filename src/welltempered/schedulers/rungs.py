"""What successive halving and Hyperband share: the epochs at which trials are compared."""

from welltempered.checks import whole
from welltempered.errors import CorruptLog
from welltempered.trial import Trial


def levels(epochs: int, eta: int, halvings: int) -> tuple[int, ...]:
    """Epochs of the rungs: `epochs` divided by `eta` again and again, lowest first.

    Rounded to whole epochs, so that the last is always a full training.

    >>> levels(81, 3, 4), levels(50, 3, 3)
    ((1, 3, 9, 27, 81), (2, 6, 17, 50))
    """
    exact = (epochs / eta**k for k in range(halvings, -1, -1))
    return tuple(dict.fromkeys(max(1, round(level)) for level in exact))


def most_halvings(epochs: int, eta: int, first: int = 1) -> int:
    """How often `epochs` can be divided by `eta` before it falls below `first` (s_max of Hyperband, for first=1).

    >>> most_halvings(81, 3), most_halvings(80, 3), most_halvings(27, 3, first=3)
    (4, 3, 2)
    """
    halvings = 0
    while epochs >= first * eta ** (halvings + 1):
        halvings += 1
    return halvings


def rung_of(trial: Trial, levels: tuple[int, ...]) -> int:
    """The rung at which a trial's lease ends.

    Raises:
        CorruptLog: if it ends at none: another method has decided that.
    """
    if trial.until not in levels:
        rungs = ", ".join(map(str, levels))
        raise CorruptLog(f"leases of this method must end at epoch {rungs}, got {trial.until} of trial {trial.id}")
    return levels.index(trial.until)


def check_bracket(bracket: int, most: int) -> None:
    """Refuse a bracket that a method does not have.

    Raises:
        CorruptLog: if it is above `most`: another method has decided that.
    """
    if bracket > most:
        raise CorruptLog(f"brackets of this method must be in 0..{most} here, got bracket={bracket}")


def check_eta(eta: int) -> int:
    """Refuse an η that would not divide.

    Raises:
        InvalidInput: unless eta is a whole number of at least 2.
    """
    return whole("eta", eta, "a whole number of at least 2 (usual: 2, 3, 4)", 2)
