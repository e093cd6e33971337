"""PostgreSQL databases of a benchmark: created empty, weighed, dropped."""

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql

# Run as a program, only its own folder is on the path.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from tests.reliability.clusters import PostgresCluster, postgresql_programs

_SETTING = "BENCHMARK_POSTGRESQL_URL"
_USUAL_URL = "postgresql://127.0.0.1:5432/postgres"
_CONNECT_SECONDS = 2


@cache
def _admin_url() -> str:
    """Return the server that was named, or the usual one if it can be used, or one of our own."""
    named = os.environ.get(_SETTING)
    return named or (_USUAL_URL if _may_create_databases(_USUAL_URL) else _own_server())


def _may_create_databases(url: str) -> bool:
    question = "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
    try:
        with psycopg.connect(url, connect_timeout=_CONNECT_SECONDS) as connection:
            return connection.execute(question).fetchone() == (True,)
    except psycopg.OperationalError:
        return False


def _own_server() -> str:
    """Start a server that is stopped and deleted when the program ends.

    Raises:
        SystemExit: there is no PostgreSQL on this machine.
    """
    if postgresql_programs() is None:
        sys.exit(
            "There is no PostgreSQL to measure on: install it (Debian: apt-get install postgresql), "
            f"or let {_SETTING} name one on which databases may be created."
        )
    stack = ExitStack()
    atexit.register(stack.close)
    cluster = stack.enter_context(PostgresCluster.running())
    print(
        f"Started a PostgreSQL of our own on port {cluster.port}; {_SETTING} names another.", file=sys.stderr
    )
    return cluster.url("postgres").replace("postgresql+psycopg://", "postgresql://", 1)


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
        self.url = _admin_url().rsplit("/", 1)[0] + f"/{name}"
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
        with psycopg.connect(_admin_url(), autocommit=True) as connection:
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
    with psycopg.connect(_admin_url()) as connection:
        return connection.info.parameter_status("server_version") or "unknown"
