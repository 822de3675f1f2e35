"""Trials as rows of a table, for programs that know nothing of studies."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from welltempered.errors import InvalidInput
from welltempered.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("trial", "state", "bracket", "epoch", "seconds", "parent", "inherited")
"""Of every row."""


def rows(trials: Iterable[Trial]) -> list[dict[str, Any]]:
    """One flat dict per trial: id, state, epoch, objective, seconds, `params.*` and the last `metrics.*`.

    Trials that began with the state of another one also have `parent` and `inherited`, its number and epoch.
    """
    return [_row(trial) for trial in trials]


def stages(trial: Trial) -> list[dict[str, Any]]:
    """The params of a training by epoch, as JSON: a dict per stage with its trial, first and last epoch, and params."""
    ends = [*(stage.after for stage in trial.lineage[1:]), trial.epoch]
    spans = zip(trial.lineage, ends, strict=True)
    return [
        {"trial": stage.trial, "first": stage.after + 1, "last": end, "params": stage.params}
        for stage, end in spans
        if end > stage.after  # else it has yet to train an epoch
    ]


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
    if (parent := trial.parent) is not None:
        row |= {"parent": parent.trial, "inherited": parent.epoch}
    row |= {f"params.{name}": value for name, value in trial.params.items()}
    last: Mapping[str, float | None] = trial.reports[-1].metrics if trial.reports else {}
    return row | {f"metrics.{name}": value for name, value in last.items() if name != trial.metric}
