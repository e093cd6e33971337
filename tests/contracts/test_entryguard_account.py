"""Login, logout, current user, password and error bodies: sections 5, 7, 8, 9 and 11 of the contract."""

from datetime import timedelta

import pytest
from flask import Flask

from app.primitives.clock import FrozenClock
from tests.clients import ORIGIN, PASSWORD
from tests.conftest import AppFor, runtime_of
from tests.contracts.entryguard_client import BASE, SLUG, EntryGuardClient, assert_refused
from tests.http.wire import cleared_cookies, stored_rows
from tests.rows import change_user, claims_of, event_kinds, events, session_row

NEW_PASSWORD = "another horse battery"
LOGIN_KEYS = {
    "mfaRequired": False,
    "mfaChallengeToken": None,
    "mfaChallengeExpiresIn": None,
    "passwordExpired": False,
    "passwordChangeToken": None,
    "expiresIn": 3600,
    "tokenType": "Bearer",
}


@pytest.fixture
def client(app_for: AppFor, transport: str) -> EntryGuardClient:
    client = EntryGuardClient(app_for(contracts="entryguard", access_token_type=transport), transport)
    client.sign_up()
    return client


def test_login_always_has_its_ten_keys(client: EntryGuardClient):
    """[docs] 200 always carries these ten keys, unused ones as null"""
    answer = client.log_in(" ADA@example.test")

    body = answer.get_json()
    tokens = {name: body.pop(name) for name in ("accessToken", "refreshToken") if name in body}
    user = body.pop("user")
    assert answer.status_code == 200
    assert len(tokens) == (2 if client.transport == "header" else 0)
    assert body == LOGIN_KEYS
    assert user == client.refresh().get_json()["user"]


@pytest.mark.parametrize(
    "wrong",
    [{"slug": "other"}, {"email": "eve@example.test"}, {"password": "wrong password"}],
    ids=str,
)
def test_wrong_slug_address_or_password_get_one_answer(client: EntryGuardClient, wrong: dict[str, str]):
    before = stored_rows(client.app)

    refused = client.another_device().log_in(**wrong)

    assert_refused(refused, 401, "organization, email or password is not correct")
    assert stored_rows(client.app) == before
    assert event_kinds(client.app)[-1] == "session:login:failed"


def test_slug_of_an_organization_one_does_not_belong_to_is_a_wrong_slug(client: EntryGuardClient):
    client.another_device().sign_up("bea@example.test", "Other")

    assert_refused(client.another_device().log_in(slug="other"), 401)


def test_login_without_its_fields_names_them(client: EntryGuardClient):
    refused = client.post(f"{BASE}/login", {"email": "ada@example.test"})

    problems = {
        "organizationSlug": "organizationSlug is required",
        "password": "password is required",
    }
    assert_refused(refused, 400, problems=problems)


def test_suspended_person_is_told_so_only_with_the_right_password(client: EntryGuardClient):
    runtime_of(client.app).engine.accounts.suspend(1)
    device = client.another_device()

    assert_refused(device.log_in(), 403, "user is suspended")
    assert_refused(device.log_in(password="wrong password"), 401)
    assert event_kinds(client.app)[-1] == "session:login:failed"


def test_too_many_wrong_passwords_lock_the_login(app_for: AppFor):
    client = EntryGuardClient(app_for(contracts="entryguard", login_attempts=2), "header")
    client.sign_up()
    stranger = client.another_device()
    for _ in range(2):
        stranger.log_in(password="wrong password")

    refused = stranger.log_in()

    assert_refused(refused, 429)
    assert refused.headers["Retry-After"] == "900"
    assert event_kinds(client.app)[-1] == "session:login:locked"


def test_me_is_flat_and_has_thirteen_fields(client: EntryGuardClient):
    """[docs] GET me: the nine fields, platformRole, maxUsers, maxResources, organizationMfaRequired"""
    body = client.get(f"{BASE}/me").get_json()

    extra = {name: body.pop(name) for name in sorted(set(body) - set(client.refresh().get_json()["user"]))}
    assert len(body) == 9
    assert extra == {
        "maxResources": 5,
        "maxUsers": 3,
        "organizationMfaRequired": False,
        "platformRole": "USER",
    }


