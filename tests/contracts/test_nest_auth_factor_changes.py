"""Enrolling, switching, resetting: what each change asks for, and what it ends."""

import base64
from datetime import timedelta

import pytest

from app.delivery import MemorySender
from app.engine.errors import SecondFactorNotEnabled
from app.primitives.clock import FrozenClock
from tests.authenticator import Authenticator, enrol
from tests.clients import PASSWORD, AuthClient
from tests.conftest import runtime_of
from tests.rows import change_user, event_kinds, events, session_row


@pytest.fixture
def ada(client: AuthClient) -> AuthClient:
    client.sign_up()
    return client


def verify(client: AuthClient, otp: str, method: str = "totp"):
    return client.keep(client.post("/auth/mfa/verify", {"method": method, "otp": otp}))


def subjects(outbox: MemorySender) -> list[str]:
    return [message.subject for message in outbox.messages]


def test_setup_gives_all_that_an_app_needs(ada: AuthClient) -> None:
    body = ada.post("/auth/mfa/setup-totp", {}).get_json()
    assert (body["issuer"], body["account"]) == ("Keyturn", "ada@example.test")
    assert body["otpAuthUrl"].startswith("otpauth://totp/Keyturn:ada%40example.test?secret=" + body["secret"])
    kind, image = body["qrCode"].split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(image).startswith(b"\x89PNG\r\n")
    assert len(base64.b32decode(body["secret"])) == 20


def test_app_counts_only_after_a_code(ada: AuthClient) -> None:
    ada.post("/auth/mfa/setup-totp", {"deviceName": "Phone"})
    [device] = ada.get("/auth/mfa/devices").get_json()
    assert (device["deviceName"], device["method"], device["verified"]) == ("Phone", "totp", False)
    status = ada.get("/auth/mfa/status").get_json()
    assert (status["isEnabled"], status["verifiedMethods"]) == (False, [])
    assert not ada.log_in().get_json()["isRequiresMfa"]


@pytest.mark.parametrize("wrong", ["secret", "otp"])
def test_wrong_code_or_secret_confirms_nothing(ada: AuthClient, clock: FrozenClock, wrong: str) -> None:
    app = Authenticator(ada.post("/auth/mfa/setup-totp", {}).get_json()["secret"], clock)
    body = {"secret": app.secret, "otp": app.code()}
    body[wrong] = app.wrong_code() if wrong == "otp" else "A" * 32
    answer = ada.post("/auth/mfa/verify-totp-setup", body)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "MFA_CODE_INVALID")
    assert event_kinds(ada.app)[-1] == "account:mfa:refused"
    assert not ada.get("/auth/mfa/status").get_json()["isEnabled"]


def test_enrolment_ends_other_sessions_and_is_told(
    ada: AuthClient, clock: FrozenClock, outbox: MemorySender
) -> None:
    other = ada.another_device()
    other.log_in()
    enrol(ada, clock)
    assert ada.get("/auth/user").get_json()["isMfaEnabled"] is True
    assert other.get("/auth/me").get_json()["code"] == "SESSION_NOT_FOUND"
    assert session_row(ada.app, other.current_access_token()).revoked_reason == "mfa_changed"
    assert events(ada.app, "account:mfa:changed")[-1].details == {"change": "added"}
    assert subjects(outbox)[-1] == "The second factor of your account was changed"


def test_session_whose_password_is_due_adds_no_factor(ada: AuthClient, clock: FrozenClock) -> None:
    secret = ada.post("/auth/mfa/setup-totp", {}).get_json()["secret"]
    change_user(ada.app, must_change_password=True)
    body = {"secret": secret, "otp": Authenticator(secret, clock).code()}
    for path in ("setup-totp", "verify-totp-setup"):
        answer = ada.post(f"/auth/mfa/{path}", body)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "MUST_CHANGE_PASSWORD")
    assert not ada.get("/auth/mfa/status").get_json()["isEnabled"]
    assert "account:mfa:changed" not in event_kinds(ada.app)


