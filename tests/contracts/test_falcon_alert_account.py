"""One's own account: section 6 of the contract, without password and preferences."""

from datetime import timedelta
from typing import Any

import pytest

from app.delivery import MemorySender
from app.primitives.clock import FrozenClock
from tests.clients import PASSWORD
from tests.conftest import START, AppFor, runtime_of
from tests.contracts.falcon_alert_client import EMAIL, FalconClient, assert_refused
from tests.http.wire import cleared_cookies, stored_rows
from tests.rows import change_user, event_kinds, events, session_row


@pytest.fixture
def client(app_for: AppFor, transport: str) -> FalconClient:
    client = FalconClient(app_for(contracts="falcon_alert", access_token_type=transport), transport)
    client.sign_up()
    return client


def test_account_shows_the_record_with_empty_secrets(client: FalconClient):
    """[docs] GET /users: the whole record; [assumed] `salt` and `password` always empty strings"""
    body = client.get("/users").get_json()

    assert (body["password"], body["salt"], body["id"]) == ("", "", "1")
    assert set(body) == {
        *("id", "name", "email", "username", "salt", "password"),
        *("created_at", "updated_at", "image_path", "role_id"),
    }


def test_no_answer_shows_salt_or_hash(client: FalconClient):
    stored = "".join(stored_rows(client.app)["users"])
    answers = [
        client.get("/users"),
        client.put("/users", {"name": "Ada"}),
        client.get("/users/settings-info"),
    ]

    assert "$argon2id$" in stored
    for answer in answers:
        assert "argon2" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Ada Lovelace"},
        {"email": "lovelace@example.test"},
        {"username": "ada"},
        {"image_path": "profile-pictures/ada.jpg"},
        {"name": "Countess", "username": "countess"},
    ],
)
def test_account_takes_any_of_four_changes(client: FalconClient, changes: dict[str, str]):
    """[docs] PUT accepts any of email, name, username, image_path, and answers the whole record"""
    before = client.get("/users").get_json()

    answer = client.put("/users", changes)

    assert answer.status_code == 200
    assert answer.get_json() == {**before, **changes, "updated_at": answer.get_json()["updated_at"]}
    assert client.get("/users").get_json() == answer.get_json()
    assert events(client.app, "account:self:changed")[0].details["fields"] == sorted(changes)


def test_new_address_is_not_verified_although_the_old_one_was(client: FalconClient):
    change_user(client.app, email_verified_at=START)

    client.put("/users", {"email": EMAIL, "name": "Ada"})
    kept = runtime_of(client.app).engine.accounts.get(1)
    client.put("/users", {"email": "lovelace@example.test"})
    changed = runtime_of(client.app).engine.accounts.get(1)

    assert (kept.email_verified_at, changed.email_verified_at) == (START, None)


@pytest.mark.parametrize("path", ["/users", "/users/settings-info"])
def test_update_with_nothing_in_it_is_refused(client: FalconClient, path: str):
    """[docs] 400 `No fields provided to update`"""
    assert_refused(client.put(path, {}), 400, "No fields provided to update")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"email": "ada"}, ["email must be an email"]),
        ({"email": None}, ["email must be an email"]),
        ({"name": ""}, ["name should not be empty"]),
        ({"username": "x" * 65}, ["username must be shorter than or equal to 64 characters"]),
        ({"username": "boss@corp.test"}, ["username must not be empty or contain @"]),
        ({"username": "   "}, ["username must not be empty or contain @"]),
        ({"role_id": "2"}, ["property role_id should not exist"]),
        ({"password": PASSWORD}, ["property password should not exist"]),
        ({"is_admin": True}, ["property is_admin should not exist"]),
    ],
)
def test_account_refuses_other_changes(client: FalconClient, changes: dict[str, Any], message: list[str]):
    client.use()
    before = stored_rows(client.app)

    assert_refused(client.put("/users", changes), 400, message)
    assert stored_rows(client.app) == before


def test_taken_address_and_username_are_conflicts_at_update(client: FalconClient):
    """[docs] 409 `Email already exists`"""
    other = client.another_device()
    other.sign_up("eve@example.test")
    username = client.get("/users").get_json()["username"]

    assert_refused(other.put("/users", {"email": EMAIL}), 409, "Email already exists")
    assert_refused(other.put("/users", {"username": username}), 409, "Username already exists")


def test_another_address_asks_for_a_recent_login(
    client: FalconClient, outbox: MemorySender, clock: FrozenClock
):
    clock.advance(timedelta(minutes=15))
    assert client.put("/users", {"email": "first@example.test"}).status_code == 200
    clock.advance(timedelta(microseconds=1))
    client.use()
    before, seen = stored_rows(client.app), event_kinds(client.app)

    refused = client.put("/users", {"email": "thief@example.test", "name": "Thief"})

    assert_refused(refused, 403, "Log in again before you change the email")
    assert (stored_rows(client.app), event_kinds(client.app)) == (before, seen)
    unchanged = {"email": "First@example.test", "name": "Ada", "username": "ada", "image_path": "ada.jpg"}
    assert client.put("/users", unchanged).status_code == 200
    client.log_in("first@example.test")
    assert client.put("/users", {"email": "second@example.test"}).status_code == 200
    subject = "The e-mail address of your account was changed"
    told = [mail.recipient for mail in outbox.messages if mail.subject == subject]
    assert told == [EMAIL, "first@example.test"]


def test_asking_who_has_an_address_or_user_name_is_bounded_as_signing_up_is(app_for: AppFor, transport: str):
    app = app_for(contracts="falcon_alert", access_token_type=transport, rate_limit_signup="4 per hour")
    spy = FalconClient(app, transport)
    spy.sign_up("spy@example.test")
    spy.another_device().register()
    spy.use()
    taken = runtime_of(app).engine.accounts.get(2).username
    before = stored_rows(app)

    assert_refused(spy.put("/users", {"email": EMAIL, "username": taken}), 409, "Email already exists")
    assert_refused(spy.put("/users", {"username": taken}), 409, "Username already exists")
    for body in ({"email": EMAIL}, {"email": "nobody@example.test"}, {"username": taken}):
        refused = spy.put("/users", body)
        assert_refused(refused, 429)
        assert int(refused.headers["Retry-After"]) > 1

    assert stored_rows(app) == before
    assert "account:self:changed" not in event_kinds(app)
    assert spy.put("/users", {"email": "spy@example.test", "name": "Spy"}).status_code == 200


def test_deleting_the_account_ends_everything(client: FalconClient):
    """[code] DELETE /users: 200 {"status": true}"""
    other = client.another_device()
    other.log_in()
    token = other.current_refresh_token()

    answer = client.delete("/users")

    assert (answer.status_code, answer.get_json()) == (200, {"status": True})
    cookies = {client.access_cookie, client.refresh_cookie, "falcon_alert_remember"}
    assert cleared_cookies(answer) == (cookies if client.transport == "cookie" else set())
    assert_refused(other.use(), 401, "Invalid token")
    assert_refused(other.get("/users"), 404, "User with id 1 not found")
    assert_refused(other.refresh(), 404, "User with id 1 not found")
    assert session_row(client.app, token).revoked_reason == "deleted"
    assert_refused(client.another_device().log_in(), 404, "User not found")
    assert client.another_device().register().get_json()["user"]["id"] == 2
