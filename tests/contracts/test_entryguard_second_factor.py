"""The second factor of entryguard: enrolled with recovery codes, asked for before there is a session."""

import base64
from datetime import timedelta

import pytest
from flask import Flask, request

from app.engine.client import Transport
from app.engine.identifiers import Identifier, IdentifierKind
from app.http.client_info import read_client
from app.primitives.clock import FrozenClock
from tests.authenticator import Authenticator
from tests.clients import ORIGIN, PASSWORD
from tests.conftest import AppFor, runtime_of
from tests.contracts.entryguard_client import BASE, EMAIL, SLUG, EntryGuardClient, assert_refused
from tests.rows import all_sessions, change_user, event_kinds, events

MFA = "/api/v1/mfa"


@pytest.fixture
def app(app_for: AppFor, transport: str) -> Flask:
    return app_for(contracts="entryguard", access_token_type=transport)


@pytest.fixture
def ada(app: Flask, transport: str) -> EntryGuardClient:
    client = EntryGuardClient(app, transport)
    client.sign_up()
    return client


def enrol(client: EntryGuardClient, clock: FrozenClock) -> tuple[Authenticator, list[str]]:
    setup = client.post(f"{MFA}/setup").get_json()
    app = Authenticator(setup["secret"], clock)
    answer = client.post(f"{MFA}/setup/confirm", {"secret": app.secret, "code": app.code()})
    assert answer.status_code == 200, answer.get_json()
    return app, answer.get_json()["recoveryCodes"]


def verify(client: EntryGuardClient, token: str, code: str):
    return client.keep(client.post(f"{BASE}/verify-mfa", {"mfaChallengeToken": token, "code": code}))


def test_setup_shows_a_picture_and_eight_recovery_codes(ada: EntryGuardClient, clock: FrozenClock) -> None:
    setup = ada.post(f"{MFA}/setup").get_json()
    assert set(setup) == {"qrCodeBase64", "secret"}
    assert base64.b64decode(setup["qrCodeBase64"]).startswith(b"\x89PNG")
    _, codes = enrol(ada, clock)
    assert [len(code) for code in codes] == [8] * 8
    assert ada.get(f"{BASE}/me").get_json()["mfaEnabled"] is True
    for path in ("setup", "setup/confirm"):
        assert ada.post(f"{MFA}/{path}", {"secret": "x", "code": "123456"}).status_code == 409


def test_wrong_code_confirms_nothing(ada: EntryGuardClient, clock: FrozenClock) -> None:
    app = Authenticator(ada.post(f"{MFA}/setup").get_json()["secret"], clock)
    answer = ada.post(f"{MFA}/setup/confirm", {"secret": app.secret, "code": app.wrong_code()})
    assert (answer.status_code, answer.get_json()["message"]) == (400, "code is not valid")
    assert ada.get(f"{BASE}/me").get_json()["mfaEnabled"] is False
    assert event_kinds(ada.app)[-1] == "account:mfa:refused"


def test_login_answers_a_challenge_and_no_token(ada: EntryGuardClient, clock: FrozenClock) -> None:
    app, _ = enrol(ada, clock)
    device = ada.another_device()
    answer = device.log_in()
    body = answer.get_json()
    token = body.pop("mfaChallengeToken")
    assert answer.status_code == 200
    assert body == {
        "mfaRequired": True,
        "mfaChallengeExpiresIn": 300,
        "passwordExpired": False,
        "passwordChangeToken": None,
        **dict.fromkeys(("accessToken", "refreshToken", "expiresIn", "tokenType", "user")),
    }
    assert "Set-Cookie" not in answer.headers
    done = verify(device, token, app.next_code())
    assert (done.status_code, done.get_json()["tokenType"]) == (200, "Bearer")
    assert device.get(f"{BASE}/me").status_code == 200
    assert verify(device, token, app.next_code()).status_code == 401


def test_recovery_code_finishes_a_login_once_in_any_case(ada: EntryGuardClient, clock: FrozenClock) -> None:
    _, codes = enrol(ada, clock)
    first = ada.log_in().get_json()["mfaChallengeToken"]
    assert verify(ada, first, codes[0].upper()).status_code == 200
    second = ada.log_in().get_json()["mfaChallengeToken"]
    assert verify(ada, second, codes[0]).status_code == 401
    assert verify(ada, second, codes[1]).status_code == 200


def test_challenge_ends_after_five_wrong_codes_and_after_five_minutes(
    ada: EntryGuardClient, clock: FrozenClock
) -> None:
    app, _ = enrol(ada, clock)
    token = ada.log_in().get_json()["mfaChallengeToken"]
    assert [verify(ada, token, app.wrong_code()).status_code for _ in range(5)] == [401] * 5
    assert verify(ada, token, app.next_code()).status_code == 401
    token = ada.log_in().get_json()["mfaChallengeToken"]
    clock.advance(timedelta(minutes=5))
    assert verify(ada, token, app.code()).status_code == 401


def test_guesses_are_counted_over_fresh_challenges(ada: EntryGuardClient, clock: FrozenClock) -> None:
    app, _ = enrol(ada, clock)
    statuses = []
    for _ in range(3):
        token = ada.log_in().get_json()["mfaChallengeToken"]
        statuses += [verify(ada, token, app.wrong_code()).status_code for _ in range(4)]
    assert statuses == [401] * 10 + [429] * 2


