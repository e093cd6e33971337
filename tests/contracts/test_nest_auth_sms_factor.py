"""nest_auth with codes by SMS, written to a file as in development, read back and typed."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.extensions import db
from app.primitives.clock import FrozenClock
from tests.authenticator import enrol
from tests.clients import PASSWORD, AuthClient
from tests.conftest import SettingsFor
from tests.rows import claims_of, event_kinds, events

CODE_LIFETIME = timedelta(minutes=10)
NUMBER = "+15550100"


@pytest.fixture
def ada(
    app: Flask, settings_for: SettingsFor, clock: FrozenClock, tmp_path: Path, transport: str
) -> Iterator[AuthClient]:
    """Somebody with a number, on another process of the deployment that sends by file."""
    del app
    sending = settings_for(
        access_token_type=transport, mfa_methods="totp,email,sms", sms_url=f"file:{tmp_path / 'sms'}"
    )
    served = create_app(sending, clock=clock)
    ada = AuthClient(served, transport)
    ada.sign_up(phone=NUMBER)
    yield ada
    with served.app_context():
        db.engine.dispose()


def sent(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "sms").read_text("utf-8").splitlines()]


def last_code(folder: Path) -> str:
    last = sent(folder)[-1]
    assert (last["recipient"], last["channel"]) == (NUMBER, "sms")
    return last["text"].split()[0]


def test_number_becomes_a_factor_once_it_is_proven_and_finishes_a_login(
    ada: AuthClient, tmp_path: Path
) -> None:
    refused = ada.post("/auth/mfa/toggle", {"enabled": True})
    assert (refused.status_code, refused.get_json()["code"]) == (403, "MFA_CANNOT_ENABLE_WITHOUT_METHOD")
    assert ada.post("/auth/send-phone-verification", {}).status_code == 200
    assert ada.post("/auth/verify-phone", {"code": last_code(tmp_path)}).status_code == 200
    assert ada.post("/auth/mfa/toggle", {"enabled": True}).status_code == 200

    assert ada.log_in().get_json()["mfaMethods"] == ["sms"]
    assert ada.get("/auth/user").get_json()["code"] == "MFA_REQUIRED"
    assert ada.post("/auth/mfa/challenge", {"method": "email"}).status_code == 403
    assert ada.post("/auth/mfa/challenge", {"method": "sms"}).status_code == 200
    body = {"method": "sms", "otp": last_code(tmp_path)}
    assert ada.keep(ada.post("/auth/mfa/verify", body)).status_code == 200
    assert ada.get("/auth/user").status_code == 200
    assert {"sms", "mfa"} <= set(claims_of(ada.current_access_token())["amr"])
    again = ada.post("/auth/mfa/verify", body)
    assert (again.status_code, again.get_json()["code"]) == (400, "VERIFICATION_CODE_INVALID")
    assert event_kinds(ada.app)[-1] == "account:code:refused"
    assert len(sent(tmp_path)) == 2


def test_code_by_sms_is_good_in_the_session_that_asked_and_for_ten_minutes(
    ada: AuthClient, tmp_path: Path, clock: FrozenClock
) -> None:
    ada.post("/auth/send-phone-verification", {})
    ada.post("/auth/verify-phone", {"code": last_code(tmp_path)})
    ada.post("/auth/mfa/toggle", {"enabled": True})
    ada.log_in()
    ada.post("/auth/mfa/challenge", {"method": "sms"})
    body = {"method": "sms", "otp": last_code(tmp_path)}
    other = ada.another_device()
    other.log_in()
    assert other.post("/auth/mfa/verify", body).status_code == 400
    clock.advance(CODE_LIFETIME)
    late = ada.post("/auth/mfa/verify", body)
    assert (late.status_code, late.get_json()["code"]) == (400, "VERIFICATION_CODE_EXPIRED")


def test_number_joins_the_factors_of_a_guarded_account_only_with_the_proof_of_a_change(
    ada: AuthClient, tmp_path: Path, clock: FrozenClock
) -> None:
    app = enrol(ada, clock)
    assert ada.post("/auth/send-phone-verification", {}).status_code == 200
    body = {"code": last_code(tmp_path)}
    assert ada.keep(ada.post("/auth/reauthenticate", {"password": PASSWORD})).status_code == 200
    for path in ("send-phone-verification", "verify-phone"):
        refused = ada.post(f"/auth/{path}", body)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "REAUTHENTICATION_REQUIRED")
    assert ada.get("/auth/me").get_json()["phoneVerifiedAt"] is None
    assert "account:phone:verified" not in event_kinds(ada.app)

    ada.keep(ada.post("/auth/mfa/verify", {"method": "totp", "otp": app.next_code()}))
    assert ada.post("/auth/verify-phone", body).status_code == 200
    assert events(ada.app, "account:mfa:changed")[-1].details == {"change": "sms added"}
