"""Changing the password: section 10 of the contract."""

import hashlib
import unicodedata

import pytest
from flask import Flask

from app import create_app
from app.delivery import MemorySender
from app.extensions import db
from app.primitives.clock import FrozenClock
from tests.clients import PASSWORD, AuthClient
from tests.conftest import AppFor, SettingsFor
from tests.http.wire import assert_refused, set_cookies, stored_rows
from tests.rows import change_user, event_kinds, session_row

NEW = "another horse battery"
CHANGED = {"message": "Password changed successfully"}


def _change(client: AuthClient, current: object, new: object):
    return client.post("/auth/change-password", {"currentPassword": current, "newPassword": new})


def test_changing_the_password_ends_every_session_and_tells_the_person(
    client: AuthClient, outbox: MemorySender
) -> None:
    client.sign_up()
    phone = client.another_device()
    phone.log_in()
    token = client.current_refresh_token()

    answer = _change(client, PASSWORD, NEW)

    assert (answer.status_code, answer.get_json()) == (200, CHANGED)
    assert session_row(client.app, token).revoked_reason == "password_changed"
    assert "account:password:changed" in event_kinds(client.app)
    for device in (client.another_device(), phone):
        assert_refused(device.present(token), 401, None, "Session not found")
    assert_refused(phone.get("/auth/me"), 401, "SESSION_NOT_FOUND", "Session not found")
    assert [message.recipient for message in outbox.messages] == ["ada@example.test"]


def test_only_the_new_password_logs_in_afterwards(client: AuthClient) -> None:
    client.sign_up()
    _change(client, PASSWORD, NEW)
    device = client.another_device()

    assert_refused(device.log_in(), 401, "INVALID_CREDENTIALS", "Invalid credentials")
    assert device.log_in(password=NEW).status_code == 200


def test_wrong_current_password_is_400_so_that_clients_do_not_refresh(client: AuthClient) -> None:
    client.sign_up()
    client.get("/auth/me")
    before = stored_rows(client.app)

    refused = _change(client, "wrong password", NEW)

    assert_refused(refused, 400, "CURRENT_PASSWORD_INCORRECT", "Current password is incorrect")
    assert set_cookies(refused) == {}
    assert stored_rows(client.app) == before
    assert event_kinds(client.app)[-1] == "account:password:refused"


@pytest.mark.parametrize(
    ("current", "new", "code", "message"),
    [
        (PASSWORD, PASSWORD, "NEW_PASSWORD_SAME_AS_CURRENT", None),
        (PASSWORD, "short", "PASSWORD_POLICY_VIOLATION", "password must be at least 8 characters"),
        (PASSWORD, "ada@example.test", "PASSWORD_POLICY_VIOLATION", None),
        (None, NEW, None, "currentPassword must be a string"),
        (PASSWORD, 12345678, None, "newPassword must be a string"),
        (PASSWORD, True, None, "newPassword must be a string"),
    ],
)
def test_unusable_new_password_changes_nothing(
    client: AuthClient, current: object, new: object, code: str | None, message: str | None
) -> None:
    client.sign_up()
    client.get("/auth/me")
    before, seen = stored_rows(client.app), event_kinds(client.app)

    assert_refused(_change(client, current, new), 400, code, message)

    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen


def test_same_password_composed_otherwise_is_no_other_one(client: AuthClient) -> None:
    composed = "caf\u00e9 horse battery st\u00e5ple"
    client.keep(client.post("/auth/signup", {"email": "ada@example.test", "password": composed}))
    client.get("/auth/me")
    change_user(client.app, must_change_password=True)
    before, seen = stored_rows(client.app), event_kinds(client.app)

    refused = _change(client, composed, unicodedata.normalize("NFD", composed))

    assert_refused(refused, 400, "NEW_PASSWORD_SAME_AS_CURRENT")
    assert (stored_rows(client.app), event_kinds(client.app)) == (before, seen)


def test_guessing_the_current_password_is_limited(
    app_for: AppFor, transport: str, clock: FrozenClock
) -> None:
    client = AuthClient(app_for(access_token_type=transport, login_attempts=2), transport)
    client.sign_up()
    for _ in range(2):
        _change(client, "wrong password", NEW)

    refused = _change(client, PASSWORD, NEW)

    assert_refused(refused, 429, "ACCOUNT_LOCKED")
    assert refused.headers["Retry-After"] == "900"
    assert client.refresh().status_code == 200


def test_a_due_password_change_can_be_made_and_is_then_over(client: AuthClient) -> None:
    client.sign_up()
    change_user(client.app, must_change_password=True)

    assert _change(client, PASSWORD, NEW).status_code == 200

    answer = client.log_in(password=NEW)
    assert "mustChangePassword" not in answer.get_json()
    assert client.get("/auth/user").status_code == 200


def test_embedding_program_may_bring_its_own_source_of_breached_passwords(
    app: Flask, settings_for: SettingsFor, clock: FrozenClock
) -> None:
    asked: list[str] = []

    def source(prefix: str) -> list[str]:
        asked.append(prefix)
        digest = hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest().upper()
        return [f"{digest[5:]}:12"] if digest.startswith(prefix) else []

    embedded = create_app(settings_for(), clock=clock, breached_passwords=source)
    client = AuthClient(embedded, "header")
    refused = client.sign_up()
    assert_refused(refused, 400, "PASSWORD_POLICY_VIOLATION", "password is known from a data breach")
    assert stored_rows(app)["users"] == []
    assert event_kinds(app) == []
    assert client.sign_up(password=NEW).status_code == 200
    assert {len(prefix) for prefix in asked} == {5}
    with embedded.app_context():
        db.engine.dispose()
