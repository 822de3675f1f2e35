"""What every log promises."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from welltempered.errors import Conflict
from welltempered.events import Cut, Ended, Header, Origin, Record, Reported, Resumed, Started, Undone
from welltempered.log.base import Log
from welltempered.objective import Objective
from welltempered.testing.case import Case, ConformanceError

_RACE = 30
"""Records that two writers race for."""
_STRANGE = 'straight " and \\ and \n, ümlaut, 語, 🎹, \x00, \x7f, \u2028'
_RECORDS: Sequence[Record] = (
    Header(
        format=1,
        package="0.1.0",
        created="2026-01-01T00:00:00+00:00",
        space={"parameters": [{"name": "x", "kind": "float", "low": 0.0, "high": 1.0}], "constraints": []},
        objective=Objective("loss", maximize=True),
        epochs=9,
        seed=2**63 - 1,
        resumable=False,
        method={"type": "welltempered:Full", "searcher": {"type": "welltempered:Random"}},
    ),
    Started(0, {"x": 0.1, "units": [64, [8]], "on": True, "one": 1, "float": 1.0, "none": None}, 9, 3, None, 0.1 + 0.2),
    Started(1, {_STRANGE: _STRANGE, "large": 2**63 - 1, "negative": -(2**63)}, 1, held=0, at=1e-9, device="gpu 0"),
    Reported(0, 1, {"loss": None, "smallest": 5e-324, "largest": 1.7976931348623157e308, "zero": -0.0}, 1 / 3, 1e9),
    Reported(1, 1, {}, saved=2**40),
    Cut(0, 0, "interrupted", 2.5, "ctrl-c"),
    Resumed(0, 9, 1, 2.5),
    Started(2, {}, 9, parent=Origin(0, 8)),
    Ended(0, "failed", "Traceback (most recent call last):\n" + 2000 * f"{_STRANGE}\n", 3.0, 7),
    Undone(2, 3.5),
)
"""Each kind of record, with all that JSON can hold."""


def check_log(make: Callable[[str], Log], *, persistent: bool = True) -> None:
    """Check what every log promises.

    - A new log is empty; records are read in the order in which they were appended, from the number that is asked for,
      at most as many as are asked for; each comes back equal, to the type of every number.
    - A number that is taken is a `Conflict`. An append is all or nothing, whatever it raises.
    - Neither the list that was given nor the one that was read is a door into the log.
    - If persistent: when `append` has returned, whoever opens the log reads the records, and goes on after them. Of two
      who write the same number exactly one succeeds.

    Args:
        make: opens the log of a name, and makes it if there is none, for example
            `lambda name: Sql(folder / f"{name}.db")` with an empty folder.
        persistent: `False` if a log is gone when it is closed, as `Memory` is.

    Raises:
        ConformanceError: with the first promise that is broken.
    """
    for check in (_check_order, _check_conflict, _check_whole, _check_doors, _check_records):
        name = check.__name__.removeprefix("_check_")
        with _opened(make, name) as log:
            case = Case(type(log).__name__, f"log {name!r}")
            _expect(case, "be empty when it is new", log, [])
            check(case, log)
    if persistent:
        _check_reopened(make)
        _check_race(make)


@contextmanager
def _opened(make: Callable[[str], Log], name: str) -> Iterator[Log]:
    log = make(name)
    try:
        yield log
    except ConformanceError:
        raise
    except Exception as error:
        case = Case(type(log).__name__, f"log {name!r}")
        raise case.broken(
            "read and append", repr(error), "raise Conflict for a number that is taken, else nothing"
        ) from error
    finally:
        log.close()


def _report(number: int) -> Reported:
    return Reported(0, number, {"loss": number / 7})


def _expect(
    case: Case, promise: str, log: Log, records: Sequence[Record], since: int = 0, most: int | None = None
) -> None:
    """See that the log holds these records, in text: 1, 1.0 and true are equal in Python."""
    read = list(log.read(since, most))
    if list(map(_text, read)) != list(map(_text, records)):
        call = f"read({since}, {most})"
        raise case.broken(
            promise, f"{_short(read)} from {call}", f"{_short(records)} would be right; see Log.read and Log.append"
        )


def _text(record: Record) -> tuple[type, bytes]:
    return type(record), msgspec.json.encode(msgspec.structs.asdict(record))


def _short(records: Sequence[Record]) -> str:
    text = f"{len(records)} records, {list(records)!r}"
    return text if len(text) <= 300 else f"{text[:300]}..."


def _refused(log: Log, seq: int, records: Sequence[Record]) -> Exception | None:
    """What an append raises."""
    try:
        log.append(seq, records)
    except Exception as error:  # noqa: BLE001 - which one is what is looked at
        return error
    return None


def _check_order(case: Case, log: Log) -> None:
    records = [_report(number) for number in range(5)]
    for first, after in ((0, 1), (1, 3), (3, 5)):
        log.append(first, records[first:after])
        _expect(case, "hold what was appended, in its order", log, records[:after])
    for since, most in ((2, None), (1, 2), (3, 99), (0, 0), (5, None), (99, None), (0, 1), (4, 1)):
        expected = records[since : None if most is None else since + most]
        promise = f"read {most if most is not None else 'all'} from number {since} on"
        _expect(case, promise, log, expected, since, most)


def _check_conflict(case: Case, log: Log) -> None:
    records = (_report(0), _report(1))
    log.append(0, list(records))
    for seq in (0, 1):
        error = _refused(log, seq, [_report(7), _report(8), _report(9)])
        if not isinstance(error, Conflict):
            raise case.at(f"record {seq} of 2").broken(
                "raise Conflict for a number that is taken",
                repr(error) if error else "no error",
                "insert with the number as a key, or compare it with the length, in the transaction that writes",
            )
        _expect(case, "write nothing when it raises Conflict", log, records)
    log.append(2, [_report(2)])
    _expect(case, "go on after a Conflict", log, [*records, _report(2)])


def _check_whole(case: Case, log: Log) -> None:
    log.append(0, [_report(0)])
    unwritable = Started(0, {"x": object()}, 1)  # nothing that is kept as text can hold it
    if _refused(log, 1, [_report(1), unwritable]) is None:
        return
    _expect(case, "write all records or none", log, [_report(0)])
    log.append(1, [_report(1)])
    _expect(case, "go on after an append that failed", log, [_report(0), _report(1)])


def _check_doors(case: Case, log: Log) -> None:
    given = [_report(0), _report(1)]
    log.append(0, given)
    given.clear()
    _expect(case, "keep what it was given, whatever becomes of the list", log, [_report(0), _report(1)])
    read = log.read()
    if isinstance(read, list):
        read.clear()
    _expect(case, "stay as it is, whatever becomes of a list that was read", log, [_report(0), _report(1)])


def _check_records(case: Case, log: Log) -> None:
    log.append(0, _RECORDS)
    for number, record in enumerate(_RECORDS):
        here = case.at(f"record {number}, {type(record).__name__}")
        _expect(here, "give back every record as it was", log, [record], number, 1)


def _check_reopened(make: Callable[[str], Log]) -> None:
    """Open a log twice at the same time, and again after it was closed."""
    records = [_report(number) for number in range(4)]
    with _opened(make, "reopened") as writer, _opened(make, "reopened") as other:
        case = Case(type(writer).__name__, "log 'reopened'")
        writer.append(0, records[:2])
        _expect(case, "show all readers what was appended", other, records[:2])
        error = _refused(other, 1, records[2:])
        if not isinstance(error, Conflict):
            raise case.broken(
                "raise Conflict for a number that another writer took",
                repr(error) if error else "no error",
                "look at what is stored, not at what this writer knows",
            )
        other.append(2, records[2:3])
        _expect(case, "show all readers what was appended", writer, records[:3])
    with _opened(make, "reopened") as log:
        _expect(case, "hold its records when it is opened again", log, records[:3])
        log.append(3, records[3:])
    with _opened(make, "reopened") as log:
        _expect(case, "go on where it stood when it is opened again", log, records)
    with _opened(make, "another") as log:
        _expect(case.at("log 'another'"), "be empty when it is new, whatever is in other logs", log, [])


def _check_race(make: Callable[[str], Log]) -> None:
    """Let two writers race for every number."""
    written: dict[int, list[Record]] = {0: [], 1: []}
    errors: list[Exception] = []
    start = threading.Barrier(2)

    def write(writer: int) -> None:
        with _opened(make, "race") as log:
            start.wait()
            for number in range(_RACE):
                record = Ended(number, "finished", f"writer {writer}")
                error = _refused(log, number, [record])
                if error is None:
                    written[writer].append(record)
                elif not isinstance(error, Conflict):
                    errors.append(error)

    with _opened(make, "race") as log:
        threads = [threading.Thread(target=write, args=(writer,)) for writer in written]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        case = Case(type(log).__name__, f"{_RACE} records")
        if errors:
            raise case.broken("let two writers race", repr(errors[0]), "raise nothing but Conflict for the loser")
        # All of them are `Ended`, which the checker does not see.
        told = sorted([*written[0], *written[1]], key=lambda record: record.trial)  # type: ignore[union-attr]
        _expect(case, "write each number for exactly one of two racing writers", log, told)
