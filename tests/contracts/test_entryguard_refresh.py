"""Refresh: sections 2 and 3 of the contract, each refusal with its answer, its row and its event."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.engine.engine import Engine
from app.primitives.clock import FrozenClock
from tests.clients import ORIGIN
from tests.conftest import AppFor, on_every_database, runtime_of
from tests.contracts.entryguard_client import BASE, SLUG, EntryGuardClient, assert_refused
from tests.http.wire import cleared_cookies, set_cookies, stored_rows
from tests.rows import event_kinds, session_row

NOT_VALID = "refresh token is not valid"
USER = {
    "id": str,
    "email": str,
    "name": str,
    "isOrgAdmin": bool,
    "organizationId": str,
    "organizationName": str,
    "organizationSlug": str,
    "subscriptionTier": str,
    "mfaEnabled": bool,
}


@pytest.fixture
def client(app_for: AppFor, transport: str) -> EntryGuardClient:
    app = app_for(contracts="entryguard", access_token_type=transport)
    client = EntryGuardClient(app, transport)
    client.sign_up(name="Ada Example")
    return client


def test_refresh_is_a_post_under_the_base_path_without_an_authorization_header(client: EntryGuardClient):
    """[seed] POST /api/v1/auth/refresh; refresh token in body; no header needed; 200"""
    token = client.current_refresh_token()

    answer = client.app.test_client().post("/api/v1/auth/refresh", json={"refreshToken": token})

    assert answer.status_code == 200
    assert answer.mimetype == "application/json"


def test_refresh_answers_with_five_camel_case_fields(client: EntryGuardClient):
    """[seed] 200: accessToken, refreshToken, expiresIn 3600, tokenType Bearer, user; all JSON is camelCase"""
    before = client.current_refresh_token()

    answer = client.refresh()

    body = answer.get_json()
    carried = {"accessToken", "refreshToken"} if client.transport == "header" else set()
    assert set(body) == {"expiresIn", "tokenType", "user", *carried}
    assert (body["expiresIn"], body["tokenType"]) == (3600, "Bearer")
    assert client.current_refresh_token() != before
    assert answer.headers["Cache-Control"] == "no-store"


def test_refresh_shows_the_nine_fields_of_the_user(client: EntryGuardClient):
    """[seed] user: id, email, name, isOrgAdmin, organizationId, -Name, -Slug, subscriptionTier, mfaEnabled"""
    user = client.refresh().get_json()["user"]

    assert {name: type(value) for name, value in user.items()} == USER
    assert str(UUID(user["id"])) == user["id"]
    assert str(UUID(user["organizationId"])) == user["organizationId"]
    assert user["subscriptionTier"] in {"FREE", "BUSINESS", "ENTERPRISE", "PLATFORM"}
    assert (user["email"], user["organizationSlug"]) == ("ada@example.test", SLUG)


@pytest.mark.parametrize("tier", ["FREE", "BUSINESS", "ENTERPRISE", "PLATFORM"])
def test_tier_of_the_organization_is_shown(client: EntryGuardClient, tier: str):
    """[seed] subscriptionTier: FREE, BUSINESS, ENTERPRISE or PLATFORM"""
    organizations = runtime_of(client.app).engine.organizations
    organizations.create(slug="other-works", name="Other Works", tier=tier)
    organizations.add_member("other-works", 1)
    client.log_in(slug="other-works")

    assert client.refresh().get_json()["user"]["subscriptionTier"] == tier


@pytest.mark.parametrize("send", [{}, {"data": b""}, {"json": {}}, {"json": {"refreshToken": None}}])
def test_refresh_without_a_token_is_a_bad_request(client: EntryGuardClient, send: dict[str, Any]):
    """[seed] 400: body missing or malformed, refreshToken missing (refreshToken is required)"""
    before = stored_rows(client.app)

    refused = client.app.test_client().post(f"{BASE}/refresh", base_url=ORIGIN, **send)

    message = "refreshToken is required"
    assert_refused(refused, 400, message, problems={"refreshToken": message})
    assert set_cookies(refused) == {}
    assert stored_rows(client.app) == before


@pytest.mark.parametrize("value", [42, True, [], {}])
def test_refresh_token_of_another_type_is_a_bad_request(client: EntryGuardClient, value: object):
    """[seed] refreshToken is a string"""
    refused = client.post(f"{BASE}/refresh", {"refreshToken": value})

    message = "refreshToken must be a string"
    assert_refused(refused, 400, message, problems={"refreshToken": message})
    assert client.refresh().status_code == 200


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"x"', b'{"refreshToken": "a", "refreshToken": "b"}', b"\xff"]
)
def test_malformed_body_is_a_bad_request(client: EntryGuardClient, body: bytes):
    """[seed] 400: body malformed"""
    refused = client.http.post(f"{BASE}/refresh", data=body, content_type="application/json", base_url=ORIGIN)

    assert_refused(refused, 400)
    assert client.refresh().status_code == 200


@pytest.mark.parametrize(
    "token", ["5b0d5a3e-6d7f-4a55-9d0a-3f5a0c1f7b21", "x", "kt1_" + "A" * 88, "é", "y" * 5000]
)
def test_unknown_token_is_unauthorized_and_changes_nothing(client: EntryGuardClient, token: str):
    """[seed] 401: token unknown"""
    before, seen = stored_rows(client.app), event_kinds(client.app)

    refused = client.post(f"{BASE}/refresh", {"refreshToken": token})

    assert refused.status_code == (400 if len(token) > 4096 else 401)
    assert_refused(refused, refused.status_code, problems=refused.get_json().get("validationErrors"))
    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen


def test_access_token_is_no_refresh_token(client: EntryGuardClient):
    assert_refused(client.present(client.current_access_token()), 401, NOT_VALID)
    assert client.refresh().status_code == 200


@on_every_database
def test_token_that_was_used_is_dead_at_once_and_its_return_ends_the_session(client: EntryGuardClient):
    """[seed] 401: token already used; the old refresh token dies at once"""
    first = client.current_refresh_token()
    client.refresh()

    refused = client.present(first)

    assert_refused(refused, 401, NOT_VALID)
    assert session_row(client.app, client.current_access_token()).revoked_reason == "reuse"
    assert event_kinds(client.app)[-1] == "session:refresh:reused"
    assert_refused(client.use(), 401, "access token is not valid")
    assert_refused(client.refresh(), 401, NOT_VALID)


def test_every_refresh_gives_two_new_tokens(client: EntryGuardClient):
    """[seed] Rotation: every refresh issues both tokens; refreshToken always different from the one sent"""
    seen = {client.current_refresh_token(), client.current_access_token()}
    for _ in range(3):
        assert client.refresh().status_code == 200
        seen |= {client.current_refresh_token(), client.current_access_token()}

    assert len(seen) == 8


@pytest.mark.parametrize(("late", "status"), [(timedelta(0), 401), (timedelta(seconds=-1), 200)])
def test_refresh_token_lives_seven_days_without_use(
    client: EntryGuardClient, clock: FrozenClock, late: timedelta, status: int
):
    """[seed] 401: token expired; [docs] refresh life 7 days"""
    clock.advance(timedelta(days=7) + late)
    token = client.current_access_token()

    answer = client.refresh()

    assert answer.status_code == status
    assert session_row(client.app, token).revoked_at is None


def test_session_ends_after_ninety_days_however_often_it_is_refreshed(
    client: EntryGuardClient, clock: FrozenClock
):
    for _ in range(14):
        clock.advance(timedelta(days=6))
        assert client.refresh().status_code == 200
    clock.advance(timedelta(days=6))

    assert_refused(client.refresh(), 401, NOT_VALID)


def _log_out(client: EntryGuardClient, _engine: Engine) -> None:
    body = {"refreshToken": client.current_refresh_token()}
    client.another_device().post(f"{BASE}/logout", body)


def _suspend_person(_client: EntryGuardClient, engine: Engine) -> None:
    engine.accounts.suspend(1)


def _suspend_organization(_client: EntryGuardClient, engine: Engine) -> None:
    engine.organizations.suspend(SLUG)


def _delete(_client: EntryGuardClient, engine: Engine) -> None:
    engine.accounts.delete(1)


@pytest.mark.parametrize(
    ("end", "status", "message", "traces"),
    [
        (_log_out, 401, NOT_VALID, ("logout", "session:self:ended")),
        (_suspend_person, 403, "user is suspended", ("suspended", "account:self:suspended")),
        (
            _suspend_organization,
            403,
            "organization is suspended",
            ("suspended", "organization:self:suspended"),
        ),
        (_delete, 401, "user no longer exists", ("deleted", "account:self:deleted")),
    ],
)
def test_session_that_was_ended_is_refused_and_its_cookies_go(
    client: EntryGuardClient,
    end: Callable[[EntryGuardClient, Engine], None],
    status: int,
    message: str,
    traces: tuple[str, str],
):
    """[seed] 401: token revoked; 403: the user or the organization is suspended"""
    token = client.current_access_token()
    end(client, runtime_of(client.app).engine)

    refused = client.refresh()

    assert_refused(refused, status, message)
    assert (session_row(client.app, token).revoked_reason, event_kinds(client.app)[-1]) == traces
    if client.transport == "cookie":
        assert {"entryguard_access", "entryguard_refresh"} <= cleared_cookies(refused)


def test_refreshes_from_one_address_are_limited(app_for: AppFor, transport: str):
    """[seed] 429: too many requests"""
    app = app_for(contracts="entryguard", access_token_type=transport, rate_limit_refresh="2 per minute")
    client = EntryGuardClient(app, transport)
    client.sign_up()
    answers = [client.refresh() for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert_refused(answers[2], 429)
    assert int(answers[2].headers["Retry-After"]) > 0
    assert set_cookies(answers[2]) == {}