def test_factor_that_is_asked_for_comes_before_a_password_that_is_due(
    ada: AuthClient, clock: FrozenClock
) -> None:
    change_user(ada.app, must_change_password=True, attributes={"mfa_required": True})
    ada.log_in()
    assert verify(ada, enrol(ada, clock).next_code()).status_code == 200
    assert ada.get("/auth/user").get_json()["code"] == "MUST_CHANGE_PASSWORD"
    new = {"currentPassword": PASSWORD, "newPassword": "a quite different staple"}
    assert ada.post("/auth/change-password", new).status_code == 200


def test_several_apps_have_names_and_each_works(ada: AuthClient, clock: FrozenClock) -> None:
    phone = enrol(ada, clock, "Phone")
    verify(ada, phone.next_code())
    tablet = enrol(ada, clock, "Tablet")
    listed = ada.get("/auth/mfa/devices").get_json()
    assert [device["deviceName"] for device in listed] == ["Phone", "Tablet"]
    for app in (phone, tablet):
        ada.log_in()
        assert verify(ada, app.next_code()).status_code == 200


def test_old_proof_is_not_enough_for_a_change(ada: AuthClient, clock: FrozenClock) -> None:
    clock.advance(timedelta(minutes=15, seconds=1))
    answer = ada.post("/auth/mfa/setup-totp", {})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "REAUTHENTICATION_REQUIRED")
    wrong = ada.post("/auth/reauthenticate", {"password": "not the password"})
    assert (wrong.status_code, wrong.get_json()["code"]) == (400, "CURRENT_PASSWORD_INCORRECT")
    assert ada.keep(ada.post("/auth/reauthenticate", {"password": PASSWORD})).status_code == 200
    assert ada.post("/auth/mfa/setup-totp", {}).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/auth/mfa/toggle", {"enabled": False}),
        ("/auth/mfa/setup-totp", {}),
        ("/auth/mfa/generate-recovery-code", None),
    ],
)
def test_password_alone_changes_no_factor(
    ada: AuthClient, clock: FrozenClock, path: str, body: object
) -> None:
    app = enrol(ada, clock)
    ada.keep(ada.post("/auth/reauthenticate", {"password": PASSWORD}))
    assert ada.post(path, body).get_json()["code"] == "REAUTHENTICATION_REQUIRED"
    verify(ada, app.next_code())
    assert ada.post(path, body).status_code == 200


def test_second_factor_is_switched_off_and_on_again(ada: AuthClient, clock: FrozenClock) -> None:
    verify(ada, enrol(ada, clock).next_code())
    assert ada.post("/auth/mfa/toggle", {"enabled": False}).status_code == 200
    assert not ada.log_in().get_json()["isRequiresMfa"]
    assert ada.post("/auth/mfa/toggle", {"enabled": True}).status_code == 200
    assert ada.log_in().get_json()["isRequiresMfa"]


def test_it_cannot_be_switched_on_without_anything_to_prove(ada: AuthClient) -> None:
    answer = ada.post("/auth/mfa/toggle", {"enabled": True})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "MFA_CANNOT_ENABLE_WITHOUT_METHOD")


def test_last_app_takes_the_second_factor_and_recovery_codes_along(
    ada: AuthClient, clock: FrozenClock
) -> None:
    verify(ada, enrol(ada, clock).next_code())
    ada.post("/auth/mfa/generate-recovery-code")
    [device] = ada.get("/auth/mfa/devices").get_json()
    assert ada.delete(f"/auth/mfa/devices/{device['id']}").status_code == 200
    status = ada.get("/auth/mfa/status").get_json()
    assert (status["isEnabled"], status["hasRecoveryCode"], status["totpDevices"]) == (False, False, [])
    assert ada.delete(f"/auth/mfa/devices/{device['id']}").status_code == 404


