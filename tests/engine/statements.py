"""Counts statements where the driver is handed them, on each kind of database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy
from pymysql.cursors import Cursor as MariadbCursor
from sqlalchemy import event

_AROUND = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")


@contextmanager
def recorded_statements(pool: sqlalchemy.Engine) -> Iterator[list[str]]:
    """Collect what runs on the pool's connections, except what only opens, ends or tunes them."""
    statements: list[str] = []

    def note(statement: Any) -> None:
        if not str(statement).startswith(_AROUND):
            statements.append(str(statement))

    def watch(connection: Any, _record: object, _proxy: object) -> None:
        _watch(pool.dialect.name, connection, note)

    pool.dispose()
    event.listen(pool, "checkout", watch)
    with pool.connect():
        statements.clear()
    try:
        yield statements
    finally:
        event.remove(pool, "checkout", watch)
        pool.dispose()


def _watch(dialect: str, connection: Any, note: Any) -> None:
    if dialect == "sqlite":
        connection.set_trace_callback(note)
    elif dialect == "postgresql":
        connection.cursor_factory = _noting(psycopg.Cursor, note)
    else:
        connection.cursorclass = _noting(MariadbCursor, note)


def _noting(kind: type, note: Any) -> type:
    def execute(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        note(query)
        return kind.execute(self, query, *arguments, **options)  # type: ignore[attr-defined]

    return type("NotingCursor", (kind,), {"execute": execute})
