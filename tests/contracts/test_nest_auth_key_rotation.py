"""The secret key is replaced in the documented order, and second factors of people who were away go on."""

from datetime import timedelta

import pytest
from flask import Flask

from app.primitives.clock import FrozenClock
from tests.authenticator import Authenticator, enrol
from tests.clients import AuthClient
from tests.conftest import SECRET, AppFor
from tests.rows import event_kinds, session_row

NEW_SECRET = "Rt5-also-tests-only-3b7Kd9WmXe1Zv6Gy2Hs8Pf4Lq"
# Longer than any session may be inactive or last by default.
AWAY = timedelta(days=91)


class Person:
    """Somebody with an authenticator app and recovery codes, in reach of one application after the other."""

    def __init__(self, app: Flask, transport: str, clock: FrozenClock, email: str) -> None:
        self._transport = transport
        self._email = email
        client = AuthClient(app, transport)
        client.sign_up(email=email)
        self.app: Authenticator = enrol(client, clock)
        client.keep(client.post("/auth/mfa/verify", {"method": "totp", "otp": self.app.next_code()}))
        answer = client.post("/auth/mfa/generate-recovery-code")
        assert answer.status_code == 200, answer.get_json()
        self.recovery_code: str = answer.get_json()["code"]

    def logs_in(self, app: Flask, path: str, body: dict[str, str]) -> str:
        """Finish a new login and return the code of the refusal, or that it was not refused."""
        client = AuthClient(app, self._transport)
        assert client.log_in(email=self._email).get_json()["isRequiresMfa"]
        answer = client.keep(client.post(path, body))
        is_pending = session_row(app, client.current_access_token()).mfa_pending
        assert is_pending == (answer.status_code != 200)
        return str(answer.get_json()["code"] if is_pending else "let in")

    def logs_in_with_app(self, app: Flask) -> str:
        return self.logs_in(app, "/auth/mfa/verify", {"method": "totp", "otp": self.app.next_code()})

    def logs_in_with_recovery_code(self, app: Flask) -> str:
        return self.logs_in(app, "/auth/mfa/verify-recovery-code", {"code": self.recovery_code})


@pytest.mark.parametrize("is_sealed_anew", [True, False], ids=["with the command", "without it"])
def test_second_factors_outlive_the_key_if_they_were_sealed_anew(
    app_for: AppFor, transport: str, clock: FrozenClock, *, is_sealed_anew: bool
) -> None:
    def deploy(key: str, fallbacks: str = "") -> Flask:
        return app_for(access_token_type=transport, secret_key=key, secret_key_fallbacks=fallbacks)

    ada = Person(deploy(SECRET), transport, clock, "ada@example.test")
    bob = Person(deploy(SECRET, NEW_SECRET), transport, clock, "bob@example.test")
    signing_with_new = deploy(NEW_SECRET, SECRET)
    eve = Person(signing_with_new, transport, clock, "eve@example.test")
    if is_sealed_anew:
        result = signing_with_new.test_cli_runner().invoke(args=["keys", "reseal"])
        assert (result.exit_code, result.output) == (0, "Sealed anew: 22. Could not be opened: 0.\n")
    clock.advance(AWAY)
    without_old = deploy(NEW_SECRET)

    outcomes = [
        (person.logs_in_with_app(without_old), person.logs_in_with_recovery_code(without_old))
        for person in (ada, bob, eve)
    ]

    lost = ("MFA_CODE_INVALID", "MFA_RECOVERY_CODE_INVALID")
    kept = ("let in", "let in")
    assert outcomes == ([kept, kept, kept] if is_sealed_anew else [lost, lost, kept])
    assert event_kinds(without_old).count("account:mfa:refused") == (0 if is_sealed_anew else 4)
    again_a_fallback = deploy(NEW_SECRET, SECRET)
    assert ada.logs_in_with_app(again_a_fallback) == "let in"
    # A code that was spent stays so, and one that was only refused is still good.
    again = ada.logs_in_with_recovery_code(again_a_fallback)
    assert again == ("MFA_RECOVERY_CODE_INVALID" if is_sealed_anew else "let in")
