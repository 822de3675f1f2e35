"""A log in a database, through SQLAlchemy: one table, one row per record, the record as JSON text."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from welltempered.errors import Conflict, CorruptLog, WelltemperedError
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
        except sa.exc.DatabaseError as error:
            self._engine.dispose()
            raise self._corrupt(error) from None

    def append(self, seq: int, records: Sequence[Record]) -> None:
        """See `Log.append`."""
        rows = [{"seq": seq + i, "record": msgspec.json.encode(record).decode()} for i, record in enumerate(records)]
        try:
            with self._connection.begin():
                self._connection.execute(self._insert, rows)
        except self._integrity_error:
            raise Conflict(seq) from None
        except self._database_errors as error:
            raise WelltemperedError(f"{self._path} must be a database that can be written, got: {error.orig}") from None

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
        try:
            with self._connection.begin():
                # Straight from the driver's cursor: SQLAlchemy's rows would take longer than all the rest.
                rows = self._connection.execute(query).cursor.fetchall()
        except self._database_errors as error:
            raise self._corrupt(error) from None
        try:
            return _decoder.decode("[" + ",".join([record for (record,) in rows]) + "]")
        except (msgspec.DecodeError, TypeError) as error:
            raise CorruptLog(f"{self._path} must hold records of a welltempered study, got: {error}") from None

    def close(self) -> None:
        """Close the connection."""
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
        """Connect, and make the table if there is none."""
        # Nobody is in a transaction at the pragmas: the driver begins one with the first change.
        pragmas = [sa.text(f"PRAGMA {pragma}") for pragma in ("journal_mode=WAL", "synchronous=NORMAL")]
        return self._connect(*pragmas, sa.schema.CreateTable(self._table, if_not_exists=True))

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

    def _corrupt(self, error: Exception) -> CorruptLog:
        return CorruptLog(f"{self._path} must be a study database, got: {getattr(error, 'orig', error)}")


def _engine(sa: Any, path: Path, **mode: str) -> "sqlalchemy.Engine":
    from urllib.parse import quote

    database = f"file:{quote(str(path.absolute()))}"  # a path as SQLite wants it in a URI
    query = {**mode, "uri": "true", "timeout": str(_WAIT)}
    engine: sqlalchemy.Engine = sa.create_engine(sa.URL.create("sqlite", database=database, query=query))
    return engine
