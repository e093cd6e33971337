"""A forgotten password: a code comes by mail and is typed with the new password."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from flask import Flask

from app.delivery import MemorySender
from app.primitives.clock import FrozenClock
from tests.conftest import AppFor, runtime_of
from tests.pages.browser import Browser
from tests.pages.conftest import PASSWORD, sign_in, sign_up
from tests.rows import all_sessions, change_user, event_kinds

NEW = "a wholly different horse battery"
ADA = "ada@example.test"


def code_in(outbox: MemorySender) -> str:
    found = re.search(r"^\s*(\d{6})\s*$", outbox.messages[-1].text, re.MULTILINE)
    assert found
    return found[1]


def ask_for_code(browser: Browser, email: str = ADA) -> Browser:
    return browser.open("/account/forgotten-password").submit("Send the code", email=email)


def test_code_from_the_mail_lets_one_choose_another_password(ada: Browser, outbox: MemorySender):
    other = Browser(ada.app)

    ask_for_code(other).submit("Change password", code=code_in(outbox), new_password=NEW)

    assert "Sign in with the new one" in other.text
    assert {row.revoked_reason for row in all_sessions(ada.app)} == {"password_changed"}
    assert sign_in(other, password=NEW).path == "/account/"
    assert ada.open("/account/").path.startswith("/account/sign-in")


def test_resetting_somebody_elses_password_leaves_ones_own_session_alone(ada: Browser, outbox: MemorySender):
    eve = sign_up(Browser(ada.app), email="eve@example.test", name="Eve")
    cookies = ada.cookie("accessToken"), ada.cookie("refreshToken")

    ask_for_code(ada, "eve@example.test").submit("Change password", code=code_in(outbox), new_password=NEW)

    assert ada.path == "/account/?done=other-password-changed"
    assert "Here you are still signed in" in ada.text
    assert (ada.cookie("accessToken"), ada.cookie("refreshToken")) == cookies
    reasons = {row.user_id: row.revoked_reason for row in all_sessions(ada.app)}
    assert reasons == {1: None, 2: "password_changed"}
    assert eve.open("/account/").path.startswith("/account/sign-in")


def test_resetting_ones_own_password_signs_this_browser_out(ada: Browser, outbox: MemorySender):
    ask_for_code(ada).submit("Change password", code=code_in(outbox), new_password=NEW)

    assert "Sign in with the new one" in ada.text
    assert ada.first.headers["Clear-Site-Data"] == '"cache"'
    assert ada.cookie("accessToken") is ada.cookie("refreshToken") is None
    assert event_kinds(ada.app)[-2:] == ["account:password:changed", "session:all:ended"]


def test_password_that_is_due_is_not_reset_to_itself(ada: Browser, outbox: MemorySender):
    other = Browser(ada.app)
    change_user(ada.app, must_change_password=True)
    ask_for_code(other).submit("Change password", code=code_in(outbox), new_password=PASSWORD)

    assert (other.answer.status_code, event_kinds(ada.app)[-1]) == (422, "account:code:sent")
    assert "The new password must be another one than the current." in other.text
    assert other.submit("Change password", new_password=NEW).path.startswith("/account/sign-in")
    assert sign_in(other, password=NEW).path == "/account/"


def test_unknown_address_is_answered_alike(ada: Browser, outbox: MemorySender):
    known = ask_for_code(Browser(ada.app)).answer.text
    sent = len(outbox.messages)
    unknown = ask_for_code(Browser(ada.app), "nobody@example.test").answer.text

    assert unmasked(known, ADA) == unmasked(unknown, "nobody@example.test")
    assert len(outbox.messages) == sent


def test_wrong_code_changes_nothing(ada: Browser, outbox: MemorySender):
    other = ask_for_code(Browser(ada.app))
    wrong = f"{(int(code_in(outbox)) + 1) % 1_000_000:06}"

    other.submit("Change password", code=wrong, new_password=NEW)

    assert other.answer.status_code == 422
    assert "code or link is not valid" in other.text
    assert [row.revoked_at for row in all_sessions(ada.app)] == [None]
    assert event_kinds(ada.app)[-1] == "account:code:refused"


def test_password_that_is_refused_does_not_cost_the_code(ada: Browser, outbox: MemorySender):
    other = ask_for_code(Browser(ada.app))
    other.submit("Change password", code=code_in(outbox), new_password="password")
    assert other.answer.status_code == 422

    other.submit("Change password", new_password=NEW)

    assert "Sign in with the new one" in other.text


def test_too_many_tries_do_not_cost_the_code_either(app_for: AppFor, outbox: MemorySender):
    app = app_for(rate_limit_login="1 per minute")
    sign_up(Browser(app))
    other = ask_for_code(Browser(app))
    other.submit("Change password", code=code_in(outbox), new_password="password")

    other.submit("Change password", new_password=NEW)

    assert other.answer.status_code == 429
    assert token_in(other)
    assert 'name="code"' not in other.answer.text


def test_service_that_is_busy_after_the_code_was_taken_does_not_cost_it(
    app_for: AppFor, outbox: MemorySender
):
    app = app_for(password_hash_concurrency="1")
    sign_up(Browser(app))
    other = ask_for_code(Browser(app))

    with busy(app):
        other.submit("Change password", code=code_in(outbox), new_password=NEW)
    assert other.answer.status_code == 503
    other.submit("Change password", new_password=NEW)

    assert "Sign in with the new one" in other.text


def test_token_that_is_not_good_any_more_is_asked_for_as_a_code_again(
    ada: Browser, outbox: MemorySender, clock: FrozenClock
):
    other = ask_for_code(Browser(ada.app))
    other.submit("Change password", code=code_in(outbox), new_password="password")
    clock.advance(timedelta(days=1))

    other.submit("Change password", new_password=NEW)

    assert other.answer.status_code == 422
    assert token_in(other) is None
    assert 'name="code"' in other.answer.text


def test_expired_code_is_refused(ada: Browser, outbox: MemorySender, clock: FrozenClock):
    other = ask_for_code(Browser(ada.app))
    clock.advance(ada.app.extensions["keyturn"].settings.codes.lifetime)

    other.submit("Change password", code=code_in(outbox), new_password=NEW)

    assert other.answer.status_code == 422
    assert [row.revoked_at for row in all_sessions(ada.app)] == [None]


def test_form_without_a_code_asks_for_one(browser: Browser):
    sign_up(browser).submit("Sign out").open("/account/reset-password")

    browser.submit("Change password", email=ADA, new_password=NEW)

    assert browser.answer.status_code == 422


@contextmanager
def busy(app: Flask) -> Iterator[None]:
    """Take both places of a service that hashes one password at a time."""
    passwords = runtime_of(app).engine.accounts._passwords  # noqa: SLF001 - nobody else may take them
    with passwords.admission(), passwords.admission():
        yield


def token_in(browser: Browser) -> str | None:
    found = re.search(r'name="token" value="([^"]+)"', browser.answer.text)
    return found and found[1]


def unmasked(page: str, email: str) -> str:
    return re.sub(r'name="csrf_token" value="[^"]*"', "", page.replace(email, "…"))
