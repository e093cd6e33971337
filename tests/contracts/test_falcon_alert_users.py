"""Register, password and preferences: sections 5 and 6 of the contract."""

import re
from typing import Any

import pytest

from app.delivery import MemorySender
from tests.clients import PASSWORD
from tests.conftest import AppFor, runtime_of
from tests.contracts.falcon_alert_client import EMAIL, NAME, FalconClient, assert_refused, make_administrator
from tests.http.wire import stored_rows
from tests.rows import event_kinds, events

NOBODY = {"email": "eve@example.test", "name": "Eve", "password": PASSWORD}
PREFERENCES = {
    "id": 1,
    "user_id": 1,
    "is_reactions_enabled": 1,
    "is_review_enabled": 1,
    "is_reports_enabled": 1,
    "is_anonymous_preferred": 0,
}
SHORT = "must be longer than or equal to 8 characters"


@pytest.fixture
def stranger(app_for: AppFor, transport: str) -> FalconClient:
    return FalconClient(app_for(contracts="falcon_alert", access_token_type=transport), transport)


@pytest.fixture
def client(stranger: FalconClient) -> FalconClient:
    stranger.sign_up()
    return stranger


def test_register_answers_with_user_and_settings_and_no_tokens(stranger: FalconClient):
    """[docs] 200: `user` object and `settings` array with one object; tokens are not returned"""
    answer = stranger.register()

    body = answer.get_json()
    username = body["user"].pop("username")
    assert answer.status_code == 200
    assert body["user"] == {
        "id": 1,
        "name": NAME,
        "email": EMAIL,
        "salt": "",
        "created_at": "2026-03-01T12:00:00.000Z",
        "updated_at": "2026-03-01T12:00:00.000Z",
        "image_path": "profile-pictures/default.jpg",
        "role_id": 1,
    }
    assert body["settings"] == [PREFERENCES]
    assert re.fullmatch(r"[a-z]+_Ada\d+", username)
    assert stranger.current_refresh_token() is None
    assert event_kinds(stranger.app) == ["account:self:created"]


@pytest.mark.parametrize("name", ["李 明", " Zoë", "x" * 255, "boss@corp.test", " @ "])
def test_any_name_makes_a_username(stranger: FalconClient, name: str):
    assert re.fullmatch(
        r"[a-z]+_[^\s@]{0,40}\d+", stranger.register(name=name).get_json()["user"]["username"]
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"email": "ada"}, ["email must be an email"]),
        ({"name": ""}, ["name should not be empty"]),
        ({"name": "x" * 256}, ["name must be shorter than or equal to 255 characters"]),
        ({"password": "1234567"}, [f"password {SHORT}"]),
        ({"password": EMAIL}, ["password must not be your own name or address"]),
        ({"role_id": 2}, ["role_id must be a string"]),
        ({"role_id": "3"}, ["role_id must be one of the following values: 1, 2"]),
        ({"username": "eve"}, ["property username should not exist"]),
        ({"email": 1, "name": 2}, ["email must be an email", "name must be a string"]),
    ],
)
def test_register_with_unusable_data_creates_nobody(
    stranger: FalconClient, changes: dict[str, Any], message: list[str]
):
    """[docs] 400 validation as a message array; unknown fields are refused"""
    before = stored_rows(stranger.app)

    assert_refused(stranger.register(**{"email": EMAIL, **changes}), 400, message)

    assert stored_rows(stranger.app) == before
    assert event_kinds(stranger.app) == []


def test_taken_address_is_a_conflict(client: FalconClient):
    """[code] 409 `Email already exists`"""
    before = stored_rows(client.app)

    assert_refused(client.another_device().register("ADA@example.test"), 409, "Email already exists")
    assert stored_rows(client.app) == before


def test_administrator_is_made_by_an_administrator_only(client: FalconClient):
    """[assumed] role_id 2 only with an administrator's Bearer token, otherwise 403"""
    make_administrator(client.app)
    administrator = client.another_device()
    administrator.log_in("grace@example.test", type="web")
    client.use()
    before = stored_rows(client.app)

    for other in (client.another_device(), client):
        assert_refused(other.post("/users/register", {**NOBODY, "role_id": "2"}), 403)
        assert stored_rows(client.app) == before

    made = administrator.post("/users/register", {**NOBODY, "role_id": "2"})
    assert made.get_json()["user"]["role_id"] == 2
    assert client.another_device().log_in("eve@example.test", type="web").status_code == 200