@pytest.mark.parametrize(
    ("tier", "users", "resources"),
    [("BUSINESS", 50, 100), ("ENTERPRISE", 500, 1000), ("PLATFORM", None, None)],
)
def test_limits_follow_the_tier(client: EntryGuardClient, tier: str, users: int, resources: int):
    """[docs] Tier limits: FREE 3/5, BUSINESS 50/100, ENTERPRISE 500/1000, PLATFORM unlimited"""
    engine = runtime_of(client.app).engine
    engine.organizations.create(slug="big", name="Big", tier=tier)
    engine.organizations.add_member("big", 1)
    client.log_in(slug="big")

    body = client.use().get_json()

    assert (body["subscriptionTier"], body["maxUsers"], body["maxResources"]) == (tier, users, resources)
    assert (body["isOrgAdmin"], claims_of(client.current_access_token())["roles"]) == (False, [])


def test_super_admin_of_the_platform_is_shown_as_one(client: EntryGuardClient):
    change_user(client.app, role="SUPER_ADMIN")
    assert client.use().get_json()["platformRole"] == "SUPER_ADMIN"


def test_me_without_a_token_or_with_a_bad_one_is_unauthorized(client: EntryGuardClient):
    stranger = client.another_device()
    assert_refused(stranger.use(), 401, "access token is required")
    stranger.access_token = "nonsense"
    stranger.http.set_cookie("entryguard_access", "nonsense", domain="keyturn.example", secure=True)
    assert_refused(stranger.use(), 401, "access token is not valid")


def test_me_of_a_suspended_organization_is_forbidden(client: EntryGuardClient):
    """[docs] me: 403 suspended"""
    runtime_of(client.app).engine.organizations.suspend(SLUG)
    assert_refused(client.use(), 403, "organization is suspended")


def test_access_token_dies_after_an_hour(client: EntryGuardClient, clock: FrozenClock):
    clock.advance(timedelta(hours=1))
    assert_refused(client.use(), 401, "access token is not valid")
    assert client.refresh().status_code == 200
    assert client.use().status_code == 200


def test_access_tokens_live_on_through_a_refresh(client: EntryGuardClient):
    """[docs] Access token revocation: none server-side"""
    old = client.current_access_token()
    client.refresh()
    client.access_token = old
    client.http.set_cookie("entryguard_access", old or "", domain="keyturn.example", secure=True)

    assert client.use().status_code == 200


def test_logout_ends_the_session_and_answers_an_empty_object(client: EntryGuardClient):
    """[docs] logout: 200 with {}; a valid token is revoked"""
    token = client.current_access_token()

    answer = client.log_out()

    assert (answer.status_code, answer.get_json()) == (200, {})
    assert session_row(client.app, token).revoked_reason == "logout"
    assert event_kinds(client.app)[-1] == "session:self:ended"
    expected = {"entryguard_access", "entryguard_refresh", "entryguard_remember"}
    assert cleared_cookies(answer) == (expected if client.transport == "cookie" else set())


@pytest.mark.parametrize("body", [None, {}, {"refreshToken": None}, {"refreshToken": "unknown"}], ids=str)
def test_logout_without_a_valid_token_answers_the_same_and_changes_nothing(
    client: EntryGuardClient, body: dict[str, object] | None
):
    """[docs] Always 200 with {}: valid, unknown, already-revoked or absent token alike"""
    before, seen = stored_rows(client.app), event_kinds(client.app)

    answer = client.app.test_client().post(f"{BASE}/logout", json=body, base_url=ORIGIN)

    assert (answer.status_code, answer.get_json()) == (200, {})
    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen


def test_logout_of_a_session_that_is_over_or_swept_answers_the_same(
    client: EntryGuardClient, clock: FrozenClock
):
    token = client.current_refresh_token()
    client.log_out()
    again = client.another_device().post(f"{BASE}/logout", {"refreshToken": token})
    other = client.another_device()
    other.log_in()
    clock.advance(timedelta(days=98))
    runtime_of(client.app).engine.sessions.prune()
    swept = other.post(f"{BASE}/logout")

    assert [(answer.status_code, answer.get_json()) for answer in (again, swept)] == [(200, {})] * 2


