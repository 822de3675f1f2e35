"""A log in a database, through SQLAlchemy: one table, one row per record, the record as JSON text."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from welltempered.errors import Conflict, CorruptLog
from welltempered.events import Record

if TYPE_CHECKING:
    import sqlalchemy

_WAIT = 30
"""Seconds a writer waits for another one before it gives up; readers never wait in WAL mode."""

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
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        import sqlalchemy as sa

        self._path = path
        mode = "ro" if readonly else "rwc"
        url = sa.URL.create(
            "sqlite",
            database=f"file:{_quoted(path)}",
            query={"mode": mode, "uri": "true", "timeout": str(_WAIT)},
        )
        self._engine = sa.create_engine(url)
        self._table = sa.Table(
            "events",
            sa.MetaData(),
            sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("record", sa.Text, nullable=False),
        )
        self._insert = self._table.insert()
        self._integrity_error = sa.exc.IntegrityError
        self._connection = self._connect(sa, readonly=readonly)

    def append(self, seq: int, records: Sequence[Record]) -> None:
        """See `Log.append`."""
        rows = [{"seq": seq + i, "record": msgspec.json.encode(record).decode()} for i, record in enumerate(records)]
        try:
            with self._connection.begin():
                self._connection.execute(self._insert, rows)
        except self._integrity_error:
            raise Conflict(seq) from None

    def read(self, since: int = 0, most: int | None = None) -> Sequence[Record]:
        """See `Log.read`."""
        table = self._table
        query = (
            table.select()
            .with_only_columns(table.c.record)
            .where(table.c.seq >= since)
            .order_by(table.c.seq)
            .limit(most)
        )
        with self._connection.begin():
            # Straight from the driver's cursor: SQLAlchemy's rows would take longer than all the rest.
            rows = self._connection.execute(query).cursor.fetchall()
        try:
            return _decoder.decode("[" + ",".join([record for (record,) in rows]) + "]")
        except (msgspec.DecodeError, TypeError) as error:
            raise CorruptLog(f"{self._path} must hold records of a welltempered study, got: {error}") from None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
        self._engine.dispose()

    def _connect(self, sa: Any, *, readonly: bool) -> "sqlalchemy.Connection":
        try:
            connection: sqlalchemy.Connection = self._engine.connect()
            with connection.begin():
                if readonly:
                    connection.execute(self._table.select().limit(1))
                    return connection
            self._prepare(connection)
        except sa.exc.DatabaseError as error:
            raise CorruptLog(f"{self._path} must be a study database, got: {error.orig}") from None
        return connection

    def _prepare(self, connection: "sqlalchemy.Connection") -> None:
        driver = connection.connection.dbapi_connection
        assert driver is not None  # the connection is open
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
            driver.cursor().execute(f"PRAGMA {pragma}")
        with connection.begin():
            self._table.create(connection, checkfirst=True)


def _quoted(path: Path) -> str:
    """A path as SQLite wants it in a URI."""
    from urllib.parse import quote

    return quote(str(path.absolute()))
