"""A row that nothing of ours has written costs that session its life, and nobody else anything."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from flask import Flask
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from app.models import Session
from tests.clients import AuthClient
from tests.conftest import AppFor, SettingsFor, on_every_database
from tests.rows import claims_of

COLUMNS = [column.name for column in Session.__table__.columns]
# As the databases spell them. Each is written to each column, as far as the column's own type allows.
VALUES = {
    "null": "NULL",
    "text": "'poison'",
    "oversized": "'" + "x" * 100_000 + "'",
    "negative": "-1",
    "largest": "9223372036854775807",
    "never": "'0000-00-00 00:00:00.000000'",
    "end of time": "'infinity'",
    "json nesting": "'" + "[" * 5_000 + "]" * 5_000 + "'",
    "bytes": "x'00ff'",
    "no text": "CAST(x'fffe' AS TEXT)",
}


@pytest.fixture
def victim(app_for: AppFor) -> AuthClient:
    app = app_for(session_retention_seconds=0)
    device = AuthClient(app, "header")
    device.sign_up()
    return device


@pytest.fixture
def write(settings_for: SettingsFor, database_kind: str) -> Iterator[Callable[[str], bool]]:
    """Run a statement past the service and its rules; False where the database itself refused it."""
    url = settings_for().database.url
    if database_kind == "sqlite":
        with closing(sqlite3.connect(make_url(url).database or "", isolation_level=None)) as connection:

            def write_to_file(statement: str) -> bool:
                try:
                    return connection.execute(statement).rowcount == 1
                except sqlite3.Error:
                    return False

            yield write_to_file
        return
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    # A client that cares less about its data than ours does.
    careless = "SET sql_mode=''" if database_kind == "mariadb" else "SELECT 1"

    def write_to_server(statement: str) -> bool:
        with engine.connect() as connection:
            connection.exec_driver_sql(careless)
            try:
                return connection.execute(text(statement.replace(":", "\\:"))).rowcount == 1
            except DBAPIError:
                return False

    yield write_to_server
    engine.dispose()


def _everything_by(device: AuthClient) -> list[int]:
    return [answer.status_code for answer in (device.use(), device.refresh(), device.log_out())]


def _everything_by_others(bystander: AuthClient, sibling: AuthClient) -> list[int]:
    """Another person, and the same person's other session and next login, beside a poisoned row."""
    return [
        answer.status_code
        for answer in (
            bystander.refresh(),
            sibling.refresh(),
            sibling.use(),
            sibling.get("/auth/sessions"),
            sibling.another_device().log_in(),
        )
    ]


def _devices(app: Flask) -> tuple[AuthClient, AuthClient]:
    bystander, sibling = AuthClient(app, "header"), AuthClient(app, "header")
    bystander.sign_up("bystander@example.test")
    sibling.log_in()
    return bystander, sibling


def _poisonings(database_kind: str) -> list[str]:
    values = [value for name, value in VALUES.items() if name != "no text" or database_kind == "sqlite"]
    return [f"UPDATE sessions SET {column} = {value}" for column in COLUMNS for value in values]  # noqa: S608


@on_every_database
def test_poisoned_row_is_refused_and_hurts_nobody_else(
    victim: AuthClient,
    write: Callable[[str], bool],
    database_kind: str,
    figure: Callable[[str], None],
) -> None:
    poisonings, answers = 0, list[int]()
    bystander, sibling = _devices(victim.app)
    for poisoning in _poisonings(database_kind):
        device = victim.another_device()
        device.log_in()
        if write(f"{poisoning} WHERE id = {_literal(device, database_kind)}"):
            poisonings += 1
            got = _everything_by(device)
            assert set(got) <= {200, 401, 403}, (poisoning[:100], got)
            answers += got
            others = _everything_by_others(bystander, sibling)
            assert set(others) == {200}, (poisoning[:100], others)
        kept = ", ".join(_literal(device, database_kind) for device in (bystander, sibling))
        write(f"DELETE FROM sessions WHERE id NOT IN ({kept})")  # noqa: S608
    assert poisonings > len(COLUMNS)
    figure(
        f"F33 {database_kind}: {len(COLUMNS)} columns, {poisonings} values that the database took, "
        f"{answers.count(401)} of {len(answers)} answers 401, 0 answers 5xx, others untouched"
    )


def _literal(device: AuthClient, database_kind: str) -> str:
    session_id = str(claims_of(device.current_refresh_token())["sid"])
    return f"'{session_id.replace('-', '') if database_kind == 'sqlite' else session_id}'"
