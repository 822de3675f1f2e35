"""A log in a database, through SQLAlchemy: one table, one row per record, the record as JSON text."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from welltempered.checks import path_of
from welltempered.errors import Conflict, CorruptLog, WelltemperedError
from welltempered.events import Record
from welltempered.log.base import check_gap, closed

if TYPE_CHECKING:
    import sqlalchemy

_WAIT = 30
"""Seconds a writer waits for another one before it gives up; readers never wait in WAL mode."""

_AGAIN_SECONDS = 0.02
"""Between two tries to make a table that others are making."""

_REFUSALS = {
    "SQLITE_BUSY": "wait for the process that has locked it",
    "SQLITE_LOCKED": "wait for the process that has locked it",
    "SQLITE_FULL": "make room, then run the study again: what was written is safe",
    "SQLITE_IOERR": "make room or repair the disk, then run the study again: what was written is safe",
    "SQLITE_READONLY": "allow writing to the file and its folder",
    "SQLITE_CANTOPEN": "allow access to the file and its folder",
    "SQLITE_PERM": "allow access to the file and its folder",
}
"""What SQLite says when it is not the file's content that is wrong, and the ways out."""
_COPY = "restore it from a copy, or give another path"
"""The way out where it is."""

_decoder = msgspec.json.Decoder(list[Record])


