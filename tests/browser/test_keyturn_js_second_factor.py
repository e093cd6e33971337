"""A second factor that is due keeps the person signed out until it is proven, in every tab."""

import pyotp
import pytest

from tests.authenticator import former_code
from tests.browser.tab import Application, Person, Tab, lasting

JSON = "{ 'Content-Type': 'application/json' }"


@pytest.fixture
def secret(tab: Tab, person: Person) -> str:
    """Enrol an authenticator app."""
    secret: str = post(tab, "/auth/mfa/setup-totp", "{}")["secret"]
    body = f"{{ secret: '{secret}', otp: '{former_code(secret)}' }}"
    confirmed = post(tab, "/auth/mfa/verify-totp-setup", body)
    assert "verified" in confirmed["message"]
    return secret


def test_code_finishes_signing_in(application: Application, tab: Tab, person: Person, secret: str) -> None:
    other = application.tab()
    tab.run("keyturn.logout()")
    other.await_event("signedout")
    due = tab.run(f"keyturn.login({person.credentials})")
    assert (due["isRequiresMfa"], due["mfaMethods"]) == (True, ["totp"])
    other.await_event("mfarequired")
    for each in (tab, other):
        assert each.signed_in() is False
        assert each.run("keyturn.check()") is False
    tab.wait_until_expired()
    assert tab.run("keyturn.challengeMfa('totp')")["message"]
    passed = tab.run(f"keyturn.verifyMfa({{ method: 'totp', otp: '{pyotp.TOTP(secret).now()}' }})")
    assert passed["isRequiresMfa"] is False
    other.await_event("signedin")
    for each in (tab, other):
        assert each.signed_in() is True
        assert each.fetch("/auth/user") == 200


@lasting
def test_signing_in_that_is_given_up_is_over_in_every_tab(
    application: Application, tab: Tab, person: Person, secret: str
) -> None:
    other = application.tab()
    tab.run("keyturn.logout()")
    tab.run(f"keyturn.login({person.credentials})")
    other.await_event("mfarequired")
    other.run("heard.length = 0")
    tab.run("keyturn.logout()")
    other.await_event("signedout")
    assert tab.heard("signedout") == [["signedout", "logout"]] * 2


@lasting
def test_wrong_code_is_sent_once_and_refreshes_nothing(
    application: Application, tab: Tab, person: Person, secret: str
) -> None:
    tab.run(f"keyturn.login({person.credentials})")
    wrong = tab.failure("keyturn.verifyMfa({ method: 'totp', otp: '000000' })")
    assert (wrong["status"], wrong["code"]) == (401, "MFA_CODE_INVALID")
    assert application.count("/auth/mfa/verify") == 1
    assert application.refreshes == 0
    wrong = tab.failure("keyturn.verifyMfa({ code: 'no such code' })")
    assert (wrong["status"], wrong["code"]) == (401, "MFA_RECOVERY_CODE_INVALID")
    assert tab.signed_in() is False


def post(tab: Tab, path: str, body: str) -> dict[str, str]:
    init = f"{{ method: 'POST', headers: {JSON}, body: JSON.stringify({body}) }}"
    found: dict[str, str] = tab.run(f"keyturn.fetch('{path}', {init}).then((answer) => answer.json())")
    return found
