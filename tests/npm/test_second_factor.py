"""The published client finishes a second factor, and skips it on a device that it trusts."""

from collections.abc import Callable

import pyotp
import pytest

from tests.authenticator import former_code
from tests.npm.bridge import ClientError, Device
from tests.npm.conftest import Person, Wire

NewDevice = Callable[[], Device]


def enrol(device: Device) -> str:
    """Enrol an authenticator app with the code of the step before, so that the present one is still good."""
    secret: str = device.call("setupTotp", {"deviceName": "Phone"})["secret"]
    device.call("verifyTotpSetup", {"secret": secret, "otp": former_code(secret)})
    return secret


def code(secret: str) -> str:
    return pyotp.TOTP(secret).now()


def test_login_is_finished_by_a_code_and_skipped_on_a_trusted_device(
    person: Person, new_device: NewDevice, wire: Wire
) -> None:
    secret = enrol(person.device)
    device = new_device()
    due = device.call("login", person.credentials())
    assert (due["isRequiresMfa"], due["mfaMethods"], due["defaultMfaMethod"]) == (True, ["totp"], "totp")
    with pytest.raises(ClientError) as refusal:
        device.call("generateRecoveryCode")
    assert refusal.value.answer["code"] == "MFA_REQUIRED"
    device.call("send2fa", "totp")
    passed = device.call("verify2fa", {"method": "totp", "otp": code(secret), "trustDevice": True})
    assert passed["isRequiresMfa"] is False
    assert ("trustToken" in passed) is (wire.mode == "header")
    assert device.call("getSessionUserData")["isMfaEnabled"] is True
    device.call("logout")
    again = device.call("login", person.credentials())
    assert again["isRequiresMfa"] is False
    assert device.call("getSessionUserData")["email"] == person.email
    assert new_device().call("login", person.credentials())["isRequiresMfa"] is True