class Sql:
    """A log in SQLite.

    SQLite runs in WAL mode: readers never block the writer, nor the writer readers. `synchronous=NORMAL` makes a
    record safe against the death of the process the moment `append` returns (a loss of power may cost the last ones,
    but never damages the file). An append costs O(records appended).

    Args:
        path: the database file.
        readonly: never write, not even to create the table; for those who only look.

    Raises:
        CorruptLog: if the file is no log of ours.
        WelltemperedError: if it cannot be opened or written: locked, full, not allowed, gone.
    """

    def __init__(self, path: str | Path, *, readonly: bool = False) -> None:
        import sqlalchemy as sa

        self._path = path = path_of("path", path)
        self._place = str(path.absolute())  # the working folder may change
        self._use = "read" if readonly else "written"
        self._closed = False
        self._length = 0  # as many records there are at least
        self._engine = _engine(sa, path, mode="ro" if readonly else "rwc")
        self._table = sa.Table(
            "events",
            sa.MetaData(),
            sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("record", sa.Text, nullable=False),
        )
        self._insert = self._table.insert()
        self._integrity_error = sa.exc.IntegrityError
        # Rows come straight from the driver, and so do its errors.
        self._database_errors = sa.exc.DatabaseError, self._engine.dialect.loaded_dbapi.DatabaseError
        try:
            self._connection = self._look(sa) if readonly else self._prepare(sa)
        except self._database_errors as error:
            self._engine.dispose()
            raise self._refusal(error) from None
        self._file = self._identity()

    def append(self, seq: int, records: Sequence[Record]) -> None:
        """See `Log.append`."""
        if self._closed:
            raise closed(f"the log {self._path}")
        if self._identity() != self._file:  # SQLite would write to a file that nobody can find any more
            raise WelltemperedError(
                f"{self._path} must stay where it is while it is written, but it has been deleted or moved; "
                "put it back, or begin a new study"
            )
        if not 0 <= seq <= self._length:
            check_gap(seq, self._count())
        rows = [{"seq": seq + i, "record": msgspec.json.encode(record).decode()} for i, record in enumerate(records)]
        try:
            with self._connection.begin():
                self._connection.execute(self._insert, rows)
        except self._integrity_error:
            raise Conflict(seq) from None
        except self._database_errors as error:
            raise self._refusal(error) from None
        self._length = seq + len(rows)

    def read(self, since: int = 0, most: int | None = None) -> Sequence[Record]:
        """See `Log.read`."""
        if self._closed:
            raise closed(f"the log {self._path}")
        seq = self._table.c.seq
        rows = self._rows(self._table.select().where(seq >= since).order_by(seq).limit(most))
        if rows and rows[-1][0] != since + len(rows) - 1:
            missing = next(number for number, row in enumerate(rows, since) if row[0] != number)
            raise CorruptLog(f"{self._path} must hold records without a gap, record {missing} is missing; {_COPY}")
        self._length = max(self._length, since + len(rows))
        try:
            records = _decoder.decode("[" + ",".join([record for _, record in rows]) + "]")
        except (msgspec.DecodeError, UnicodeError, TypeError):
            raise self._unreadable(rows) from None
        if len(records) != len(rows):  # one of them is several
            raise self._unreadable(rows)
        return records

    def close(self) -> None:
        """See `Log.close`."""
        self._closed = True
        self._connection.close()
        self._engine.dispose()

    def _look(self, sa: Any) -> "sqlalchemy.Connection":
        """Connect without writing. Where not even the files beside the database can be made, nobody else writes."""
        select = self._table.select().limit(1)
        try:
            return self._connect(select)
        except sa.exc.OperationalError:
            if self._path.with_name(f"{self._path.name}-wal").exists():
                raise
            self._engine.dispose()
            self._engine = _engine(sa, self._path, mode="ro", immutable="1")
            return self._connect(select)

    def _prepare(self, sa: Any) -> "sqlalchemy.Connection":
        """Connect, and make the table if there is none; what is not ours is not touched."""
        with self._connect() as connection:
            names = sa.inspect(connection).get_table_names()
            if names and self._table.name not in names:
                raise CorruptLog(f"{self._path} must be a study database, got one of {', '.join(names)}; {_COPY}")
            if names:
                connection.execute(self._table.select().limit(1))
        # Nobody is in a transaction at the pragmas: the driver begins one with the first change.
        pragmas = [sa.text(f"PRAGMA {pragma}") for pragma in ("journal_mode=WAL", "synchronous=NORMAL")]
        deadline = time.monotonic() + _WAIT
        while True:
            try:
                return self._connect(*pragmas, sa.schema.CreateTable(self._table, if_not_exists=True))
            except sa.exc.OperationalError as error:
                # SQLite does not wait by itself for others that make the same study at this moment.
                if getattr(error.orig, "sqlite_errorname", "") != "SQLITE_BUSY" or time.monotonic() > deadline:
                    raise
                time.sleep(_AGAIN_SECONDS)

    def _connect(self, *statements: Any) -> "sqlalchemy.Connection":
        connection = self._engine.connect()
        try:
            with connection.begin():
                for statement in statements:
                    connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        return connection

    def _identity(self) -> tuple[int, int] | None:
        """What tells the file from another one at the same path; `None` if there is none."""
        try:
            found = os.stat(self._place)  # noqa: PTH116 - a text is looked up in half the time, at every append
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _rows(self, query: Any) -> Sequence[Any]:
        try:
            with self._connection.begin():
                # Straight from the driver's cursor: SQLAlchemy's rows would take longer than all the rest.
                return self._connection.execute(query).cursor.fetchall()
        except self._database_errors as error:
            raise self._refusal(error) from None

    def _count(self) -> int:
        """How many records there are, by the number of the last one."""
        seq = self._table.c.seq
        last = self._rows(self._table.select().with_only_columns(seq).order_by(seq.desc()).limit(1))
        return 1 + last[0][0] if last else 0

    def _unreadable(self, rows: Sequence[Any]) -> CorruptLog:
        """What is wrong with the first record that cannot be read."""
        for seq, record in rows:
            try:
                if not isinstance(record, str):
                    raise TypeError(f"no text but {type(record).__name__}")
                msgspec.json.decode(record, type=Record)
            except (msgspec.DecodeError, UnicodeError, TypeError) as error:
                reason = f"{error} in record {seq}"
                break
        else:
            reason = "records that are none by themselves"
        return CorruptLog(f"{self._path} must hold records of a welltempered study, got: {reason}; {_COPY}")

    def _refusal(self, error: Exception) -> WelltemperedError:
        """What the database says, as an error of ours with its way out."""
        cause = getattr(error, "orig", error)
        name = getattr(cause, "sqlite_errorname", "")
        for kind, way_out in _REFUSALS.items():
            if name.startswith(kind):
                return WelltemperedError(
                    f"{self._path} must be a database that can be {self._use}, got: {cause}; {way_out}"
                )
        return CorruptLog(f"{self._path} must be a study database, got: {cause}; {_COPY}")


def _engine(sa: Any, path: Path, **mode: str) -> "sqlalchemy.Engine":
    from urllib.parse import quote

    database = f"file:{quote(str(path.absolute()))}"  # a path as SQLite wants it in a URI
    query = {**mode, "uri": "true", "timeout": str(_WAIT)}
    engine: sqlalchemy.Engine = sa.create_engine(sa.URL.create("sqlite", database=database, query=query))
    return engine
