"""Second factors without JavaScript: enrolled, asked for, confirmed anew, switched off."""

import re
from datetime import timedelta

import pyotp
import pytest

from app.delivery import MemorySender
from app.primitives.clock import FrozenClock
from tests.conftest import AppFor
from tests.pages.browser import Browser
from tests.pages.conftest import PASSWORD, sign_in, sign_up
from tests.pages.test_recovering import code_in
from tests.rows import all_sessions, change_user, event_kinds

STEP = timedelta(seconds=30)


class App:
    """An authenticator app."""

    def __init__(self, secret: str, clock: FrozenClock) -> None:
        self._totp, self._clock = pyotp.TOTP(secret), clock

    def code(self) -> str:
        self._clock.advance(STEP)
        return self._totp.at(self._clock.now())


@pytest.fixture
def app_of_ada(ada: Browser, clock: FrozenClock) -> App:
    """Ada's app, set up; the page shows the recovery codes."""
    return enrol(ada, clock)


def enrol(browser: Browser, clock: FrozenClock) -> App:
    browser.open("/account/second-factors/app").submit("Show the QR code", name="My phone")
    assert 'src="data:image/png;base64,' in browser.answer.text
    found = re.search(r'name="secret" value="(\w+)"', browser.answer.text)
    assert found
    app = App(found[1], clock)
    browser.submit("Confirm", code=app.code())
    return app


def test_first_app_switches_the_factor_on_and_shows_recovery_codes_once(ada: Browser, app_of_ada: App):
    codes = re.findall(r"<code>(\S+)</code>", ada.answer.text)
    assert len(codes) == 10

    ada.follow("I have kept them")

    assert "My phone" in ada.text
    assert "10 left" in ada.text
    assert not any(code in ada.answer.text for code in codes)
    assert event_kinds(ada.app).count("account:mfa:changed") == 2


def test_wrong_code_shows_the_same_secret_again(ada: Browser, clock: FrozenClock):
    ada.open("/account/second-factors/app").submit("Show the QR code")
    before = re.search(r'name="secret" value="(\w+)"', ada.answer.text)

    ada.submit("Confirm", code="000000")

    assert ada.answer.status_code == 422
    assert before is not None
    assert before[0] in ada.answer.text
    ada.submit("Confirm", code=App(before[1], clock).code())
    assert "Keep these codes" in ada.text


@pytest.mark.parametrize("secret", ["", "A", "abc!", "11111111", "é" * 32, "\U0001f600" * 250, "A" * 33])
def test_code_for_what_is_no_secret_of_ours_is_refused_and_leads_to_another(app_for: AppFor, secret: str):
    ada = sign_up(Browser(app_for()))
    kinds = event_kinds(ada.app)

    ada.send("/account/second-factors/app/code", {"secret": secret, "code": "123456"})

    assert (ada.first.status_code, ada.path) == (303, "/account/second-factors/app")
    assert "Show the QR code" in ada.buttons
    refused = ["account:mfa:refused"] if secret else []
    assert event_kinds(ada.app) == kinds + refused
    assert not any(row.auth_methods == ["pwd", "otp"] for row in all_sessions(ada.app))


def test_sign_in_asks_for_the_code_and_lets_nothing_else_be_done(ada: Browser, app_of_ada: App):
    phone = sign_in(Browser(ada.app))

    assert phone.path.startswith("/account/second-factor")
    for path in ("", "sessions", "password", "activity", "second-factors", "confirm", "organizations"):
        assert phone.open(f"/account/{path}").path.startswith("/account/second-factor")

    phone.submit("Continue", code=app_of_ada.code())
    assert phone.path == "/account/organizations"


def test_wrong_code_leaves_the_session_pending(ada: Browser, app_of_ada: App):
    phone = sign_in(Browser(ada.app)).submit("Continue", code="000000")

    assert phone.answer.status_code == 422
    assert [row.mfa_pending for row in all_sessions(ada.app)].count(True) == 1
    assert event_kinds(ada.app)[-1] == "account:mfa:refused"


def test_wrong_code_in_a_tab_whose_sign_in_is_finished_by_now_leads_on(ada: Browser, app_of_ada: App):
    phone = sign_in(Browser(ada.app))
    in_other_tab = phone.answer
    phone.submit("Continue", code=app_of_ada.code())

    phone.answer = in_other_tab
    phone.submit("Continue", code="000000")

    assert phone.first.status_code == 303
    assert (phone.path, phone.answer.status_code) == ("/account/", 200)
    assert [row.mfa_pending for row in all_sessions(ada.app)] == [False, False]
    assert event_kinds(ada.app)[-1] == "account:mfa:refused"


def test_recovery_code_signs_in_once(ada: Browser, app_of_ada: App):
    code = re.findall(r"<code>(\S+)</code>", ada.answer.text)[0]

    first = sign_in(Browser(ada.app)).follow("Use a recovery code").submit("Continue", code=code)
    second = sign_in(Browser(ada.app)).follow("Use a recovery code").submit("Continue", code=code)

    assert first.path == "/account/"
    assert second.answer.status_code == 422
    assert "was used before" in second.text


def test_trusted_device_is_not_asked_again_until_it_is_forgotten(ada: Browser, app_of_ada: App):
    phone = sign_in(Browser(ada.app)).submit("Continue", code=app_of_ada.code(), trust="on")
    phone.submit("Sign out")
    assert sign_in(phone).path == "/account/"
    phone.open("/account/trusted-devices")
    assert "Firefox on Linux" in phone.text

    phone.submit("Forget: Firefox on Linux")
    assert "None." in phone.text

    phone.submit("Sign out")
    assert sign_in(phone).path.startswith("/account/second-factor")