def test_disabling_takes_a_code_and_forgets_everything(ada: EntryGuardClient, clock: FrozenClock) -> None:
    assert ada.post(f"{MFA}/disable", {"code": "123456"}).status_code == 404
    app, _ = enrol(ada, clock)
    wrong = ada.post(f"{MFA}/disable", {"code": app.wrong_code()})
    assert (wrong.status_code, wrong.get_json()["message"]) == (400, "code is not valid")
    answer = ada.post(f"{MFA}/disable", {"code": app.next_code()})
    assert (answer.status_code, answer.data) == (200, b"")
    assert ada.post(f"{MFA}/recovery-codes/regenerate").status_code == 404
    assert ada.log_in().get_json()["mfaRequired"] is False


def test_new_recovery_codes_kill_the_old(ada: EntryGuardClient, clock: FrozenClock) -> None:
    _, old = enrol(ada, clock)
    new = ada.post(f"{MFA}/recovery-codes/regenerate").get_json()["recoveryCodes"]
    token = ada.log_in().get_json()["mfaChallengeToken"]
    assert verify(ada, token, old[0]).status_code == 401
    assert verify(ada, token, new[0]).status_code == 200


def test_factor_that_the_organization_asks_for_is_enrolled_and_stays(
    ada: EntryGuardClient, clock: FrozenClock
) -> None:
    assert ada.patch("/api/v1/organization/settings", {"mfaRequired": True}).status_code == 200
    body = ada.log_in().get_json()
    assert (body["mfaRequired"], body["mfaSetupRequired"]) == (False, True)
    assert ada.get(f"{BASE}/me").status_code == 401
    app, _ = enrol(ada, clock)
    token = ada.log_in().get_json()["mfaChallengeToken"]
    assert verify(ada, token, app.next_code()).status_code == 200
    assert ada.get(f"{BASE}/me").get_json()["organizationMfaRequired"] is True
    assert ada.post(f"{MFA}/disable", {"code": app.next_code()}).status_code == 403
    change_user(ada.app, must_change_password=True)
    token = ada.log_in().get_json()["mfaChallengeToken"]
    body = verify(ada, token, app.next_code()).get_json()
    assert (body["passwordExpired"], body["accessToken"]) == (True, None)


def test_factor_comes_before_a_password_that_is_due_as_well(
    ada: EntryGuardClient, clock: FrozenClock
) -> None:
    """[docs] If both apply, ask for MFA first and for the new password after it"""
    former = ada.current_refresh_token()
    rules = {"mfaRequired": True, "passwordExpirationDays": 1}
    assert ada.patch("/api/v1/organization/settings", rules).status_code == 200
    clock.advance(timedelta(days=2))
    answer = ada.log_in()
    body = answer.get_json()
    assert (answer.status_code, body["mfaSetupRequired"], body["passwordExpired"]) == (200, True, False)
    assert [row.mfa_pending for row in all_sessions(ada.app)] == [False, True]
    assert event_kinds(ada.app)[-1] == "session:login:succeeded"
    if ada.transport == "cookie":
        assert ada.present(former).status_code == 401
    app, _ = enrol(ada, clock)
    token = ada.log_in().get_json()["mfaChallengeToken"]
    body = verify(ada, token, app.next_code()).get_json()
    assert (body["passwordExpired"], body["accessToken"]) == (True, None)
    change = {"passwordChangeToken": body["passwordChangeToken"], "newPassword": "a quite different staple"}
    assert ada.keep(ada.post(f"{BASE}/change-expired-password", change)).status_code == 200
    assert ada.use().status_code == 200


@pytest.mark.parametrize(
    ("due", "status"), [({"mfa_enabled": True}, 401), ({"must_change_password": True}, 403)]
)
def test_view_that_goes_no_further_refuses_what_is_due(
    new_app_for: AppFor, transport: str, due: dict[str, bool], status: int
) -> None:
    app = new_app_for(contracts="entryguard", access_token_type=transport)
    runtime = runtime_of(app)

    @app.post(f"{BASE}/directly")
    def log_in() -> None:
        runtime.engine.log_in(
            Identifier.of(IdentifierKind.EMAIL, EMAIL),
            PASSWORD,
            runtime.mounts["entryguard"].policy,
            read_client(request, Transport.HEADER),
        )

    ada = EntryGuardClient(app, transport)
    ada.sign_up()
    change_user(app, **due)
    assert_refused(ada.http.post(f"{BASE}/directly", base_url=ORIGIN), status)
    assert len(all_sessions(app)) == 1
    assert event_kinds(app)[-1] == "session:login:succeeded"


@pytest.mark.parametrize("token", ["", "x", "ktc_" + "x" * 65])
def test_other_challenges_are_strangers(ada: EntryGuardClient, token: str) -> None:
    assert verify(ada, token, "123456").status_code == 401


def test_factor_of_a_login_to_an_organization_suspended_meanwhile_opens_nothing(
    ada: EntryGuardClient, clock: FrozenClock
) -> None:
    app, _ = enrol(ada, clock)
    device = ada.another_device()
    token = device.log_in().get_json()["mfaChallengeToken"]
    runtime_of(ada.app).engine.organizations.suspend(SLUG)
    seen = len(event_kinds(ada.app))

    assert_refused(verify(device, token, app.next_code()), 403)

    assert event_kinds(ada.app)[seen:] == ["session:login:refused"]
    (refused,) = events(ada.app, "session:login:refused")
    assert refused.details == {"methods": ["pwd", "otp", "mfa"]}
