"""What is measured: groups of rows, each row a contender, and what the project promises of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.timing import MARKS

OURS, OPTUNA = "welltempered", "optuna"
GROWTH = "growth"
"""Name of a derived value: the median at the last mark divided by the one at 1,000 trials; 1 is flat."""


@dataclass(frozen=True)
class Sizes:
    """How much is measured; the defaults are the full benchmark.

    Attributes:
        memory: most trials of a study in memory.
        disk: most trials of a study on disk.
        cap: seconds after which a study of ask and tell is ended, ours or a peer's.
        hyperband: trials of the study that Hyperband stops early.
    reopen: trials of the study that is opened again.
        events: events of the log that is replayed.
        imports: fresh processes per import time.
        epochs: epochs of a long lease in a worker process.
        leases: leases of one epoch in a worker process.
    """

    memory: int = 100_000
    disk: int = 10_000
    cap: float = 40.0
    hyperband: int = 200
    reopen: int = 1_000
    events: int = 200_000
    imports: int = 10
    epochs: int = 3_000
    leases: int = 500


QUICK = Sizes(memory=1_000, disk=200, cap=2.0, hyperband=20, reopen=20, events=5_000, imports=2, epochs=100, leases=30)


@dataclass(frozen=True)
class Row:
    """One contender: who is measured, set up how.

    Attributes:
        who: `OURS` or the name of a peer.
        setup: in words, for the table.
        job: name and arguments of the measurement.
        most: targets, as upper bounds of values.
        least: targets, as lower bounds of values.
    """

    who: str
    setup: str
    job: Mapping[str, Any]
    most: Mapping[str, float] = field(default_factory=dict)
    least: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """Rows that are measured in turn and compared.

    Attributes:
        name: for the record and the command line.
        title: what is measured, with the unit of the values.
        columns: the values the table shows, as heading -> value.
        rows: the contenders.
        higher: whether more is better.
    """

    name: str
    title: str
    columns: Mapping[str, str]
    rows: tuple[Row, ...]
    higher: bool = False


def groups(sizes: Sizes) -> tuple[Group, ...]:
    """All groups; targets of values that these sizes do not reach are left out of the record."""
    parts = (_ask_tell_memory, _ask_tell_disk, _hyperband, _reopen, _replay, _imports, _processes)
    return tuple(part(sizes) for part in parts)


def _ask_tell_memory(sizes: Sizes) -> Group:
    size = {"trials": sizes.memory, "cap": sizes.cap}
    flat = {**{f"median@{mark}": 0.05 for mark in MARKS}, GROWTH: 1.5}

    def ours(method: str, setup: str, most: Mapping[str, float] | None = None) -> Row:
        return Row(OURS, setup, {"job": "ask_tell", "method": method, "disk": False, **size}, most or {})

    def optuna(sampler: str, setup: str) -> Row:
        return Row(OPTUNA, setup, {"job": "ask_tell", "sampler": sampler, "storage": "memory", **size})

    return Group(
        "ask_tell_memory",
        "ask + tell of one trial in memory, ms",
        {f"@{mark:,}": f"median@{mark}" for mark in MARKS} | {"mean": "mean", "first": "first", "steps": "steps"},
        (
            ours("random", "Full(Random())", flat),
            optuna("random", "RandomSampler"),
            ours("sobol", "Full(Sobol())", flat),
            optuna("qmc", "QMCSampler, Sobol'"),
            ours("grid", "Full(Grid())"),
            ours("halving", "Halving(Random()), a lease"),
        ),
    )


def _ask_tell_disk(sizes: Sizes) -> Group:
    size = {"trials": sizes.disk, "cap": sizes.cap}
    marks = MARKS[:3]
    two_events = {f"median@{mark}": 2.0 for mark in marks}  # 1 ms each

    def ours(method: str, setup: str, most: Mapping[str, float] | None = None) -> Row:
        job = {"job": "ask_tell", "method": method, "disk": True, **size}
        return Row(OURS, f"{setup}, SQLite", job, two_events if most is None else most)

    def optuna(storage: str, setup: str) -> Row:
        job = {"job": "ask_tell", "sampler": "random", "storage": storage, **size}
        return Row(OPTUNA, f"RandomSampler, {setup}", job)

    columns = {f"@{mark:,}": f"median@{mark}" for mark in marks}
    return Group(
        "ask_tell_disk",
        "ask + tell of one trial on disk, ms",
        columns | {"end": "median@end", "mean": "mean", "steps": "steps"},
        (
            ours("random", "Full(Random())"),
            optuna("journal", "journal"),
            ours("sobol", "Full(Sobol())"),
            optuna("sqlite", "SQLite"),
            ours("grid", "Full(Grid())"),
            optuna("sqlite-wal", "SQLite as ours"),
            ours("halving", "Halving(Random()), a lease", {"per_event": 1.0}),
        ),
    )


def _hyperband(sizes: Sizes) -> Group:
    size = {"job": "hyperband", "trials": sizes.hyperband}

    def ours(setup: str, *, disk: bool, seconds: float, repeats: int) -> Row:
        return Row(OURS, f"Hyperband(Random()), {setup}", {**size, "disk": disk, "repeats": repeats}, {"wall": seconds})

    def optuna(storage: str, setup: str, repeats: int = 1) -> Row:
        return Row(OPTUNA, f"HyperbandPruner, {setup}", {**size, "storage": storage, "repeats": repeats})

    return Group(
        "hyperband",
        f"{sizes.hyperband} trials of up to 81 epochs, Hyperband, in all: s",
        {"wall": "wall", "epochs": "epochs", "ms per epoch": "per_epoch"},
        (
            ours("memory", disk=False, seconds=0.1, repeats=5),
            optuna("memory", "memory", repeats=5),
            ours("SQLite", disk=True, seconds=1.0, repeats=2),
            optuna("journal", "journal"),
            optuna("sqlite", "SQLite"),
            optuna("sqlite-wal", "SQLite as ours"),
        ),
    )


def _reopen(sizes: Sizes) -> Group:
    size = {"job": "reopen", "trials": sizes.reopen, "repeats": 3}
    return Group(
        "reopen",
        f"open a study of {sizes.reopen:,} trials on disk and look at each of them, ms",
        {"wall": "wall"},
        (
            Row(OURS, "SQLite", {**size, "disk": True}),
            Row(OPTUNA, "journal", {**size, "storage": "journal"}),
            Row(OPTUNA, "SQLite", {**size, "storage": "sqlite"}),
        ),
    )


def _replay(sizes: Sizes) -> Group:
    def ours(method: str, setup: str) -> Row:
        job = {"job": "replay", "method": method, "disk": True, "events": sizes.events, "repeats": 3}
        return Row(OURS, setup, job, least={"open": 300_000})

    return Group(
        "replay",
        f"replay of {sizes.events:,} events on SQLite, events per second",
        {"read + fold": "open", "read": "read", "fold": "fold", "with decisions derived": "verify"},
        (ours("hyperband", "Hyperband(Random()), 81 epochs"), ours("random", "Full(Random()), trials of one epoch")),
        higher=True,
    )


def _imports(sizes: Sizes) -> Group:
    job = {"job": "import", "repeats": sizes.imports}
    return Group(
        "import",
        "import in a fresh process, s (floor: Python that does nothing)",
        {"wall": "wall", "floor": "floor"},
        (Row(OURS, "import welltempered", job, {"wall": 0.3}), Row(OPTUNA, "import optuna", job)),
    )


def _processes(sizes: Sizes) -> Group:
    def ours(setup: str, *, disk: bool) -> Row:
        job = {"job": "processes", "disk": disk, "epochs": sizes.epochs, "leases": sizes.leases}
        return Row(OURS, f"workers=1, {setup}", job, {"epoch": 1.0, "lease": 3.0})

    return Group(
        "processes",
        "what a worker process adds, ms (start-up in s)",
        {"per epoch": "epoch", "per lease": "lease", "start-up": "startup"},
        (ours("memory", disk=False), ours("SQLite", disk=True)),
    )


GROUPS = tuple(group.name for group in groups(QUICK))
"""Names of all groups."""