def test_mailed_code_can_be_the_second_factor(ada: Browser, clock: FrozenClock, outbox: MemorySender):
    ada.follow("Verify").submit("Send a code").submit("Verify", code=code_in(outbox))
    ada.open("/account/second-factors").submit("Switch the second factor on")
    assert "The second factor is switched on." in ada.text

    phone = sign_in(Browser(ada.app)).submit("Send a code")
    phone.submit("Continue", code=code_in(outbox))

    assert phone.path == "/account/"


def test_old_proof_is_asked_for_anew_and_leads_back(ada: Browser, app_of_ada: App, clock: FrozenClock):
    clock.advance(timedelta(minutes=16))

    ada.open("/account/second-factors").submit("Switch the second factor off")
    assert ada.path == "/account/confirm?next=/account/second-factors"
    ada.submit("Continue", secret=app_of_ada.code())
    assert ada.path == "/account/second-factors"
    ada.submit("Switch the second factor off")

    assert "The second factor is switched off." in ada.text


def test_password_confirms_for_people_without_a_second_factor(ada: Browser, clock: FrozenClock):
    clock.advance(timedelta(minutes=16))

    ada.open("/account/second-factors/app").submit("Show the QR code")
    assert ada.path.startswith("/account/confirm")
    ada.submit("Continue", secret="wrong")
    assert ada.answer.status_code == 422
    ada.submit("Continue", secret=PASSWORD)
    ada.submit("Show the QR code")

    assert "Scan this with the app" in ada.text


def test_factor_that_is_asked_for_confirms_though_it_was_never_switched_on(
    ada: Browser, outbox: MemorySender
):
    ada.follow("Verify").submit("Send a code").submit("Verify", code=code_in(outbox))
    change_user(ada.app, attributes={"mfa_required": True})

    ada.open("/account/second-factors/app").submit("Show the QR code")
    assert ada.path.startswith("/account/confirm")
    assert "Password" not in ada.text
    assert "recovery" not in ada.text
    ada.submit("Send a code").submit("Continue", secret=code_in(outbox))
    ada.submit("Show the QR code")

    assert "Scan this with the app" in ada.text


def test_address_joins_the_factors_of_a_guarded_account_after_confirming(
    ada: Browser, app_of_ada: App, clock: FrozenClock, outbox: MemorySender
):
    clock.advance(timedelta(minutes=16))

    ada.open("/account/verify-email").submit("Send a code")
    assert ada.path == "/account/confirm?next=/account/verify-email"
    ada.submit("Continue", secret=app_of_ada.code())
    ada.submit("Send a code").submit("Verify", code=code_in(outbox))

    assert "Your e-mail address is verified." in ada.text
    assert "account:mfa:changed" in event_kinds(ada.app)
    assert "second factor of your account" in outbox.messages[-1].text


def test_password_that_is_due_comes_before_another_app(ada: Browser):
    change_user(ada.app, must_change_password=True)
    ada.open("/account/second-factors/app")
    assert ada.path.startswith("/account/password")
    assert "Choose another password" in ada.text


def test_person_who_must_have_a_factor_sets_one_up_before_anything_else(app_for, clock: FrozenClock):
    browser = Browser(app_for(mfa_required="true"))
    browser.open("/account/sign-up").submit("Create account", email="ada@example.test", password=PASSWORD)
    assert browser.path == "/account/second-factors/app"

    app = enrol(browser, clock)
    browser.submit("Continue", code=app.code())

    assert browser.path == "/account/"
    assert [row.mfa_pending for row in all_sessions(browser.app)] == [False]


def test_person_who_sets_a_factor_up_on_the_way_arrives_there(app_for, clock: FrozenClock):
    browser = Browser(app_for(mfa_required="true")).open("/account/activity").follow("Create an account")
    browser.submit("Create account", email="ada@example.test", password=PASSWORD)

    browser.submit("Show the QR code").submit("Confirm", code="000000")
    app = App(re.findall(r'name="secret" value="(\w+)"', browser.answer.text)[0], clock)
    browser.submit("Confirm", code=app.code()).submit("Continue", code=app.code())

    assert browser.path == "/account/activity"


def test_form_on_a_page_that_shows_a_refusal_leads_back_to_a_page(app_for, clock: FrozenClock):
    browser = Browser(app_for(mfa_required="true"))
    browser.open("/account/sign-up").submit("Create account", email="ada@example.test", password=PASSWORD)
    app = enrol(browser, clock)
    browser.submit("Continue", code=app.code())
    browser.send("/account/second-factors/off", {})
    assert (browser.answer.status_code, browser.path) == (403, "/account/second-factors/off")
    clock.advance(timedelta(minutes=16))

    browser.submit("Make new recovery codes")
    assert browser.path == "/account/confirm?next=/account/second-factors"
    browser.submit("Continue", secret=app.code())

    assert (browser.answer.status_code, browser.path) == (200, "/account/second-factors")


def test_app_is_removed_and_the_factor_with_it(ada: Browser, app_of_ada: App):
    ada.open("/account/second-factors")
    (remove,) = [button for button in ada.buttons if button.startswith("Remove")]

    ada.submit(remove)

    assert "None yet." in ada.text
    assert sign_in(Browser(ada.app)).path == "/account/"


def test_unknown_factor_is_refused(ada: Browser, app_of_ada: App):
    phone = sign_in(Browser(ada.app))

    phone.submit("Continue", method="carrier-pigeon", code="123456")

    assert phone.answer.status_code == 403
    assert [row.mfa_pending for row in all_sessions(ada.app)].count(True) == 1
