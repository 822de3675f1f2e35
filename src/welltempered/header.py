"""The header of a study: made from an experiment, read from a log, compared with another."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from welltempered import method as methods
from welltempered.auto import Chosen, choose
from welltempered.budget import Budget
from welltempered.errors import CorruptLog, InvalidInput, StudyChanged
from welltempered.events import FORMAT, Header, Record
from welltempered.experiment import Experiment
from welltempered.space import Space

_WIDTH = 80
"""Longest value in a list of differences."""


def make(experiment: Experiment, budget: Budget | None = None) -> Header:
    """The header of a new study; a budget, if it is known, helps to choose its method."""
    from importlib.metadata import version  # slow to import, and needed here only

    given = experiment.scheduler
    method, why = Chosen(given) if given is not None else _chosen(experiment, budget or Budget())
    return Header(
        format=FORMAT,
        package=version("welltempered"),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        space=experiment.space.to_json(),
        objective=experiment.objective,
        epochs=experiment.epochs,
        seed=experiment.seed,
        resumable=experiment.resumable,
        method=methods.to_json(method),
        why=why,
    )


def _chosen(experiment: Experiment, budget: Budget) -> Chosen:
    return choose(experiment.space, epochs=experiment.epochs, resumable=experiment.resumable, budget=budget)


def read(records: Sequence[Record]) -> Header:
    """The header among the first records of a log.

    Raises:
        CorruptLog: if there is none, it is of a newer format, or says what no experiment can be.
    """
    if not records or not isinstance(records[0], Header):
        raise CorruptLog("a study must begin with its header, found none")
    header = records[0]
    if header.format > FORMAT:
        raise CorruptLog(
            f"study must have format {FORMAT} or older, got {header.format}, "
            f"made by welltempered {header.package}; upgrade with pip install -U welltempered"
        )
    for name, holds, rule in (
        ("format", header.format >= 1, "at least 1"),
        ("epochs", 1 <= header.epochs < 2**63, "at least 1 and below 2**63"),
        ("seed", 0 <= header.seed < 2**63, "at least 0 and below 2**63"),
    ):
        if not holds:
            raise CorruptLog(f"{name} of a study must be {rule}, found {getattr(header, name)}; restore it from a copy")
    return header


def read_space(header: Header) -> Space:
    """The space of a study, without the objects of named choices.

    Raises:
        CorruptLog: if this version knows no such space.
    """
    try:
        return Space.from_json(header.space)
    except InvalidInput as error:
        raise CorruptLog(
            f"the space of a study must be one that this version can read, got: {error}; "
            f"the study was made by welltempered {header.package}"
        ) from None


def check_same(old: Header, experiment: Experiment, path: Path) -> None:
    """Refuse to continue a study as another one: its decisions could not be derived again.

    An experiment whose method is "auto" goes on with the one that the study has, whoever chose it.

    Raises:
        StudyChanged: with one line for each difference.
    """
    before, after = _settings(old), _settings(make(experiment))
    if experiment.scheduler is None:
        after["method"] = before["method"]
    changes = list(_differences("", before, after))
    if changes:
        raise StudyChanged(
            f"study {path} was made with other settings:\n"
            + "\n".join(f"  {change}" for change in changes)
            + "\nrestore them to continue it, or give another path to begin a new study"
        )


def _settings(header: Header) -> dict[str, Any]:
    """What decisions depend on: neither versions, dates and reasons, nor which hyperparameter a parameter is."""
    settings: dict[str, Any] = msgspec.to_builtins(header)
    for name in ("package", "created", "format", "why"):
        settings.pop(name, None)
    parameters = settings["space"].get("parameters")
    for parameter in parameters if isinstance(parameters, list) else ():  # a damaged header may hold anything
        if isinstance(parameter, dict):
            parameter.pop("means", None)
    return settings


def _differences(name: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            inner = f"{name}.{key}" if name else key
            if key not in after:
                yield f"{inner}: {_short(before[key])} -> (none)"
            elif key not in before:
                yield f"{inner}: (none) -> {_short(after[key])}"
            else:
                yield from _differences(inner, before[key], after[key])
    elif before != after:
        yield f"{name}: {_short(before)} -> {_short(after)}"


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."
