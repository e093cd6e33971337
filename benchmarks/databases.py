"""Databases of a benchmark: created empty, counted, dropped."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql

_ADMIN_URL = os.environ.get("BENCHMARK_POSTGRESQL_URL", "postgresql://127.0.0.1:5432/postgres")


class Database(Protocol):
    """`driver_url` is what the floor opens, `sqlalchemy_url` what Keyturn is configured with."""

    driver_url: str
    sqlalchemy_url: str

    def count_sessions(self) -> int: ...

    def count_transactions(self) -> int | None:
        """Return how many were committed since the creation; None where the database does not count them.

        A PostgreSQL backend reports its last moments when it ends, so ask when the server has stopped.
        """

    def describe_growth(self) -> str: ...


class PostgresqlDatabase:
    def __init__(self, name: str) -> None:
        self.driver_url = _ADMIN_URL.rsplit("/", 1)[0] + f"/{name}"
        self.sqlalchemy_url = self.driver_url.replace("postgresql://", "postgresql+psycopg://", 1)
        self._name = name

    def count_sessions(self) -> int:
        return int(self._row("SELECT count(*) FROM sessions")[0])

    def count_transactions(self) -> int | None:
        return int(
            self._row("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")[0]
        )

    def describe_growth(self) -> str:
        updates, in_place, size = self._row(
            "SELECT n_tup_upd, n_tup_hot_upd, pg_total_relation_size(relid)"
            " FROM pg_stat_user_tables WHERE relname = 'sessions'"
        )
        return f"{updates} updates, {in_place} of them in place (HOT), table and indexes {size} bytes"

    def create(self) -> None:
        self._administer("CREATE DATABASE {}")

    def drop(self) -> None:
        self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        with psycopg.connect(_ADMIN_URL, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(self._name)))

    def _row(self, statement: str) -> tuple[int, ...]:
        with psycopg.connect(self.driver_url, autocommit=True) as connection:
            row = connection.execute(statement).fetchone()
        return row or ()


class SqliteDatabase:
    def __init__(self, path: Path) -> None:
        self.driver_url = str(path)
        self.sqlalchemy_url = f"sqlite:///{path}"

    def count_sessions(self) -> int:
        with sqlite3.connect(self.driver_url) as connection:
            return int(connection.execute("SELECT count(*) FROM sessions").fetchone()[0])

    def count_transactions(self) -> int | None:
        return None

    def describe_growth(self) -> str:
        return f"database file {Path(self.driver_url).stat().st_size} bytes"


@contextmanager
def created(kind: str, name: str) -> Iterator[Database]:
    """Lend an empty database of its own and drop it afterwards."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="keyturn-benchmark-") as directory:
            yield SqliteDatabase(Path(directory) / f"{name}.sqlite3")
        return
    database = PostgresqlDatabase(f"keyturn_benchmark_{name}_{os.getpid()}")
    database.create()
    try:
        yield database
    finally:
        database.drop()


def postgresql_version() -> str:
    with psycopg.connect(_ADMIN_URL) as connection:
        return connection.info.parameter_status("server_version") or "unknown"
