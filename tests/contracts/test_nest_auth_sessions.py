"""Me, user, verify-session, logout: sections 7 and 8 of the contract; and our list of sessions."""

from datetime import timedelta
from uuid import uuid4

import pytest

from app.primitives.clock import FrozenClock
from tests.clients import AuthClient
from tests.conftest import runtime_of
from tests.http.wire import assert_refused, stored_rows
from tests.rows import change_user, claims_of, event_kinds, events, session_row

LOGGED_OUT = {"message": "Logged out successfully"}
NOW = "2026-03-01T12:00:00.000Z"


def test_me_shows_the_documented_fields(client: AuthClient) -> None:
    client.sign_up(name="Ada", phone="+31612345678")
    body = client.get("/auth/me").get_json()

    assert body.pop("id") == claims_of(client.current_access_token())["sub"]
    assert body == {
        "email": "ada@example.test",
        "phone": "+31612345678",
        "emailVerifiedAt": None,
        "phoneVerifiedAt": None,
        "isMfaEnabled": False,
        "metadata": {"name": "Ada"},
        "mustChangePassword": False,
        "roles": [{"id": "USER", "name": "USER", "guard": "web"}],
        "permissions": [],
    }


def test_user_shows_the_record_and_nothing_secret(client: AuthClient) -> None:
    client.sign_up()
    body, me = client.get("/auth/user").get_json(), client.get("/auth/me").get_json()

    assert body == {**me, "isActive": True, "createdAt": NOW, "updatedAt": NOW}


def test_verify_session_says_until_when_it_lives(client: AuthClient) -> None:
    client.sign_up()
    body = client.get("/auth/verify-session").get_json()

    user_id = claims_of(client.current_access_token())["sub"]
    assert body == {"valid": True, "userId": user_id, "expiresAt": "2026-03-31T12:00:00.000Z"}


@pytest.mark.parametrize("path", ["/auth/me", "/auth/user", "/auth/verify-session", "/auth/sessions"])
def test_guarded_paths_refuse_whoever_brings_no_token(client: AuthClient, path: str) -> None:
    refused = client.get(path)

    assert_refused(refused, 401, "NO_AUTH_PROVIDED", "No authentication provided")
    assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_logout_ends_the_session_at_once_and_can_be_repeated(client: AuthClient) -> None:
    client.sign_up()
    access, refresh = client.current_access_token(), client.current_refresh_token()

    first = client.post("/auth/logout")
    client.hold(access_token=access, refresh_token=refresh)
    again = client.post("/auth/logout")

    assert (first.status_code, first.get_json()) == (again.status_code, again.get_json()) == (200, LOGGED_OUT)
    assert session_row(client.app, access).revoked_reason == "logout"
    assert len(events(client.app, "session:self:ended")) == 1
    client.hold(access_token=access)
    assert_refused(client.get("/auth/me"), 401, "SESSION_NOT_FOUND", "Session not found")
    assert_refused(client.present(refresh), 401, None, "Session not found")


@pytest.mark.parametrize("token", [None, "garbage", "a.b.c"])
def test_logout_without_a_genuine_token_still_succeeds(client: AuthClient, token: str | None) -> None:
    client.sign_up()
    before = stored_rows(client.app)
    stranger = client.another_device()
    stranger.hold(access_token=token, refresh_token=token)

    answer = stranger.post("/auth/logout", {"refreshToken": token})

    assert (answer.status_code, answer.get_json()) == (200, LOGGED_OUT)
    assert stored_rows(client.app) == before


def test_logout_with_an_expired_access_token_really_ends_the_session(
    client: AuthClient, clock: FrozenClock
) -> None:
    client.sign_up()
    access, refresh = client.current_access_token(), client.current_refresh_token()
    late = client.another_device()
    late.hold(access_token=access)
    clock.advance(timedelta(hours=2))

    assert late.post("/auth/logout").get_json() == LOGGED_OUT

    assert session_row(client.app, access).revoked_reason == "logout"
    assert_refused(client.present(refresh), 401, None, "Session not found")


def test_logout_with_the_refresh_token_alone_ends_the_session(client: AuthClient) -> None:
    client.sign_up()
    refresh = client.current_refresh_token()

    client.another_device().post("/auth/logout", {"refreshToken": refresh})

    assert session_row(client.app, refresh).revoked_reason == "logout"


