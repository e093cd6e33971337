"""Sign up and log in: section 5 of the contract."""

from datetime import timedelta

import pytest

from app.primitives.clock import FrozenClock
from tests.clients import PASSWORD, AuthClient
from tests.conftest import AppFor, runtime_of
from tests.http.wire import assert_refused, body_without_tokens, stored_rows
from tests.rows import change_user, event_kinds, events, session_row

PHONE = "+31612345678"
SUSPENDED = "Your account is suspended, please contact support"


def test_signup_answers_with_tokens_and_the_documented_message(client: AuthClient) -> None:
    answer = client.sign_up(" Ada@Example.Test ")

    assert answer.status_code == 200
    assert body_without_tokens(client, answer) == {"isRequiresMfa": False, "message": "Signup successful"}
    assert client.get("/auth/me").get_json()["email"] == "ada@example.test"
    assert event_kinds(client.app) == ["account:self:created", "session:login:succeeded"]


def test_signup_by_phone_stores_the_digits_and_a_login_by_phone_finds_them(client: AuthClient) -> None:
    signed_up = client.post("/auth/signup", {"phone": "+31 6 1234-5678", "password": PASSWORD})
    credentials = {"phone": "+31 (6) 12 34 56 78", "password": PASSWORD}

    answer = client.post("/auth/login", {"providerName": "phone", "credentials": credentials})

    assert signed_up.status_code == answer.status_code == 200
    assert body_without_tokens(client, answer) == {"isRequiresMfa": False, "message": "Login successful"}


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"password": PASSWORD}, "EMAIL_OR_PHONE_REQUIRED", "Email or phone is required"),
        ({"email": "ada@example.test"}, None, "password is required"),
        ({"email": "ada@example.test", "password": None}, None, "password must be a string"),
        ({"email": "ada@example.test", "password": 12345678}, None, "password must be a string"),
        ({"email": "ada", "password": PASSWORD}, None, "email must be an email"),
        ({"email": "", "password": PASSWORD}, None, None),
        ({"email": ["ada@example.test"], "password": PASSWORD}, None, "email must be a string"),
        ({"phone": "call me", "password": PASSWORD}, None, "phone must be a phone number"),
        ({"email": "ada@example.test", "password": "1234567"}, "PASSWORD_POLICY_VIOLATION", None),
        ({"email": "ada@example.test", "password": "x" * 129}, "PASSWORD_POLICY_VIOLATION", None),
        ({"email": "ada@example.test", "password": "ada@example.test"}, "PASSWORD_POLICY_VIOLATION", None),
    ],
)
def test_signup_with_unusable_data_creates_nobody(
    client: AuthClient, body: dict[str, object], code: str | None, message: str | None
) -> None:
    before = stored_rows(client.app)

    refused = client.post("/auth/signup", body)

    assert_refused(refused, 400, code, message)
    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == []


@pytest.mark.parametrize(
    ("name", "value", "code", "message"),
    [
        ("email", "ADA@example.test", "EMAIL_ALREADY_EXISTS", "Email already exists"),
        ("phone", "+31-6-12345678", "PHONE_ALREADY_EXISTS", "Phone already exists"),
    ],
)
def test_signup_with_a_taken_identifier_is_refused(
    client: AuthClient, name: str, value: str, code: str, message: str
) -> None:
    client.sign_up(phone=PHONE)
    before, seen = stored_rows(client.app), event_kinds(client.app)

    refused = client.another_device().post("/auth/signup", {name: value, "password": PASSWORD})

    assert_refused(refused, 400, code, message)
    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen


def test_login_by_email_ignores_case_and_space_around_the_address(client: AuthClient) -> None:
    client.sign_up()
    answer = client.log_in(" ADA@example.test")

    assert answer.status_code == 200
    assert body_without_tokens(client, answer) == {"isRequiresMfa": False, "message": "Login successful"}
    assert session_row(client.app, client.current_access_token()).auth_methods == ["pwd"]


def test_unknown_address_and_wrong_password_get_one_answer_and_leave_an_event(client: AuthClient) -> None:
    client.sign_up()
    before = stored_rows(client.app)
    stranger = client.another_device()

    wrong, unknown = stranger.log_in(password="not the password"), stranger.log_in("eve@example.test")

    for refused in (wrong, unknown):
        assert_refused(refused, 401, "INVALID_CREDENTIALS", "Invalid credentials")
    assert wrong.get_data() == unknown.get_data()
    assert dict(wrong.headers) == dict(unknown.headers)
    assert stored_rows(client.app) == before
    assert len(events(client.app, "session:login:failed")) == 2


