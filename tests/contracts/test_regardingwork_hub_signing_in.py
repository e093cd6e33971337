"""Register, login and logout: sections 4 to 6 of the contract."""

from typing import Any

import pytest

from tests.clients import ORIGIN
from tests.conftest import AppFor, runtime_of
from tests.contracts.regardingwork_hub_client import (
    BASE,
    EMAIL,
    PASSWORD,
    USERNAME,
    HubClient,
    assert_refused,
)
from tests.http.wire import cleared_cookies, set_cookies, stored_rows
from tests.rows import event_kinds, events, session_row

TEN_FIELDS = {
    *("id", "username", "bio", "website_url", "profile_photo_url", "created_at", "updated_at"),
    *("is_active", "role", "premium_tier"),
}
ALL_FIELDS = TEN_FIELDS | {"email", "email_verified", "is_premium"}
TOKENS = {"access_token", "refresh_token"}


@pytest.fixture
def client(app_for: AppFor, transport: str) -> HubClient:
    return HubClient(app_for(contracts="regardingwork_hub", access_token_type=transport), transport)


def test_register_answers_201_with_tokens_and_the_shape_of_refresh(client: HubClient):
    """[docs] 201: message `User registered successfully`, user, and JWT tokens"""
    answer = client.sign_up()

    body = answer.get_json()
    assert answer.status_code == 201
    assert body["message"] == "User registered successfully"
    assert set(body) == {"message", "user"} | (TOKENS if client.transport == "header" else set())
    assert set(body["user"]) == TEN_FIELDS
    assert client.use().get_json()["user"]["email"] == EMAIL
    assert event_kinds(client.app) == ["account:self:created", "session:login:succeeded"]


USERNAME_RULE = "username must be 3 to 64 letters, digits, underscores or hyphens"
PASSWORD_RULE = "password must be 8 to 128 characters with at least one letter and one digit"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"username": "ab"}, USERNAME_RULE),
        ({"username": "a" * 65}, USERNAME_RULE),
        ({"username": "ada@example.test"}, USERNAME_RULE),
        ({"username": "ada example"}, USERNAME_RULE),
        ({"username": "ada\n"}, USERNAME_RULE),
        ({"username": "ádá"}, USERNAME_RULE),
        ({"username": None}, "username must be a string"),
        ({"email": "ada"}, "email must be an email"),
        ({"email": None}, "email must be a string"),
        ({"password": "short 1"}, PASSWORD_RULE),
        ({"password": "no digit in it"}, PASSWORD_RULE),
        ({"password": "1234567890"}, PASSWORD_RULE),
        ({"password": "a1" * 65}, PASSWORD_RULE),
        ({"password": 12345678}, "password must be a string"),
    ],
)
def test_register_with_unusable_data_creates_nobody(client: HubClient, changes: dict[str, Any], error: str):
    """[docs] username 3 to 64 letters, digits, _, -; password 8 to 128 with a letter and a digit"""
    before = stored_rows(client.app)

    assert_refused(client.post(f"{BASE}/register", _registration(**changes)), 400, error)

    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == []


@pytest.mark.parametrize("missing", ["username", "email", "password"])
def test_register_names_what_is_missing(client: HubClient, missing: str):
    body = _registration()
    del body[missing]

    assert_refused(client.post(f"{BASE}/register", body), 400, f"{missing} is required")


@pytest.mark.parametrize("username", ["abc", "a" * 64, "Ada_Example-7"])
@pytest.mark.parametrize("password", ["vqkzjwx1", "a1 correct horse battery staple " * 4, "pässwörter 9"])
def test_register_takes_what_the_rules_allow(client: HubClient, username: str, password: str):
    assert client.sign_up(username, password=password).status_code == 201
    assert client.another_device().log_in(username, password).status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"email": "eve@example.test"}, "Username already exists"),
        ({"username": "eve", "email": "ADA@example.test"}, "Email already exists"),
    ],
)
def test_taken_name_or_address_is_a_conflict(client: HubClient, changes: dict[str, str], error: str):
    client.sign_up()
    before, seen = stored_rows(client.app), event_kinds(client.app)

    assert_refused(client.another_device().post(f"{BASE}/register", _registration(**changes)), 409, error)

    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen


def test_login_answers_with_message_tokens_and_the_whole_person(client: HubClient):
    """[docs] 200: message `Login successful`, access_token, refresh_token, user"""
    client.sign_up()

    body = client.another_device().log_in().get_json()

    assert body["message"] == "Login successful"
    assert set(body) == {"message", "user"} | (TOKENS if client.transport == "header" else set())
    assert set(body["user"]) == ALL_FIELDS


@pytest.mark.parametrize("send", [{}, {"data": b""}, {"json": {}}])
def test_login_with_an_empty_body_says_so(client: HubClient, send: dict[str, Any]):
    """[docs] 400 `No data provided`: empty body"""
    refused = client.http.post(f"{BASE}/login", base_url=ORIGIN, **send)

    assert_refused(refused, 400, "No data provided")


@pytest.mark.parametrize(
    "body",
    [
        {"username": USERNAME},
        {"password": PASSWORD},
        {"username": "", "password": PASSWORD},
        {"username": None, "password": PASSWORD},
        {"email": EMAIL, "password": PASSWORD},
    ],
)
def test_login_with_half_the_data_says_what_it_takes(client: HubClient, body: dict[str, Any]):
    """[docs] 400 `Username/email and password are required`: a field missing"""
    assert_refused(client.post(f"{BASE}/login", body), 400, "Username/email and password are required")