def test_token_of_a_former_administrator_makes_nobody_an_administrator(client: FalconClient):
    make_administrator(client.app)
    administrator = client.another_device()
    administrator.log_in("grace@example.test", type="web")
    runtime_of(client.app).engine.accounts.change(2, {"role_id": 1})

    assert_refused(administrator.post("/users/register", {**NOBODY, "role_id": "2"}), 403)


def test_register_with_a_bad_token_is_refused(client: FalconClient):
    stranger = client.another_device()
    stranger.hold(access_token="garbage")

    assert_refused(stranger.post("/users/register", NOBODY), 401, "Invalid token")


def test_password_change_keeps_this_session_and_ends_the_others(client: FalconClient, outbox: MemorySender):
    """[docs] 200 `Password changed successfully`; [code] tokens survive; [assumed] other sessions end"""
    other = client.another_device()
    other.log_in()

    answer = client.change_password(PASSWORD, "another horse battery")

    assert answer.get_json() == {"message": "Password changed successfully"}
    assert client.use().status_code == client.refresh().status_code == 200
    assert_refused(other.use(), 401, "Invalid token")
    assert_refused(other.refresh(), 401, "Invalid refresh token: token is not valid")
    assert_refused(other.log_in(), 401, "Invalid password")
    assert other.log_in(password="another horse battery").status_code == 200
    assert events(client.app, "account:password:changed")[0].user_id == 1
    assert [message.recipient for message in outbox.messages] == [EMAIL]


def test_wrong_old_password_is_401_and_counted(client: FalconClient):
    """[docs] 401 `Invalid old password`"""
    client.use()
    before = stored_rows(client.app)

    assert_refused(client.change_password("wrong", "another horse battery"), 401, "Invalid old password")

    assert stored_rows(client.app) == before
    assert event_kinds(client.app)[-1] == "account:password:refused"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"newPassword": "long enough"}, ["oldPassword should not be empty"]),
        ({"oldPassword": "", "newPassword": "long enough"}, ["oldPassword should not be empty"]),
        ({"oldPassword": PASSWORD}, [f"newPassword {SHORT}"]),
        ({"oldPassword": PASSWORD, "newPassword": "short"}, [f"newPassword {SHORT}"]),
        ({"oldPassword": PASSWORD, "newPassword": PASSWORD}, ["newPassword must differ from oldPassword"]),
        (
            {"oldPassword": PASSWORD, "newPassword": "long enough", "hint": "x"},
            ["property hint should not exist"],
        ),
    ],
)
def test_password_change_of_another_form_gets_a_list(
    client: FalconClient, body: dict[str, str], message: list[str]
):
    """[code] oldPassword any non-empty; newPassword 8 or more; 400 validation"""
    assert_refused(client.post("/users/password", body), 400, message)
    assert client.another_device().log_in().status_code == 200


def test_preferences_are_kept_with_the_person(client: FalconClient):
    """[docs] GET, PUT /users/settings-info; is_anonymous_preferred"""
    assert client.get("/users/settings-info").get_json() == PREFERENCES

    changed = client.put("/users/settings-info", {"is_review_enabled": 0, "is_anonymous_preferred": 1})

    assert changed.get_json() == {**PREFERENCES, "is_review_enabled": 0, "is_anonymous_preferred": 1}
    assert client.get("/users/settings-info").get_json() == changed.get_json()


@pytest.mark.parametrize("value", [2, -1, True, "1", None, 1.0])
def test_preference_is_0_or_1(client: FalconClient, value: object):
    """[docs] 0/1 numbers"""
    message = ["is_review_enabled must be one of the following values: 0, 1"]

    assert_refused(client.put("/users/settings-info", {"is_review_enabled": value}), 400, message)
    assert client.get("/users/settings-info").get_json() == PREFERENCES


@pytest.mark.parametrize("path", ["/auth/logout", "/users/1", "/nowhere", "/"])
def test_what_is_not_offered_is_not_found_in_the_shape_of_the_contract(client: FalconClient, path: str):
    assert_refused(client.get(path), 404, "Not Found")


def test_other_methods_media_types_and_broken_bodies_get_the_shape_of_the_contract(client: FalconClient):
    assert_refused(client.get("/auth/login"), 405, "Method Not Allowed")
    assert_refused(client.send("POST", "/auth/login", data="email=ada"), 415, "Unsupported Media Type")
    broken = client.send("POST", "/auth/login", data="{", content_type="application/json")
    assert_refused(broken, 400, "the body is not valid JSON")