@pytest.mark.parametrize("provider", ["passwordless", "google", "apple", "carrier pigeon"])
def test_providers_that_are_not_offered_are_refused(client: AuthClient, provider: str) -> None:
    refused = client.post("/auth/login", {"providerName": provider, "credentials": {"token": "x"}})

    assert_refused(refused, 401, "INVALID_PROVIDER", "Invalid provider")
    assert event_kinds(client.app) == []


@pytest.mark.parametrize(
    "credentials", [{}, {"email": "ada@example.test"}, {"password": PASSWORD}, {"phone": PHONE}]
)
def test_login_without_all_credentials_names_what_is_missing(
    client: AuthClient, credentials: dict[str, str]
) -> None:
    refused = client.post("/auth/login", {"credentials": credentials})

    assert_refused(refused, 400, "MISSING_REQUIRED_FIELDS", "Missing required fields")
    assert event_kinds(client.app) == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "credentials is required"),
        ({"credentials": None}, "credentials must be an object"),
        ({"credentials": "ada"}, "credentials must be an object"),
        ({"credentials": {"email": 1}}, "credentials.email must be a string"),
        ({"credentials": {}, "rememberMe": "no"}, "rememberMe must be a boolean"),
        ({"credentials": {}, "rememberMe": 0}, "rememberMe must be a boolean"),
        ({"credentials": {}, "guard": []}, "guard must be a string"),
        ({"credentials": {}, "tenantId": 5}, "tenantId must be a UUID"),
        ({"credentials": {}, "tenantId": "example-works"}, "tenantId must be a UUID"),
    ],
)
def test_login_of_another_form_is_refused(client: AuthClient, body: dict[str, object], message: str) -> None:
    assert_refused(client.post("/auth/login", body), 400, None, message)
    assert event_kinds(client.app) == []


def test_suspended_person_is_told_so_only_with_the_right_password(client: AuthClient) -> None:
    client.sign_up()
    runtime_of(client.app).engine.accounts.suspend(1)
    before = stored_rows(client.app)
    device = client.another_device()

    assert_refused(device.log_in(), 401, "ACCOUNT_INACTIVE", SUSPENDED)
    assert_refused(device.log_in(password="wrong password"), 401, "INVALID_CREDENTIALS")

    assert stored_rows(client.app) == before
    assert event_kinds(client.app)[-2:] == ["session:login:refused", "session:login:failed"]


def test_deleted_person_is_unknown_at_login(client: AuthClient) -> None:
    client.sign_up()
    runtime_of(client.app).engine.accounts.delete(1)

    assert_refused(client.another_device().log_in(), 401, "INVALID_CREDENTIALS", "Invalid credentials")
    assert event_kinds(client.app)[-1] == "session:login:failed"


def test_login_says_when_the_password_must_be_changed(client: AuthClient) -> None:
    client.sign_up()
    change_user(client.app, must_change_password=True)

    for answer in (client.log_in(), client.refresh()):
        assert answer.status_code == 200
        assert answer.get_json()["mustChangePassword"] is True


def test_too_many_wrong_passwords_lock_the_login_and_no_live_session(
    app_for: AppFor, transport: str, clock: FrozenClock
) -> None:
    client = AuthClient(app_for(access_token_type=transport, login_attempts=2), transport)
    client.sign_up()
    stranger = client.another_device()
    for _ in range(2):
        stranger.log_in(password="wrong password")

    refused = stranger.log_in()

    assert_refused(refused, 429, "ACCOUNT_LOCKED", "Too many failed attempts; try again later.")
    assert refused.headers["Retry-After"] == "900"
    assert event_kinds(client.app)[-1] == "session:login:locked"
    assert client.refresh().status_code == 200
    clock.advance(timedelta(seconds=900))
    assert stranger.log_in().status_code == 200


def test_eleventh_login_ends_the_least_recently_seen_session(client: AuthClient, clock: FrozenClock) -> None:
    client.sign_up()
    devices = [client.another_device() for _ in range(10)]
    for device in devices[:9]:
        clock.advance(timedelta(minutes=1))
        device.log_in()
    clock.advance(timedelta(minutes=1))
    client.refresh()

    devices[9].log_in()

    oldest = session_row(client.app, devices[0].current_access_token())
    assert oldest.revoked_reason == "too_many"
    assert events(client.app, "session:self:ended")[0].session_id == oldest.id
    assert_refused(devices[0].get("/auth/me"), 401, "SESSION_NOT_FOUND", "Session not found")
    assert len(client.get("/auth/sessions").get_json()["sessions"]) == 10