def test_recovery_code_finishes_a_login_once(
    ada: AuthClient, clock: FrozenClock, outbox: MemorySender
) -> None:
    verify(ada, enrol(ada, clock).next_code())
    body = ada.post("/auth/mfa/generate-recovery-code").get_json()
    assert (len(body["codes"]), body["code"]) == (10, body["codes"][0])
    ada.log_in()
    answer = ada.keep(ada.post("/auth/mfa/verify-recovery-code", {"code": body["code"]}))
    assert answer.get_json()["message"] == "Recovery code verification successful"
    assert ada.get("/auth/user").status_code == 200
    assert events(ada.app, "account:recovery_code:used")[-1].details == {"left": 9}
    assert "9 are left" in outbox.messages[-1].text
    again = ada.post("/auth/mfa/verify-recovery-code", {"code": body["code"]})
    assert (again.status_code, again.get_json()["code"]) == (401, "MFA_RECOVERY_CODE_INVALID")


def test_new_recovery_codes_kill_the_old(ada: AuthClient, clock: FrozenClock) -> None:
    verify(ada, enrol(ada, clock).next_code())
    old = ada.post("/auth/mfa/generate-recovery-code").get_json()["code"]
    new = ada.post("/auth/mfa/generate-recovery-code").get_json()["code"]
    assert ada.post("/auth/mfa/verify-recovery-code", {"code": old}).status_code == 401
    assert ada.post("/auth/mfa/verify-recovery-code", {"code": new}).status_code == 200


def test_new_recovery_codes_end_other_sessions_and_trust(ada: AuthClient, clock: FrozenClock) -> None:
    app = enrol(ada, clock)
    other = ada.another_device()
    other.log_in()
    proof = {"method": "totp", "otp": app.next_code(), "trustDevice": True}
    other.keep(other.post("/auth/mfa/verify", proof))
    assert other.is_let_in()

    assert ada.post("/auth/mfa/generate-recovery-code").status_code == 200

    assert ada.is_let_in()
    assert other.get("/auth/me").get_json()["code"] == "SESSION_NOT_FOUND"
    assert session_row(ada.app, other.current_access_token()).revoked_reason == "mfa_changed"
    assert events(ada.app, "account:mfa:changed")[-1].details == {"change": "recovery codes renewed"}
    assert other.log_in().get_json()["isRequiresMfa"]


def test_recovery_code_without_second_factor_is_not_enabled(ada: AuthClient) -> None:
    answer = ada.post("/auth/mfa/verify-recovery-code", {"code": "x"})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "MFA_NOT_ENABLED")


def test_lost_app_is_reset_with_a_recovery_code(ada: AuthClient, clock: FrozenClock) -> None:
    verify(ada, enrol(ada, clock).next_code())
    code = ada.post("/auth/mfa/generate-recovery-code").get_json()["code"]
    ada.log_in()
    assert ada.post("/auth/mfa/reset-totp", {"code": "wrong"}).status_code == 401
    assert ada.post("/auth/mfa/reset-totp", {"code": code}).status_code == 200
    assert ada.get("/auth/user").get_json()["code"] == "MFA_REQUIRED"
    assert not ada.log_in().get_json()["isRequiresMfa"]
    assert ada.get("/auth/mfa/devices").get_json() == []


@pytest.fixture
def codes(ada: AuthClient, clock: FrozenClock) -> list[str]:
    """Ada has switched her second factor off; now it is asked for, and her app is lost."""
    verify(ada, enrol(ada, clock).next_code())
    codes = ada.post("/auth/mfa/generate-recovery-code").get_json()["codes"]
    assert ada.post("/auth/mfa/toggle", {"enabled": False}).status_code == 200
    runtime_of(ada.app).engine.accounts.change(1, {"mfa_required": True})
    assert ada.log_in().get_json()["mfaMethods"] == ["totp"]
    return codes


def test_recovery_code_finishes_a_login_whose_factor_is_only_asked_for(
    ada: AuthClient, codes: list[str]
) -> None:
    wrong = ada.post("/auth/mfa/verify-recovery-code", {"code": "wrong"})
    assert (wrong.status_code, wrong.get_json()["code"]) == (401, "MFA_RECOVERY_CODE_INVALID")
    assert session_row(ada.app, ada.current_access_token()).mfa_pending
    assert event_kinds(ada.app)[-1] == "account:mfa:refused"
    assert ada.keep(ada.post("/auth/mfa/verify-recovery-code", {"code": codes[0]})).status_code == 200
    assert ada.get("/auth/user").status_code == 200


