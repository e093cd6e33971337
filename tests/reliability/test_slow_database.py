"""A database that is slow, hangs or holds a lock: an answer in time, and the same token works again."""

import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import create_engine, text

from tests.clients import AuthClient
from tests.conftest import AppFor, SettingsFor
from tests.reliability.slow_link import SlowLink, slow_link
from tests.rows import claims_of, session_row

LOCK_SECONDS = 1
# A lock may take its second and the server five more; then the service hangs up.
ANSWER_SECONDS = LOCK_SECONDS + 5
# Of a busy machine; without limits of ours a hanging server is waited for much longer than all of this.
MARGIN_SECONDS = 10

on_servers = pytest.mark.parametrize("database_kind", ["postgresql", "mariadb"], indirect=True)


@pytest.fixture
def link(settings_for: SettingsFor) -> Iterator[tuple[SlowLink, str]]:
    with slow_link(settings_for().database.url) as found:
        yield found


@pytest.fixture
def client(app_for: AppFor, link: tuple[SlowLink, str]) -> AuthClient:
    app_for()
    app = app_for(database_url=link[1], database_lock_timeout_seconds=LOCK_SECONDS)
    device = AuthClient(app, "header")
    device.sign_up()
    return device


def _timed(act: Callable[[], int]) -> tuple[int, float]:
    began_at = time.monotonic()
    return act(), time.monotonic() - began_at


@on_servers
def test_slow_database_makes_slow_answers_and_no_errors(
    client: AuthClient, link: tuple[SlowLink, str], database_kind: str, figure: Callable[[str], None]
) -> None:
    said = []
    for delay_seconds in (0, 0.05, 0.5):
        link[0].delay_seconds = delay_seconds
        status, seconds = _timed(lambda: client.refresh().status_code)
        assert status == 200
        said.append(f"{delay_seconds * 1000:.0f} ms each way: {seconds * 1000:.0f} ms")
    figure(f"F16 {database_kind}, refresh with a database delayed by {'; '.join(said)}")


@on_servers
def test_hanging_database_is_answered_within_the_limit_and_nothing_is_spent(
    client: AuthClient, link: tuple[SlowLink, str], database_kind: str, figure: Callable[[str], None]
) -> None:
    link[0].is_frozen = True
    status, seconds = _timed(lambda: client.refresh().status_code)
    assert status == 503
    assert seconds < ANSWER_SECONDS + MARGIN_SECONDS

    link[0].is_frozen = False
    back_at = time.monotonic()
    while client.refresh().status_code != 200:
        assert time.monotonic() - back_at < MARGIN_SECONDS
    figure(
        f"F16 {database_kind} hangs: 503 after {seconds:.1f} s, the same token refreshed "
        f"{time.monotonic() - back_at:.2f} s after it was back"
    )


@on_servers
def test_locked_session_row_holds_up_that_session_alone(
    client: AuthClient, settings_for: SettingsFor, database_kind: str, figure: Callable[[str], None]
) -> None:
    neighbour = client.another_device()
    neighbour.log_in()
    engine = create_engine(settings_for().database.url)
    with engine.connect() as connection:
        session_id = claims_of(client.refresh_token)["sid"]
        connection.execute(text("SELECT id FROM sessions WHERE id = :id FOR UPDATE"), {"id": session_id})
        status, seconds = _timed(lambda: client.refresh().status_code)
        assert neighbour.refresh().status_code == 200
        connection.rollback()
    engine.dispose()

    assert status == 503
    assert seconds < LOCK_SECONDS + MARGIN_SECONDS
    assert client.refresh().status_code == 200
    assert session_row(client.app, client.refresh_token).generation == 2
    figure(f"F16 {database_kind}, session row locked: 503 after {seconds:.1f} s, neighbours served")
