"""PostgreSQL databases of a benchmark: created empty, weighed, dropped."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

_ADMIN_URL = os.environ.get("BENCHMARK_POSTGRESQL_URL", "postgresql://127.0.0.1:5432/postgres")


@dataclass(frozen=True)
class Weight:
    """What is in a database, vacuumed: all rows, and all bytes of tables and their indexes."""

    rows: int
    size: int


@dataclass(frozen=True)
class Updates:
    """What PostgreSQL counted on one table; a HOT update touches no index."""

    total: int
    hot: int


class Database:
    """`url` is what drivers open, `sqlalchemy_url` what Keyturn is configured with."""

    def __init__(self, name: str) -> None:
        self.url = _ADMIN_URL.rsplit("/", 1)[0] + f"/{name}"
        self.sqlalchemy_url = self.url.replace("postgresql://", "postgresql+psycopg://", 1)
        self._name = name

    def create(self) -> None:
        self._administer("CREATE DATABASE {}")

    def drop(self) -> None:
        self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)")

    def execute(self, statement: LiteralString, *values: object) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement, values or None)

    def rows(self, statement: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement, values or None).fetchall()

    def number(self, statement: LiteralString, *values: object) -> int:
        return int(self.rows(statement, *values)[0][0])

    def weigh(self) -> Weight:
        """Vacuum every table and say what is left."""
        self.execute("VACUUM")
        tables = self.rows("SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables")
        with psycopg.connect(self.url, autocommit=True) as connection:
            count = sql.SQL("SELECT count(*) FROM {}")
            counts = [connection.execute(count.format(sql.Identifier(name))).fetchone() for name, _ in tables]
        return Weight(sum(row[0] for row in counts if row), sum(size for _, size in tables))

    def updates(self, table: str) -> Updates:
        """Ask when the connections that updated are closed: they report their last moments at the end."""
        found = self.rows(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = %s", table
        )
        return Updates(*found[0])

    def _administer(self, statement: LiteralString) -> None:
        with psycopg.connect(_ADMIN_URL, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(self._name)))


@contextmanager
def created(name: str) -> Iterator[Database]:
    """Lend an empty database of its own and drop it afterwards."""
    database = Database(f"keyturn_benchmark_{name}_{os.getpid()}")
    database.create()
    try:
        yield database
    finally:
        database.drop()


def postgresql_version() -> str:
    with psycopg.connect(_ADMIN_URL) as connection:
        return connection.info.parameter_status("server_version") or "unknown"