def test_change_of_password_ends_every_session(client: EntryGuardClient):
    """[docs] change-password: 200 {}"""
    other = client.another_device()
    other.log_in()

    answer = client.change_password(PASSWORD, NEW_PASSWORD)

    assert (answer.status_code, answer.get_json()) == (200, {})
    assert "account:password:changed" in event_kinds(client.app)
    assert other.use().status_code == other.refresh().status_code == 401
    assert client.another_device().log_in(password=NEW_PASSWORD).status_code == 200
    assert client.another_device().log_in().status_code == 401


@pytest.mark.parametrize(
    ("current", "new", "status", "message"),
    [
        ("wrong password", NEW_PASSWORD, 401, "current password is not correct"),
        (PASSWORD, PASSWORD, 400, "new password must differ from the current one"),
    ],
)
def test_change_of_password_that_will_not_do_is_refused(
    client: EntryGuardClient, current: str, new: str, status: int, message: str
):
    """[docs] change-password: 400 same as current; 401 wrong current password"""
    client.use()
    before = stored_rows(client.app)

    assert_refused(client.change_password(current, new), status, message)

    assert stored_rows(client.app) == before
    assert len(events(client.app, "account:password:refused")) == (1 if status == 401 else 0)
    assert client.use().status_code == 200


@pytest.mark.parametrize(
    ("new", "violation"),
    [
        ("short", "password must be at least 8 characters"),
        ("x" * 129, "password must be at most 128 characters"),
        ("ada@example.test", "password must not be your own name or address"),
    ],
)
def test_new_password_against_the_policy_is_answered_with_the_policy(
    client: EntryGuardClient, new: str, violation: str
):
    """[docs] 422 body differs from the common error body: error, details{..., violations[]}"""
    client.use()
    before = stored_rows(client.app)

    answer = client.change_password(PASSWORD, new)

    assert answer.status_code == 422
    assert answer.get_json() == {
        "error": "Password does not meet policy requirements",
        "details": {
            "minLength": 8,
            "maxLength": 128,
            "requireUppercase": False,
            "requireLowercase": False,
            "requireNumbers": False,
            "requireSpecialChars": False,
            "preventReuse": 0,
            "violations": [violation],
        },
    }
    assert stored_rows(client.app) == before


def test_change_of_password_needs_an_access_token(client: EntryGuardClient):
    refused = client.another_device().change_password(PASSWORD, NEW_PASSWORD)
    assert_refused(refused, 401, "access token is required")


def test_person_whose_password_must_change_can_do_that_and_nothing_else(client: EntryGuardClient):
    change_user(client.app, must_change_password=True)

    assert_refused(client.use(), 403, "The password must be changed first.")
    assert client.change_password(PASSWORD, NEW_PASSWORD).status_code == 200


@pytest.fixture
def failing(new_app_for: AppFor) -> Flask:
    app = new_app_for(contracts="entryguard", max_body_bytes=1024)
    app.add_url_rule("/api/v1/failing", view_func=lambda: 1 / 0)
    return app


@pytest.mark.parametrize(
    ("method", "path", "send", "status"),
    [
        ("GET", "/api/v1/nothing", {}, 404),
        ("POST", "/api/v1/auth/sessions", {}, 404),
        ("GET", "/api/v1/auth/refresh", {}, 405),
        ("POST", "/api/v1/auth/refresh", {"json": {"refreshToken": "x" * 2000}}, 413),
        ("POST", "/api/v1/auth/refresh", {"data": {"refreshToken": "x"}}, 415),
        ("GET", "/api/v1/failing", {}, 500),
    ],
)
def test_every_error_has_the_documented_body(
    failing: Flask, method: str, path: str, send: dict[str, object], status: int
):
    """[seed] 500: server fault; [docs] error body: timestamp, status, error, message, path"""
    answer = failing.test_client().open(path, method=method, **send)

    assert_refused(answer, status)
    assert answer.get_json()["timestamp"] == "2026-03-01T12:00:00Z"
    assert answer.get_json()["path"] == path
