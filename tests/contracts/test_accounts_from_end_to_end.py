"""One person from the first visit to a forgotten password; docs/accounts.md tells the same story."""

import re

import pytest
from flask import Flask

from app.delivery import MemorySender
from app.models import Base
from app.primitives.clock import FrozenClock
from tests.authenticator import Authenticator, enrol
from tests.clients import HOST, PASSWORD, AuthClient
from tests.rows import claims_of, event_kinds

NEW_PASSWORD = "a quite different staple"
EMAIL = "ada@example.test"


def code_in(outbox: MemorySender) -> str:
    """Return the digits of the last message that has any on a line of their own."""
    found: list[str] = []
    for message in outbox.messages:
        found += re.findall(r"^\d{6}$", message.text, re.MULTILINE)
    return found[-1]


def finish(client: AuthClient, app: Authenticator, **body: object) -> list[str | None]:
    """Prove the second factor and return what crossed the wire for it."""
    otp = app.next_code()
    answer = client.keep(client.post("/auth/mfa/verify", {"method": "totp", "otp": otp, **body}))
    assert answer.status_code == 200
    trusted = client.http.get_cookie("nest_auth_device_trust", domain=HOST)
    return [otp, answer.get_json().get("trustToken"), trusted.value if trusted else None, *held(client)]


def held(client: AuthClient) -> list[str | None]:
    return [client.current_access_token(), client.current_refresh_token()]


def test_a_person_from_sign_up_to_a_forgotten_password(
    client: AuthClient, clock: FrozenClock, outbox: MemorySender, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    browser = client
    secrets: list[str | None] = [PASSWORD, NEW_PASSWORD]

    # Signing up, and proving the address.
    assert browser.sign_up().get_json()["message"] == "Signup successful"
    assert browser.post("/auth/send-email-verification", {}).status_code == 200
    secrets.append(code_in(outbox))
    assert browser.post("/auth/verify-email", {"code": code_in(outbox)}).status_code == 200
    assert browser.get("/auth/me").get_json()["emailVerifiedAt"]

    # An authenticator app, and recovery codes.
    app = enrol(browser, clock)
    codes = browser.post("/auth/mfa/generate-recovery-code").get_json()["codes"]
    secrets += [app.secret, app.code(), *codes, *held(browser)]
    browser.post("/auth/logout")

    # Logging in with the app, and trusting the device.
    assert browser.log_in().get_json()["isRequiresMfa"] is True
    assert browser.get("/auth/user").get_json()["code"] == "MFA_REQUIRED"
    secrets += [*held(browser), *finish(browser, app, trustDevice=True)]
    assert claims_of(browser.current_access_token())["isMfaVerified"] is True
    browser.post("/auth/logout")
    assert browser.log_in().get_json()["isRequiresMfa"] is False
    browser.post("/auth/logout")

    # Another device without the app: a recovery code.
    other = browser.another_device()
    other.log_in()
    answer = other.keep(other.post("/auth/mfa/verify-recovery-code", {"code": codes[0]}))
    assert answer.status_code == 200
    assert other.get("/auth/user").status_code == 200
    secrets += held(other)

    # The password is forgotten: a code by mail, every session ends, trust ends, the second factor stays.
    assert browser.post("/auth/forgot-password", {"email": EMAIL}).status_code == 200
    proof = {"email": EMAIL, "code": code_in(outbox)}
    token = browser.post("/auth/verify-forgot-password-otp", proof).get_json()["resetToken"]
    secrets += [proof["code"], token]
    reset = {"token": token, "newPassword": NEW_PASSWORD}
    assert browser.post("/auth/reset-password", reset).status_code == 200
    assert other.get("/auth/user").status_code == 401
    assert browser.log_in().status_code == 401
    assert browser.log_in(password=NEW_PASSWORD).get_json()["isRequiresMfa"] is True
    secrets += finish(browser, app)
    assert browser.get("/auth/user").status_code == 200

    subjects = [message.subject for message in outbox.messages]
    assert "The second factor of your account was changed" in subjects
    assert "A recovery code of your account was used" in subjects
    assert "Your password was changed" in subjects
    assert "session:rights:raised" in event_kinds(browser.app)
    assert_nothing_usable_is_kept(browser.app, caplog.text, {secret for secret in secrets if secret})


def assert_nothing_usable_is_kept(app: Flask, log: str, secrets: set[str]) -> None:
    """Search every cell of every table, and the log down to its finest level, for what crossed the wire."""
    engine = app.extensions["keyturn"].engine

    def dump(transaction) -> str:
        rows = [transaction.execute(table.select()).all() for table in Base.metadata.sorted_tables]
        return repr(rows)

    stored = engine.database.transact(dump)
    assert len(stored) > 1000
    assert "refused POST" in log
    assert len(secrets) > 25
    # Six digits also occur in moments and counters, so they are looked for as values and words of their own.
    codes = {secret for secret in secrets if len(secret) == 6}
    assert not {code for code in codes if repr(code) in stored or re.search(rf"(?<![\w.]){code}\b", log)}
    assert not {secret for secret in secrets - codes if secret in stored or secret in log}
