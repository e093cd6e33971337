"""What is wrong with a field is said at the field: marked, described, and the first place to type."""

import re

from app.delivery import MemorySender
from app.primitives.clock import FrozenClock
from tests.pages.browser import Browser
from tests.pages.conftest import PASSWORD, sign_in, sign_up
from tests.pages.test_recovering import ask_for_code
from tests.pages.test_second_factors import enrol
from tests.pages.test_signing_in import invitation_for_eve

OTHER = "a wholly different horse battery"


def only_marked(browser: Browser) -> tuple[str, str]:
    """Return the one field that is marked, which is the one with the focus, and what stands at it."""
    page = browser.answer.text
    assert browser.answer.status_code in {409, 422}
    inputs = re.findall(r"<input [^>]+>", page)
    marked = [tag for tag in inputs if 'aria-invalid="true"' in tag]
    assert marked == [tag for tag in inputs if " autofocus" in tag]
    (tag,) = marked
    found = re.search(r'id="(\w+)"', tag)
    assert found
    described = re.search(r'aria-describedby="([^"]+)"', tag)
    assert described
    assert f"{found[1]}-problem" in described[1].split()
    text = re.search(rf'<p class="problem" id="{found[1]}-problem">([^<]+)</p>', page)
    assert text
    assert "Please check the fields that are marked below." in browser.text
    assert "<title>Error: " in page
    return found[1], text[1]


def test_address_that_is_taken(ada: Browser):
    other = sign_up(Browser(ada.app))

    assert only_marked(other) == (
        "email",
        "There is an account with this e-mail address already. Sign in instead?",
    )


def test_password_that_is_too_weak(browser: Browser):
    browser.open("/account/sign-up").submit("Create account", email="a@example.test", password="password")

    assert only_marked(browser) == ("password", "Password is too common or too easy to guess.")


def test_passwords_of_the_password_form(ada: Browser):
    ada.open("/account/password")

    ada.submit("Change password", current_password="wrong", new_password=OTHER)
    assert only_marked(ada) == ("current_password", "The current password is not right.")
    ada.submit("Change password", current_password=PASSWORD, new_password="password")
    assert only_marked(ada)[0] == "new_password"
    ada.submit("Change password", current_password=PASSWORD, new_password=PASSWORD)
    assert only_marked(ada) == ("new_password", "The new password must be another one than the current.")


def test_codes_and_passwords_of_a_reset(ada: Browser, outbox: MemorySender):
    other = ask_for_code(Browser(ada.app))

    other.submit("Change password", code="000000", new_password=OTHER)
    assert only_marked(other)[0] == "code"
    code = re.search(r"^\s*(\d{6})\s*$", outbox.messages[-1].text, re.MULTILINE)
    assert code
    other.submit("Change password", code=code[1], new_password="password")
    assert only_marked(other)[0] == "new_password"


def test_codes_of_a_second_factor(ada: Browser, clock: FrozenClock):
    ada.open("/account/second-factors/app").submit("Show the QR code").submit("Confirm", code="000000")
    assert only_marked(ada)[0] == "code"
    enrol(ada, clock)

    phone = sign_in(Browser(ada.app)).submit("Continue", code="000000")
    assert only_marked(phone) == (
        "code",
        "That code is not right. Type what the app shows now; each is good once.",
    )
    phone.follow("Use a recovery code").submit("Continue", code="AAAAA-AAAAA")
    assert only_marked(phone)[0] == "code"
    assert only_marked(ada.open("/account/confirm").submit("Continue", secret="000000"))[0] == "secret"


def test_password_that_confirms(ada: Browser):
    ada.open("/account/confirm").submit("Continue", secret="wrong")

    assert only_marked(ada) == ("secret", "The current password is not right.")


def test_password_of_an_invitation_but_not_its_token(ada: Browser, outbox: MemorySender):
    link = invitation_for_eve(ada, outbox)
    eve = Browser(ada.app).open(link).submit("Accept", password="password")
    assert only_marked(eve)[0] == "password"

    eve.open(link).submit("Accept", token="x" * 40, password=PASSWORD)

    assert "aria-invalid" not in eve.answer.text
    assert "That code or link is not valid any more" in eve.text


def test_form_that_cannot_be_read_marks_nothing(ada: Browser):
    ada.open("/account/password").submit("Change password", new_password="\x00")

    assert ada.answer.status_code == 422
    assert "aria-invalid" not in ada.answer.text
    assert "something that cannot be read" in ada.text


def test_refusal_that_is_about_no_field_is_said_where_the_focus_is(ada: Browser):
    page = sign_in(Browser(ada.app), password="wrong").answer.text

    (focused,) = [tag for tag in re.findall(r"<input [^>]+>", page) if " autofocus" in tag]
    assert 'id="password"' in focused
    assert 'aria-describedby="refused"' in focused
    assert re.search(r'id="refused">That e-mail address and password do not match', page)
    assert "<title>Error: Sign in" in page
