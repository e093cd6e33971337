"""Refresh: section 2 of the contract, each refusal with its answer, its row and its event."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.extensions import db
from app.primitives.clock import FrozenClock
from tests.clients import ORIGIN
from tests.conftest import AppFor, on_every_database, runtime_of
from tests.contracts.falcon_alert_client import FalconClient, assert_refused
from tests.http.wire import cleared_cookies, set_cookies, stored_rows
from tests.rows import database_without_sessions, event_kinds, session_row

TOKENS = {"accessToken", "refreshToken"}
PREFIX = "Invalid refresh token: "
NOT_VALID = PREFIX + "token is not valid"


@pytest.fixture
def client(app_for: AppFor, transport: str) -> FalconClient:
    client = FalconClient(app_for(contracts="falcon_alert", access_token_type=transport), transport)
    client.sign_up()
    return client


def test_refresh_is_a_post_without_base_path_and_without_authorization(client: FalconClient):
    """[seed] POST /auth/refresh, no base path; Content-Type: application/json; no Authorization; 200"""
    token = client.current_refresh_token()

    answer = client.app.test_client().post("/auth/refresh", json={"refreshToken": token})

    assert answer.status_code == 200
    assert answer.mimetype == "application/json"


def test_refresh_answers_with_exactly_two_camel_case_fields(client: FalconClient):
    """[seed] 200 body, exactly two fields: accessToken and refreshToken, camelCase"""
    assert set(client.refresh().get_json()) == (TOKENS if client.transport == "header" else set())


@on_every_database
def test_refresh_replaces_both_tokens_and_the_old_one_stops_working(client: FalconClient):
    """[seed] Both tokens are replaced; the old refresh token stops working after a success: 401"""
    access, first = client.current_access_token(), client.current_refresh_token()

    assert client.refresh().status_code == 200

    assert client.current_access_token() != access
    assert client.current_refresh_token() != first
    assert_refused(client.present(first), 401, NOT_VALID)
    assert session_row(client.app, first).revoked_reason == "reuse"
    assert event_kinds(client.app)[-1] == "session:refresh:reused"
    assert_refused(client.refresh(), 401, NOT_VALID)


def test_two_refreshes_within_one_second_give_different_tokens(client: FalconClient):
    """[seed] Both rotated, also where the seed's example answers with the very token it was sent"""
    first = client.current_refresh_token()
    client.refresh()
    second = client.current_refresh_token()
    client.refresh()

    assert len({first, second, client.current_refresh_token()}) == 3


def test_old_access_token_lives_on_beside_the_new_one(client: FalconClient):
    """[code] The access token lives to its exp, whatever is refreshed"""
    token = client.current_access_token()
    assert token is not None
    client.refresh()
    client.hold(access_token=token)

    assert client.use().status_code == 200


def test_expired_token_means_a_new_login(client: FalconClient, clock: FrozenClock):
    """[seed] 401 invalid or expired refresh token; an expired one means a new login"""
    token, seen = client.current_refresh_token(), event_kinds(client.app)
    clock.advance(timedelta(days=7))

    assert_refused(client.present(token), 401, PREFIX + "jwt expired")

    assert session_row(client.app, token).revoked_at is None
    assert event_kinds(client.app) == seen
    assert client.log_in().status_code == 200


def test_forged_token_and_access_token_in_its_place_are_refused(client: FalconClient):
    """[seed] 401 invalid refresh token; the text begins `Invalid refresh token: `"""
    before, seen = stored_rows(client.app), event_kinds(client.app)
    token = client.current_refresh_token()
    assert token is not None

    for presented in (token[:-4] + "AAAA", "garbage", client.current_access_token()):
        assert_refused(client.present(presented), 401, NOT_VALID)
    assert_refused(client.post("/auth/refresh", {"refreshToken": "x" * 9000}), 401, NOT_VALID)

    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen


@pytest.mark.parametrize(
    "send",
    [{}, {"data": b""}, {"json": {}}, {"json": {"refreshToken": None}}, {"json": {"refreshToken": ""}}],
)
def test_missing_token_is_401_and_not_bad_input(client: FalconClient, send: dict[str, Any]):
    """[seed] refreshToken is required; no 400 is listed for this endpoint: field missing or no body is 401"""
    refused = client.app.test_client().post("/auth/refresh", base_url=ORIGIN, **send)

    assert_refused(refused, 401, PREFIX + "jwt must be provided")
    assert set_cookies(refused) == {}


@pytest.mark.parametrize("value", [42, True, ["x"], {"a": 1}])
def test_token_of_another_type_is_401_as_well(client: FalconClient, value: object):
    """[seed] No 400 is listed for this endpoint"""
    assert_refused(client.post("/auth/refresh", {"refreshToken": value}), 401, NOT_VALID)


def test_unknown_fields_are_ignored_at_refresh(client: FalconClient):
    """[code] Extra unknown body fields are ignored on this endpoint, unlike all others"""
    body = {"refreshToken": client.current_refresh_token(), "device": "phone"}

    assert client.post("/auth/refresh", body).status_code == 200


def test_person_who_is_gone_is_not_found(client: FalconClient):
    """[seed] 404: the token's user no longer exists"""
    token = client.current_refresh_token()
    runtime_of(client.app).engine.accounts.delete(1)

    refused = client.refresh()

    assert_refused(refused, 404, "User with id 1 not found")
    cookies = {client.access_cookie, client.refresh_cookie, "falcon_alert_remember"}
    assert cleared_cookies(refused) == (cookies if client.transport == "cookie" else set())
    assert session_row(client.app, token).revoked_reason == "deleted"
    assert event_kinds(client.app)[-1] == "account:self:deleted"


def test_suspended_person_is_refused_with_the_prefix(client: FalconClient):
    token = client.current_refresh_token()
    runtime_of(client.app).engine.accounts.suspend(1)

    assert_refused(client.refresh(), 401, PREFIX + "account is not available")
    assert session_row(client.app, token).revoked_reason == "suspended"


def test_refresh_token_of_another_contract_is_refused(app_for: AppFor):
    app = app_for(contracts="falcon_alert,regardingwork_hub")
    hub = {"username": "ada", "email": "a@example.test", "password": "correct horse 1"}
    token = app.test_client().post("/api/auth/register", json=hub).get_json()["refresh_token"]

    assert_refused(FalconClient(app, "header").present(token), 401, NOT_VALID)
    assert session_row(app, token).revoked_at is None


def test_server_fault_is_answered_without_detail(client: FalconClient):
    """[code] Unhandled faults: {"statusCode": 500, "message": "Internal server error"}"""
    with client.app.app_context():
        db.session.execute(text("UPDATE users SET attributes = '[]'"))
        db.session.commit()

    refused = client.refresh()

    assert refused.status_code == 500
    assert refused.get_json() == {"statusCode": 500, "message": "Internal server error"}
    assert set_cookies(refused) == {}


def test_database_that_does_not_answer_is_no_refusal_of_the_token(client: FalconClient):
    with database_without_sessions(client.app):
        for refused in (client.refresh(), client.use(), client.post("/auth/verify")):
            assert_refused(refused, 503)
            assert set_cookies(refused) == {}
    assert client.refresh().status_code == 200


def test_too_many_refreshes_are_told_when_to_come_back(app_for: AppFor):
    client = FalconClient(app_for(contracts="falcon_alert", rate_limit_refresh="1/minute"), "header")
    client.sign_up()
    client.refresh()

    refused = client.refresh()

    assert_refused(refused, 429)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