def test_logout_all_ends_every_session_of_the_person_and_no_one_elses(client: AuthClient) -> None:
    client.sign_up()
    phone, stranger = client.another_device(), client.another_device()
    phone.log_in()
    stranger.sign_up("eve@example.test")

    answer = client.post("/auth/logout-all")

    assert answer.get_json() == {"message": "Logged out from all devices successfully"}
    assert_refused(phone.get("/auth/me"), 401, "SESSION_NOT_FOUND", "Session not found")
    assert_refused(phone.refresh(), 401, None, "Session not found")
    assert stranger.get("/auth/me").status_code == 200
    assert events(client.app, "session:all:ended")[-1].details == {"count": 2, "reason": "logout"}


def test_session_list_shows_each_device_and_marks_this_one(client: AuthClient, clock: FrozenClock) -> None:
    client.sign_up()
    clock.advance(timedelta(minutes=1))
    phone = client.another_device()
    headers = {"User-Agent": "Phone/1\x07\u009b", "X-Device-Name": "Ada's phone"}
    credentials = {"email": "ada@example.test", "password": "correct horse battery"}
    signed_in = phone.post("/auth/login", {"credentials": credentials}, headers=headers)
    phone.hold(access_token=phone.current_access_token() or signed_in.get_json().get("accessToken"))

    newest, oldest = phone.get("/auth/sessions").get_json()["sessions"]

    assert (newest["current"], oldest["current"]) == (True, False)
    assert (newest["deviceName"], newest["userAgent"], newest["ipAddress"]) == (
        "Ada's phone",
        "Phone/1",
        "127.0.0.1",
    )
    assert (oldest["createdAt"], oldest["expiresAt"]) == (NOW, "2026-03-31T12:00:00.000Z")
    assert (
        set(newest)
        == set(oldest)
        == {
            *("id", "current", "deviceName", "userAgent", "ipAddress", "createdAt", "lastSeenAt", "expiresAt")
        }
    )


def test_one_own_session_can_be_ended(client: AuthClient) -> None:
    client.sign_up()
    phone = client.another_device()
    phone.log_in()
    session_id = claims_of(phone.current_access_token())["sid"]

    answer = client.delete(f"/auth/sessions/{session_id}")

    assert answer.get_json() == {"message": "Session revoked successfully"}
    assert session_row(client.app, phone.current_access_token()).revoked_reason == "revoked"
    assert event_kinds(client.app)[-1] == "session:self:ended"
    assert_refused(phone.get("/auth/me"), 401, "SESSION_NOT_FOUND", "Session not found")
    assert_refused(client.delete(f"/auth/sessions/{session_id}"), 404)


def test_all_other_sessions_can_be_ended_at_once(client: AuthClient) -> None:
    client.sign_up()
    others = [client.another_device() for _ in range(2)]
    for device in others:
        device.log_in()

    answer = client.post("/auth/sessions/revoke-others")

    assert answer.get_json() == {"message": "Other sessions revoked successfully", "revoked": 2}
    assert events(client.app, "session:all:ended")[-1].details == {"count": 2}
    assert all(device.refresh().status_code == 401 for device in others)
    assert client.refresh().status_code == 200


@pytest.mark.parametrize("name", ["not-a-uuid", "1", str(uuid4())])
def test_unknown_session_is_not_found(client: AuthClient, name: str) -> None:
    client.sign_up()
    before, seen = stored_rows(client.app), event_kinds(client.app)

    assert_refused(client.delete(f"/auth/sessions/{name}"), 404)

    client.delete(f"/auth/sessions/{name}")
    assert event_kinds(client.app) == seen
    assert {**stored_rows(client.app), "sessions": []} == {**before, "sessions": []}


def test_person_who_must_change_the_password_gets_no_further(client: AuthClient) -> None:
    client.sign_up()
    change_user(client.app, must_change_password=True)

    assert client.get("/auth/me").get_json()["mustChangePassword"] is True
    assert client.get("/auth/verify-session").status_code == 200
    for path in ("/auth/user", "/auth/sessions"):
        assert_refused(client.get(path), 403, "MUST_CHANGE_PASSWORD")
    assert session_row(client.app, client.current_access_token()).revoked_at is None


@pytest.mark.parametrize(
    ("act", "code", "message"),
    [
        ("suspend", "ACCOUNT_INACTIVE", "Your account is suspended, please contact support"),
        ("delete", "USER_NOT_FOUND", "User not found"),
    ],
)
def test_guard_answers_at_once_when_the_person_is_kept_out(
    client: AuthClient, act: str, code: str, message: str
) -> None:
    client.sign_up()
    getattr(runtime_of(client.app).engine.accounts, act)(1)

    for path in ("/auth/me", "/auth/user", "/auth/verify-session"):
        assert_refused(client.get(path), 401, code, message)
