"""A login whose second factor is due, by each transport: what it may do, and how it is finished."""

from datetime import timedelta

import pytest

from app.primitives.clock import FrozenClock
from tests.authenticator import Authenticator, enrol
from tests.clients import AuthClient
from tests.rows import claims_of, event_kinds, events, session_row


@pytest.fixture
def app_in_hand(client: AuthClient, clock: FrozenClock) -> Authenticator:
    """Ada has signed up and enrolled an authenticator app."""
    client.sign_up()
    authenticator = enrol(client, clock)
    client.post("/auth/logout")
    return authenticator


def verify(client: AuthClient, otp: str, **body: object):
    return client.keep(client.post("/auth/mfa/verify", {"method": "totp", "otp": otp, **body}))


def test_login_answers_partial_tokens_and_what_can_be_proven(client: AuthClient, app_in_hand) -> None:
    answer = client.log_in()
    body = answer.get_json()
    assert answer.status_code == 200
    assert (body["isRequiresMfa"], body["message"]) == (True, "Login successful")
    assert (body["mfaMethods"], body["defaultMfaMethod"]) == (["totp"], "totp")
    claims = claims_of(client.current_access_token())
    assert (claims["isMfaEnabled"], claims["isMfaVerified"], claims["amr"]) == (True, False, ["pwd"])
    assert session_row(client.app, client.current_access_token()).mfa_pending


def test_right_code_gives_full_tokens_for_the_same_session(client: AuthClient, app_in_hand) -> None:
    client.log_in()
    session_id = claims_of(client.current_access_token())["sid"]
    assert client.get("/auth/user").status_code == 401
    answer = verify(client, app_in_hand.next_code())
    body = answer.get_json()
    assert (body["isRequiresMfa"], body["message"]) == (False, "2FA verification successful")
    claims = claims_of(client.current_access_token())
    assert (claims["sid"], claims["isMfaVerified"]) == (session_id, True)
    assert claims["amr"] == ["pwd", "otp", "mfa"]
    assert client.get("/auth/user").status_code == 200
    assert event_kinds(client.app)[-1] == "session:rights:raised"


def test_finishing_makes_every_earlier_token_invalid_at_once(client: AuthClient, app_in_hand) -> None:
    client.log_in()
    partial = client.another_device()
    partial.hold(access_token=client.current_access_token(), refresh_token=client.current_refresh_token())
    client.refresh()
    newer = client.another_device()
    newer.hold(access_token=client.current_access_token(), refresh_token=client.current_refresh_token())
    verify(client, app_in_hand.next_code())
    for former in (partial, newer):
        assert former.get("/auth/me").get_json()["code"] == "INVALID_TOKEN"
        assert former.refresh().status_code == 401
    assert client.get("/auth/user").status_code == 200
    assert client.refresh().status_code == 200
    assert session_row(client.app, client.current_access_token()).revoked_at is None


def test_refresh_of_a_pending_session_stays_pending_and_ends_soon(
    client: AuthClient, app_in_hand, clock: FrozenClock
) -> None:
    client.log_in()
    clock.advance(timedelta(minutes=14))
    answer = client.refresh()
    assert (answer.status_code, answer.get_json()["isRequiresMfa"]) == (200, True)
    assert client.get("/auth/user").get_json()["code"] == "MFA_REQUIRED"
    clock.advance(timedelta(minutes=1))
    assert client.refresh().status_code == 401


@pytest.mark.parametrize("guess", ["wrong", "used", "too early", "too late", "nothing like it"])
def test_other_codes_are_refused_and_leave_the_session_pending(
    client: AuthClient, app_in_hand: Authenticator, clock: FrozenClock, guess: str
) -> None:
    used = app_in_hand.code()
    clock.advance(timedelta(minutes=5))
    client.log_in()
    otp = {
        "wrong": app_in_hand.wrong_code(),
        "used": used,
        "too early": app_in_hand.code(steps=1),
        "too late": app_in_hand.code(steps=-2),
        "nothing like it": "éé",
    }[guess]
    answer = verify(client, otp)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "MFA_CODE_INVALID")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert session_row(client.app, client.current_access_token()).mfa_pending
    assert events(client.app, "account:mfa:refused")[-1].details == {"method": "totp"}


def test_code_of_the_former_step_is_still_in_time(client: AuthClient, app_in_hand: Authenticator) -> None:
    client.log_in()
    app_in_hand.next_code()
    app_in_hand.next_code()
    assert verify(client, app_in_hand.code(steps=-1)).status_code == 200
    assert verify(client, app_in_hand.code(steps=-1)).status_code == 401
    assert verify(client, app_in_hand.code()).status_code == 200


def test_guesses_are_counted_over_fresh_logins(client: AuthClient, app_in_hand: Authenticator) -> None:
    for _ in range(3):
        device = client.another_device()
        device.log_in()
        refused = [verify(device, app_in_hand.wrong_code()) for _ in range(4)]
    assert [answer.status_code for answer in refused] == [401, 401, 429, 429]
    assert refused[-1].get_json()["code"] == "ACCOUNT_LOCKED"
    assert int(refused[-1].headers["Retry-After"]) > 0
    client.log_in()
    assert verify(client, app_in_hand.next_code()).status_code == 429


def test_factor_that_the_person_does_not_have_is_not_enabled(client: AuthClient, app_in_hand) -> None:
    client.log_in()
    for path in ("challenge", "verify"):
        answer = client.post(f"/auth/mfa/{path}", {"method": "sms", "otp": "123456"})
        assert (answer.status_code, answer.get_json()["code"]) == (403, "MFA_NOT_ENABLED")


def test_password_alone_pushes_no_full_session_out(client: AuthClient, app_in_hand: Authenticator) -> None:
    client.log_in()
    verify(client, app_in_hand.next_code())
    for _ in range(11):
        client.another_device().log_in()
    assert client.get("/auth/user").status_code == 200


def test_pending_session_cannot_enrol_another_app(client: AuthClient, app_in_hand) -> None:
    client.log_in()
    answer = client.post("/auth/mfa/setup-totp", {})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "MFA_REQUIRED")