def test_lost_app_is_reset_also_where_the_factor_is_only_asked_for(
    ada: AuthClient, codes: list[str], clock: FrozenClock
) -> None:
    assert ada.post("/auth/mfa/reset-totp", {"code": codes[0]}).status_code == 200
    assert ada.log_in().get_json()["mfaMethods"] == []
    assert verify(ada, enrol(ada, clock).next_code()).status_code == 200
    assert ada.get("/auth/user").status_code == 200


def test_administrator_resets_a_factor_that_is_only_asked_for(ada: AuthClient, codes: list[str]) -> None:
    engine = runtime_of(ada.app).engine
    engine.factor_changes.reset(engine.accounts.get(1), None)
    assert events(ada.app, "account:mfa:changed")[-1].details == {"change": "reset"}
    body = ada.log_in().get_json()
    assert (body["isRequiresMfa"], body["mfaMethods"]) == (True, [])
    with pytest.raises(SecondFactorNotEnabled):
        engine.factor_changes.reset(engine.accounts.get(1), None)
    assert event_kinds(ada.app)[-1] == "session:login:succeeded"


def test_mailed_code_is_a_factor_once_the_address_is_verified(
    ada: AuthClient, clock: FrozenClock, outbox: MemorySender
) -> None:
    change_user(ada.app, email_verified_at=clock.now())
    assert ada.post("/auth/mfa/toggle", {"enabled": True}).status_code == 200
    assert ada.log_in().get_json()["mfaMethods"] == ["email"]
    assert ada.post("/auth/mfa/challenge", {"method": "email"}).status_code == 200
    code = next(line for line in outbox.messages[-1].text.splitlines() if line.isdigit())
    elsewhere = ada.another_device()
    elsewhere.log_in()
    refused = verify(elsewhere, code, "email")
    assert (refused.status_code, refused.get_json()["code"]) == (400, "VERIFICATION_CODE_INVALID")
    assert verify(ada, code, "email").status_code == 200
    assert ada.get("/auth/user").status_code == 200
    assert verify(ada, code, "email").status_code == 400


@pytest.mark.parametrize("by", ["deployment", "person", "organization"])
def test_second_factor_that_is_asked_for_must_be_enrolled_first(
    app_for, transport: str, clock: FrozenClock, by: str
) -> None:
    required = "true" if by == "deployment" else "false"
    client = AuthClient(app_for(access_token_type=transport, mfa_required=required), transport)
    client.sign_up()
    if by == "person":
        change_user(client.app, attributes={"mfa_required": True})
    if by == "organization":
        organizations = runtime_of(client.app).engine.organizations
        works = organizations.create(slug="works", name="Works").id
        organizations.add_member("works", 1)
        organizations.change_settings(works, {"mfa_required": True}, None)
    body = client.log_in().get_json()
    assert (body["isRequiresMfa"], body["mfaMethods"]) == (True, [])
    assert client.get("/auth/user").get_json()["code"] == "MFA_REQUIRED"
    status = client.get("/auth/mfa/status").get_json()
    assert (status["required"], status["canToggle"]) == (True, False)
    app = enrol(client, clock)
    assert client.get("/auth/user").get_json()["code"] == "MFA_REQUIRED"
    assert verify(client, app.next_code()).status_code == 200
    assert client.get("/auth/user").status_code == 200
    answer = client.post("/auth/mfa/toggle", {"enabled": False})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "MFA_TOGGLING_NOT_ALLOWED")


def test_new_device_is_told_and_a_known_one_is_not(
    ada: AuthClient, clock: FrozenClock, outbox: MemorySender
) -> None:
    change_user(ada.app, email_verified_at=clock.now())
    other = ada.another_device()
    other.http.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (X11; Linux x86_64) Firefox/120.0"
    other.log_in()
    assert subjects(outbox) == ["New sign-in to your account"]
    assert "Firefox on Linux, from 127.0.0.1" in outbox.messages[-1].text
    other.http.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (X11; Linux x86_64) Firefox/121.0"
    other.log_in()
    ada.log_in()
    assert len(outbox.messages) == 1
