"""What clients see when the database is away or something breaks: never a word of logging in again."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from flask import Blueprint
from sqlalchemy import text
from werkzeug.test import TestResponse

from tests.clients import ORIGIN, PASSWORD, AuthClient
from tests.conftest import AppFor, Databases
from tests.http.wire import assert_refused, mounted_operations, send, set_cookies, stored_rows
from tests.rows import session_row

# Nothing listens on this port.
NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/keyturn_nowhere"
MESSAGE = "The service is temporarily unavailable; try again."


@pytest.fixture
def client(app_for: AppFor, transport: str) -> AuthClient:
    app = app_for(access_token_type=transport, database_lock_timeout_seconds=1)
    signed_in = AuthClient(app, transport)
    signed_in.sign_up()
    signed_in.get("/auth/me")
    return signed_in


@pytest.fixture
def stranded(app_for: AppFor, transport: str, client: AuthClient) -> AuthClient:
    """The same person at a host that cannot reach the database."""
    device = AuthClient(app_for(access_token_type=transport, database_url=NOWHERE), transport)
    device.hold(access_token=client.current_access_token(), refresh_token=client.current_refresh_token())
    return device


Lock = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def lock(databases: Databases, database_kind: str) -> Lock:
    """Let another connection keep everybody from writing for the length of a block."""
    rows = ["SELECT id FROM users FOR UPDATE", "SELECT id FROM sessions FOR UPDATE"]

    @contextmanager
    def hold() -> Iterator[None]:
        with databases(database_kind).connect() as connection:
            for statement in ["BEGIN IMMEDIATE"] if database_kind == "sqlite" else rows:
                connection.execute(text(statement))
            yield

    return hold


def _assert_unavailable(answer: TestResponse) -> None:
    assert_refused(answer, 503, "SERVICE_UNAVAILABLE", MESSAGE)
    assert int(answer.headers["Retry-After"]) >= 1
    assert "WWW-Authenticate" not in answer.headers
    assert set_cookies(answer) == {}


def test_guarded_operations_wait_for_a_lost_database(stranded: AuthClient) -> None:
    for operation in mounted_operations(stranded.app):
        if operation.is_guarded and not operation.reads_body:
            _assert_unavailable(send(stranded, operation))


def test_login_signup_refresh_and_logout_wait_for_a_lost_database(
    client: AuthClient, stranded: AuthClient
) -> None:
    token = stranded.current_refresh_token()
    for answer in (
        stranded.log_in(),
        stranded.sign_up("eve@example.test"),
        stranded.refresh(),
        stranded.post("/auth/logout", {"refreshToken": token}),
        stranded.post("/auth/logout"),
    ):
        _assert_unavailable(answer)

    assert client.refresh().status_code == 200


def test_garbage_is_refused_without_the_database(stranded: AuthClient) -> None:
    assert_refused(stranded.present("garbage"), 401, "REFRESH_TOKEN_EXPIRED")


def test_lost_database_is_told_by_readyz_and_not_by_healthz(stranded: AuthClient) -> None:
    ready = stranded.get("/readyz")

    assert ready.status_code == 503
    assert ready.get_json()["database"] == "unavailable"
    assert stranded.get("/healthz").get_json() == {"status": "ok"}


def test_locked_database_ends_nobody(client: AuthClient, lock: Lock) -> None:
    before = stored_rows(client.app)
    with lock():
        _assert_unavailable(client.refresh())

    assert stored_rows(client.app) == before
    assert client.refresh().status_code == 200
    assert session_row(client.app, client.current_refresh_token()).generation == 2


@pytest.mark.parametrize("transport", ["cookie"], indirect=True)
def test_login_waits_for_a_locked_database(client: AuthClient, lock: Lock) -> None:
    before = stored_rows(client.app)
    with lock():
        _assert_unavailable(client.another_device().log_in())

    assert stored_rows(client.app) == before


def test_logout_is_not_claimed_while_the_database_is_locked(client: AuthClient, lock: Lock) -> None:
    with lock():
        _assert_unavailable(client.post("/auth/logout"))

    assert client.get("/auth/me").status_code == 200
    assert client.post("/auth/logout").status_code == 200


@pytest.mark.parametrize("transport", ["header"], indirect=True)
def test_reading_goes_on_while_the_database_is_locked(client: AuthClient, lock: Lock) -> None:
    client.refresh()
    with lock():
        assert client.get("/auth/me").status_code == 200

    assert session_row(client.app, client.current_access_token()).seen_generation == 1


def _fail() -> str:
    raise RuntimeError(f"could not verify {PASSWORD}")


@pytest.mark.parametrize(
    ("path", "media_type"), [("/auth", "application/json"), ("", "application/problem+json")]
)
def test_unexpected_failure_says_nothing_but_where_to_look_it_up(
    new_app_for: AppFor, caplog: pytest.LogCaptureFixture, path: str, media_type: str
) -> None:
    app = new_app_for()
    failing = Blueprint("failing", __name__)
    failing.add_url_rule(f"{path}/failing", view_func=_fail)
    app.register_blueprint(failing)

    with caplog.at_level(logging.ERROR, "app"):
        answer = app.test_client().get(f"{path}/failing", base_url=ORIGIN)

    body = answer.get_json()
    said = body["message"] if path else body["detail"]
    reference = re.fullmatch(r"Internal server error \(reference ([0-9a-f]{12})\)", said)
    assert reference is not None
    assert (answer.status_code, answer.mimetype) == (500, media_type)
    assert any(reference[1] in record.getMessage() for record in caplog.records)
    assert not any(word in answer.get_data(as_text=True) for word in ("Traceback", "RuntimeError", PASSWORD))
