"""Looks past the service at the sessions that somebody has."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from sqlalchemy import make_url

from tests.npm.conftest import Person
from tests.reliability.server import Server


@dataclass(frozen=True)
class Row:
    generation: int
    is_revoked: bool


def sessions_of(person: Person, server: Server) -> list[Row]:
    """Return all rows, the oldest first."""
    with closing(_connect(server)) as connection:
        rows = connection.execute(
            "SELECT generation, revoked_at FROM sessions JOIN users ON users.id = sessions.user_id"
            " WHERE users.email = ? ORDER BY sessions.created_at",
            [person.email],
        ).fetchall()
    return [Row(generation, revoked_at is not None) for generation, revoked_at in rows]


@contextmanager
def locked_database(server: Server) -> Iterator[None]:
    """Hold the write lock, as a backup or a stuck migration does."""
    with closing(_connect(server)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def _connect(server: Server) -> sqlite3.Connection:
    return sqlite3.connect(str(make_url(server.database_url).database), isolation_level=None)
