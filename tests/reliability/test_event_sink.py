"""A change whose event cannot be written does not happen, and no event tells of a change that did not."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Engine, create_engine

from app.primitives.clock import FrozenClock
from tests.clients import PASSWORD, AuthClient
from tests.conftest import AppFor, SettingsFor, on_every_database
from tests.http.wire import stored_rows
from tests.rows import event_kinds

NEW_PASSWORD = "quite another staple 8"
Sabotage = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def gone(settings_for: SettingsFor) -> Iterator[Sabotage]:
    """Take the table away for the length of a block."""
    engine = create_engine(settings_for().database.url, isolation_level="AUTOCOMMIT")

    @contextmanager
    def hold() -> Iterator[None]:
        _run(engine, "ALTER TABLE security_events RENAME TO security_events_away")
        yield
        _run(engine, "ALTER TABLE security_events_away RENAME TO security_events")

    yield hold
    engine.dispose()


@pytest.fixture
def locked(settings_for: SettingsFor, database_kind: str) -> Iterator[Sabotage]:
    """Lock the table for the length of a block."""
    engine = create_engine(settings_for().database.url, isolation_level="AUTOCOMMIT")
    statements = {
        "sqlite": ["BEGIN IMMEDIATE"],
        "postgresql": ["BEGIN", "LOCK TABLE security_events IN ACCESS EXCLUSIVE MODE"],
        "mariadb": ["SET autocommit=0", "SELECT * FROM security_events FOR UPDATE"],
    }

    @contextmanager
    def hold() -> Iterator[None]:
        with engine.connect() as connection:
            for statement in statements[database_kind]:
                connection.exec_driver_sql(statement)
            yield
            connection.exec_driver_sql("ROLLBACK")

    yield hold
    engine.dispose()


@pytest.fixture(params=["gone", "locked"])
def fail(request: pytest.FixtureRequest) -> Sabotage:
    """Each way in which an event cannot be written."""
    sabotage: Sabotage = request.getfixturevalue(request.param)
    return sabotage


def _run(engine: Engine, statement: str) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


def _changes(client: AuthClient) -> dict[str, Callable[[], int]]:
    passwords = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    return {
        "signup": lambda: client.another_device().sign_up("eve@example.test").status_code,
        "login": lambda: client.another_device().log_in().status_code,
        "password": lambda: client.post("/auth/change-password", passwords).status_code,
        "others": lambda: client.post("/auth/sessions/revoke-others").status_code,
        "logout": lambda: client.log_out().status_code,
        "logout everywhere": lambda: client.post("/auth/logout-all").status_code,
    }


@on_every_database
def test_change_and_event_happen_together_or_not_at_all(
    app_for: AppFor,
    clock: FrozenClock,
    fail: Sabotage,
    request: pytest.FixtureRequest,
    figure: Callable[[str], None],
) -> None:
    client = AuthClient(app_for(database_lock_timeout_seconds=1), "header")
    client.sign_up()
    client.another_device().log_in()
    stolen = client.refresh_token
    client.refresh()
    client.use()
    clock.advance(timedelta(minutes=5))
    rows, kinds = stored_rows(client.app), event_kinds(client.app)

    with fail():
        answers = [change() for change in _changes(client).values()]
        answers.append(client.present(stolen).status_code)
        # A plain rotation has no event to write, so only SQLite, with its one lock, holds it up.
        refreshed = client.refresh().status_code == 200

    assert answers == [503] * 7
    assert event_kinds(client.app) == kinds
    if not refreshed:
        assert stored_rows(client.app) == rows
    assert client.use().status_code == 200
    figure(
        f"F25 {request.node.callspec.id}: 7 changes tried, 0 without their event, "
        "0 events without their change"
    )
