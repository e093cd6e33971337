"""A fresh database, dropped afterwards, emptied between tests, and a reader of its final sessions table."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import OperationalError

from app.models import Base
from tests.reliability.checker import FinalRow

SERVERS = {
    "postgresql": ("KEYTURN_TEST_POSTGRES_URL", "postgresql+psycopg://root@127.0.0.1:5432/postgres"),
    "mariadb": ("KEYTURN_TEST_MARIADB_URL", "mysql+pymysql://root@127.0.0.1:3306/mysql"),
}
# The first person is number 1 in what contracts show; SQLite counts from there by itself.
_COUNT_PEOPLE_FROM_1 = {
    "postgresql": ["ALTER SEQUENCE users_id_seq RESTART"],
    "mysql": ["ALTER TABLE users AUTO_INCREMENT = 1"],
}


@contextmanager
def fresh_database(kind: str) -> Iterator[str]:
    """Yield the address of an empty `sqlite`, `postgresql` or `mariadb` database.

    Skips the test when the server is absent, unless KEYTURN_TEST_SERVICES=required: then it fails.
    """
    if kind == "sqlite":
        with TemporaryDirectory(prefix="keyturn-reliability-") as directory:
            yield f"sqlite:///{Path(directory) / 'keyturn.db'}"
        return
    setting, local = SERVERS[kind]
    server = make_url(os.environ.get(setting, local))
    name = f"keyturn_reliability_{uuid.uuid4().hex[:12]}"
    try:
        _administer(server, f"CREATE DATABASE {name}")
    except OperationalError as error:
        is_absent(f"{kind} does not answer at {server.render_as_string()}: {error.orig}")
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(server, f"DROP DATABASE {name}" + (" WITH (FORCE)" if kind == "postgresql" else ""))


@contextmanager
def connected(database_url: str) -> Iterator[Engine]:
    """Yield connections to a database in which the tables are, made as the models have them."""
    pool = create_engine(database_url)
    try:
        Base.metadata.create_all(pool)
        yield pool
    finally:
        pool.dispose()


def empty(pool: Engine) -> None:
    """Delete every row of every table."""
    with pool.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
        for statement in _COUNT_PEOPLE_FROM_1.get(pool.dialect.name, ()):
            connection.execute(text(statement))


def final_rows(database_url: str) -> dict[str, FinalRow]:
    """Read the sessions table past the service, keyed by the `sid` claim."""
    engine = create_engine(database_url)
    try:
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT id, generation, revoked_at FROM sessions")).all()
    finally:
        engine.dispose()
    return {_session_id(row.id): FinalRow(row.generation, row.revoked_at is not None) for row in rows}


def _session_id(stored: object) -> str:
    """Databases store it as a UUID, as 16 bytes or as text with or without dashes."""
    return str(uuid.UUID(bytes=stored) if isinstance(stored, bytes) else uuid.UUID(str(stored)))


def _administer(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


def is_absent(reason: str) -> None:
    """Skip the test, or fail it where every service has to be there."""
    if os.environ.get("KEYTURN_TEST_SERVICES") == "required":
        pytest.fail(reason)
    pytest.skip(reason)