def test_unknown_name_and_wrong_password_get_one_answer(client: HubClient):
    """[docs] 401 `Invalid credentials`: wrong pair; the login name is not the email"""
    client.sign_up()
    before = stored_rows(client.app)
    stranger = client.another_device()

    refused = [stranger.log_in(password="wrong 1"), stranger.log_in("nobody"), stranger.log_in(EMAIL)]

    for answer in refused:
        assert_refused(answer, 401, "Invalid credentials")
    assert len({answer.get_data() for answer in refused}) == 1
    assert stored_rows(client.app) == before
    assert len(events(client.app, "session:login:failed")) == 3


def test_disabled_account_is_told_so_only_with_the_right_password(client: HubClient):
    """[docs] 401 `Account is disabled`: deactivated"""
    client.sign_up()
    runtime_of(client.app).engine.accounts.suspend(1)
    before = stored_rows(client.app)
    device = client.another_device()

    assert_refused(device.log_in(), 401, "Account is disabled")
    assert_refused(device.log_in(password="wrong 1"), 401, "Invalid credentials")
    assert_refused(client.use(), 401, "Account is disabled")

    assert stored_rows(client.app) == before


def test_deleted_person_is_unknown_at_login_and_with_a_token(client: HubClient):
    client.sign_up()
    runtime_of(client.app).engine.accounts.delete(1)

    assert_refused(client.another_device().log_in(), 401, "Invalid credentials")
    assert_refused(client.use(), 401, "User not found")


def test_too_many_wrong_passwords_are_told_when_to_come_back(app_for: AppFor, transport: str):
    app = app_for(contracts="regardingwork_hub", access_token_type=transport, login_attempts=1)
    client = HubClient(app, transport)
    client.sign_up()
    stranger = client.another_device()
    stranger.log_in(password="wrong 1")

    refused = stranger.log_in()

    assert_refused(refused, 429)
    assert refused.headers["Retry-After"] == "900"
    assert event_kinds(app)[-1] == "session:login:locked"


def test_logout_revokes_access_and_refresh_token(client: HubClient):
    """[docs] 200 `Logged out successfully`; revokes the presented access token; tokens in the plural"""
    client.sign_up()
    access, refresh = client.current_access_token(), client.current_refresh_token()
    assert access is not None

    answer = client.log_out()

    assert answer.get_json() == {"message": "Logged out successfully"}
    cookies = {client.access_cookie, client.refresh_cookie, "regardingwork_hub_remember"}
    assert cleared_cookies(answer) == (cookies if client.transport == "cookie" else set())
    assert session_row(client.app, refresh).revoked_reason == "logout"
    assert event_kinds(client.app)[-1] == "session:self:ended"
    assert_refused(client.present(refresh), 401, "Invalid or expired refresh token")
    client.hold(access_token=access)
    assert_refused(client.use(), 401, "Token has been revoked")


def test_logout_ends_this_session_only(client: HubClient):
    client.sign_up()
    other = client.another_device()
    other.log_in()

    client.log_out()

    assert other.use().status_code == 200
    assert other.refresh().status_code == 200


def test_logout_without_a_good_token_is_refused(client: HubClient):
    """[docs] Logout: 401 `Authorization header required`; 401 `Invalid or expired token`"""
    client.sign_up()
    token = client.current_refresh_token()
    stranger = client.another_device()
    assert token is not None

    assert_refused(stranger.log_out(), 401, "Authorization header required")
    for unfit in ("garbage", token):
        stranger.hold(access_token=unfit)
        refused = stranger.log_out()
        assert_refused(refused, 401, "Invalid or expired token")
        assert set_cookies(refused) == {}

    assert session_row(client.app, token).revoked_at is None


@pytest.mark.parametrize("path", ["/api/auth/password", "/api/nothing", "/api", "/api/auth/sso/authorize"])
def test_what_is_not_offered_is_not_found_in_the_shape_of_the_contract(client: HubClient, path: str):
    assert_refused(client.get(path), 404, "Not Found")


def test_other_methods_and_media_types_are_refused_in_the_shape_of_the_contract(client: HubClient):
    assert_refused(client.get(f"{BASE}/login"), 405, "Method Not Allowed")
    refused = client.http.post(f"{BASE}/login", data="username=ada", base_url=ORIGIN)
    assert_refused(refused, 415, "Unsupported Media Type")
    assert_refused(client.http.post(f"{BASE}/login", data="{", content_type="application/json"), 400)


def test_register_makes_nobody_where_a_second_factor_is_asked_of_everybody(app_for: AppFor, transport: str):
    """[docs] Not documented: MFA"""
    app = app_for(contracts="regardingwork_hub,nest_auth", access_token_type=transport, mfa_required="true")
    client, before = HubClient(app, transport), stored_rows(app)

    answer = client.post(f"{BASE}/register", _registration())

    assert_refused(answer, 403, "Registration is not available")
    assert stored_rows(app) == before
    assert event_kinds(app) == []
    assert set_cookies(answer) == {}


def _registration(**changes: Any) -> dict[str, Any]:
    return {"username": USERNAME, "email": EMAIL, "password": PASSWORD, **changes}
