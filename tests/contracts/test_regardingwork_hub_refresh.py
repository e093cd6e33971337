"""Refresh: sections 2 and 3 of the contract, each refusal with its answer, its row and its event."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.engine.engine import Engine
from app.extensions import db
from app.primitives.clock import FrozenClock
from tests.clients import ORIGIN
from tests.conftest import AppFor, on_every_database, runtime_of
from tests.contracts.regardingwork_hub_client import BASE, HubClient, assert_refused
from tests.http.wire import cleared_cookies, set_cookies, stored_rows
from tests.rows import database_without_sessions, event_kinds, session_row

TOKENS = {"access_token", "refresh_token"}
ENDED = "Invalid or expired refresh token"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")
TEN_FIELDS = {
    "id": 1,
    "username": "ada-example",
    "bio": None,
    "profile_photo_url": None,
    "website_url": None,
    "created_at": "2026-03-01T12:00:00.000000",
    "updated_at": "2026-03-01T12:00:00.000000",
    "is_active": True,
    "role": "USER",
    "premium_tier": "FREE",
}


@pytest.fixture
def client(app_for: AppFor, transport: str) -> HubClient:
    client = HubClient(app_for(contracts="regardingwork_hub", access_token_type=transport), transport)
    client.sign_up()
    return client


def test_refresh_is_a_post_under_the_base_path_without_an_authorization_header(client: HubClient):
    """[seed] POST /api/auth/refresh; base path /api; Content-Type: application/json; no Authorization; 200"""
    token = client.current_refresh_token()

    answer = client.app.test_client().post("/api/auth/refresh", json={"refresh_token": token})

    assert answer.status_code == 200
    assert answer.mimetype == "application/json"


def test_refresh_answers_with_message_tokens_and_user(client: HubClient):
    """[seed] 200: message `Token refreshed successfully`, access_token, refresh_token, user; no more"""
    body = client.refresh().get_json()

    assert body["message"] == "Token refreshed successfully"
    assert set(body) == {"message", "user"} | (TOKENS if client.transport == "header" else set())


def test_every_refresh_returns_a_new_refresh_token(client: HubClient):
    """[seed] Every refresh returns a new refresh token, which the client stores over the old one"""
    held = [client.current_refresh_token()]
    for _ in range(3):
        client.refresh()
        held.append(client.current_refresh_token())

    assert len(set(held)) == 4
    assert client.use().status_code == 200


def test_refresh_shows_ten_fields_of_the_person_and_no_address(client: HubClient):
    """[seed] User: id, username, bio, website_url, profile_photo_url, created_at, updated_at, is_active,
    role USER, premium_tier FREE; ten fields, no email
    """
    assert client.refresh().get_json()["user"] == TEN_FIELDS


def test_all_json_is_snake_case(client: HubClient):
    """[seed] All JSON is snake_case"""
    answers = [client.refresh(), client.use(), client.get(f"{BASE}/validate"), client.log_out()]
    names = {name for answer in answers for name in _names(answer.get_json())}

    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names), names


def test_id_is_an_integer(client: HubClient):
    """[seed] user.id is an integer"""
    assert type(client.refresh().get_json()["user"]["id"]) is int


def test_timestamps_have_microseconds_and_no_zone(client: HubClient):
    """[seed] Timestamps: ISO 8601, microseconds, no zone suffix"""
    for answer in (client.refresh(), client.use(), client.log_in()):
        user = answer.get_json()["user"]
        assert MOMENT.fullmatch(user["created_at"])
        assert MOMENT.fullmatch(user["updated_at"])


def test_refresh_shows_what_an_administrator_has_set(client: HubClient):
    """[docs] bio, website_url, profile_photo_url: string or null; role ADMIN; premium_tier BASIC"""
    shown = {"bio": "Engines", "website_url": "https://ada.example", "premium_tier": "BASIC", "role": "ADMIN"}
    runtime_of(client.app).engine.accounts.change(1, {**shown, "profile_photo_url": "https://ada.example/p"})

    user = client.refresh().get_json()["user"]

    assert user == {**TEN_FIELDS, **shown, "profile_photo_url": "https://ada.example/p"}


@pytest.mark.parametrize("value", [1, ["x"], {"a": 1}, True])
def test_attribute_of_another_type_is_not_shown(client: HubClient, value: object):
    runtime_of(client.app).engine.accounts.change(1, {"bio": value, "premium_tier": value, "role": "QUEEN"})

    assert client.refresh().get_json()["user"] == TEN_FIELDS


@pytest.mark.parametrize(
    "send",
    [{}, {"data": b""}, {"json": {}}, {"json": {"refresh_token": None}}, {"json": {"refresh_token": ""}}],
)
def test_refresh_without_a_token_is_bad_input(client: HubClient, send: dict[str, Any]):
    """[seed] 400 `Refresh token is required`: field missing; the key is `error`"""
    refused = client.app.test_client().post(f"{BASE}/refresh", base_url=ORIGIN, **send)

    assert_refused(refused, 400, "Refresh token is required")
    assert set_cookies(refused) == {}


@pytest.mark.parametrize("value", [42, True, [], {}])
def test_refresh_token_of_another_type_is_bad_input(client: HubClient, value: object):
    before = stored_rows(client.app)

    assert_refused(client.post(f"{BASE}/refresh", {"refresh_token": value}), 400)
    assert stored_rows(client.app) == before


def test_forged_token_and_access_token_in_its_place_are_refused(client: HubClient):
    """[seed] 401 `Invalid or expired refresh token`: forged; an access token in its place"""
    before, seen = stored_rows(client.app), event_kinds(client.app)
    token = client.current_refresh_token()
    assert token is not None

    for presented in (token[:-4] + "AAAA", "garbage", client.current_access_token()):
        assert_refused(client.present(presented), 401, ENDED)

    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen


def test_refresh_token_of_30_days_ago_has_expired(client: HubClient, clock: FrozenClock):
    """[seed] Refresh life 30 days; 401 `Invalid or expired refresh token`: expired"""
    clock.advance(timedelta(days=30) - timedelta(seconds=1))
    assert client.refresh().status_code == 200
    token, seen = client.current_refresh_token(), event_kinds(client.app)
    clock.advance(timedelta(days=30))

    assert_refused(client.present(token), 401, ENDED)

    assert session_row(client.app, token).revoked_at is None
    assert event_kinds(client.app) == seen


@on_every_database
def test_used_token_ends_the_session_once_its_successor_was_seen(client: HubClient, clock: FrozenClock):
    """[seed] The old token is replaced: used again it is 401 `Invalid or expired refresh token`"""
    first = client.current_refresh_token()
    client.refresh()
    client.use()
    clock.advance(timedelta(seconds=31))

    assert_refused(client.present(first), 401, ENDED)

    assert session_row(client.app, first).revoked_reason == "reuse"
    assert event_kinds(client.app)[-1] == "session:refresh:reused"
    assert_refused(client.refresh(), 401, ENDED)


def test_retry_within_the_grace_period_gives_the_same_generation(client: HubClient):
    first = client.current_refresh_token()
    client.refresh()

    repeated = client.present(first)

    assert repeated.status_code == 200
    assert session_row(client.app, first).generation == 2


def _delete(engine: Engine) -> None:
    engine.accounts.delete(1)


def _suspend(engine: Engine) -> None:
    engine.accounts.suspend(1)


@pytest.mark.parametrize(
    ("end", "error", "reason", "event"),
    [
        (_delete, "User not found", "deleted", "account:self:deleted"),
        (_suspend, "Account is disabled", "suspended", "account:self:suspended"),
    ],
)
def test_person_who_is_gone_or_disabled_gets_no_tokens(
    client: HubClient, end: Callable[[Engine], None], error: str, reason: str, event: str
):
    """[seed] 401 `User not found`: the token's user is gone"""
    token = client.current_refresh_token()
    end(runtime_of(client.app).engine)

    refused = client.refresh()

    assert_refused(refused, 401, error)
    assert session_row(client.app, token).revoked_reason == reason
    assert event_kinds(client.app)[-1] == event
    cookies = {client.access_cookie, client.refresh_cookie, "regardingwork_hub_remember"}
    assert cleared_cookies(refused) == (cookies if client.transport == "cookie" else set())


def test_server_fault_says_only_that_the_refresh_failed(client: HubClient):
    """[seed] 500 `Token refresh failed`: server fault"""
    with client.app.app_context():
        db.session.execute(text("UPDATE users SET attributes = '[]'"))
        db.session.commit()

    refused = client.refresh()

    assert_refused(refused, 500, "Token refresh failed")
    assert set_cookies(refused) == {}


def test_database_that_does_not_answer_is_no_refusal_of_the_token(client: HubClient):
    with database_without_sessions(client.app):
        for refused in (client.refresh(), client.use(), client.log_out(), client.get(f"{BASE}/validate")):
            assert_refused(refused, 503)
            assert int(refused.headers["Retry-After"]) >= 1
            assert set_cookies(refused) == {}
    assert client.refresh().status_code == 200


def test_too_many_refreshes_are_told_when_to_come_back(app_for: AppFor):
    app = app_for(contracts="regardingwork_hub", rate_limit_refresh="1/minute")
    client = HubClient(app, "header")
    client.sign_up()
    client.refresh()

    refused = client.refresh()

    assert_refused(refused, 429)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def _names(value: object) -> set[str]:
    if not isinstance(value, dict):
        return set()
    return {name for key, item in value.items() for name in {key} | _names(item)}
