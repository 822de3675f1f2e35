"""Trials as rows of a table, for programs that know nothing of studies."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from welltempered.errors import InvalidInput
from welltempered.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("trial", "state", "bracket", "epoch", "seconds")
"""Of every row."""


def rows(trials: Iterable[Trial]) -> list[dict[str, Any]]:
    """One flat dict per trial: id, state, epoch, objective, seconds, `params.*` and the last `metrics.*`."""
    return [_row(trial) for trial in trials]


def frame(rows: list[dict[str, Any]]) -> "pd.DataFrame":
    """The rows as a pandas DataFrame.

    Raises:
        InvalidInput: if pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError:
        raise InvalidInput("frame needs pandas: pip install pandas; Study.rows gives the same as dicts") from None
    return pd.DataFrame(rows)


def _row(trial: Trial) -> dict[str, Any]:
    row: dict[str, Any] = {
        "trial": trial.id,
        "state": trial.state,
        "bracket": trial.bracket,
        "epoch": trial.epoch,
    }
    row[trial.metric if trial.metric not in _COLUMNS else f"metrics.{trial.metric}"] = trial.value
    row["seconds"] = round(trial.seconds, 3)
    row |= {f"params.{name}": value for name, value in trial.params.items()}
    last: Mapping[str, float | None] = trial.reports[-1].metrics if trial.reports else {}
    return row | {f"metrics.{name}": value for name, value in last.items() if name != trial.metric}
