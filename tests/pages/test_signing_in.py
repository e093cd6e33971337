"""Signing up, in and out without JavaScript."""

import re

import pytest
from flask import Flask

from app.delivery import MemorySender
from tests.pages.browser import ORIGIN, Browser
from tests.pages.conftest import PASSWORD, sign_in, sign_up
from tests.rows import all_sessions, change_user, event_kinds


def test_sign_up_opens_a_session_and_leads_to_the_account(browser: Browser):
    sign_up(browser)

    assert browser.path == "/account/"
    assert "Ada" in browser.text
    assert browser.cookie("accessToken")
    assert browser.cookie("refreshToken")


def test_sign_in_leads_to_where_the_person_was_going(ada: Browser):
    ada.submit("Sign out").open("/account/sessions")
    assert ada.path.startswith("/account/sign-in?next=")

    ada.submit("Sign in", email="ada@example.test", password=PASSWORD)

    assert ada.path == "/account/sessions"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "account",
    ],
)
def test_sign_in_leads_to_no_other_host(ada: Browser, elsewhere: str):
    ada.submit("Sign out").open("/account/sign-in")
    ada.submit("Sign in", email="ada@example.test", password=PASSWORD, next=elsewhere)

    assert ada.path == "/account/"


def test_wrong_password_says_no_more_than_an_unknown_address(ada: Browser):
    ada.submit("Sign out")

    wrong = sign_in(ada, password="not the password").answer
    said_of_wrong = ada.text.replace("ada@example.test", "")
    unknown = sign_in(ada, email="eve@example.test").answer

    assert wrong.status_code == unknown.status_code == 422
    assert ada.text.replace("eve@example.test", "") == said_of_wrong
    assert "do not match an account" in ada.text
    assert event_kinds(ada.app)[-2:] == ["session:login:failed", "session:login:failed"]


def test_typed_address_is_kept_and_the_password_is_not(browser: Browser):
    sign_in(browser, email='ada@example.test"><b>', password="s3cret-that-was-typed")

    assert "s3cret-that-was-typed" not in browser.answer.text
    assert "ada@example.test&#34;&gt;&lt;b&gt;" in browser.answer.text


def test_refused_field_is_marked(browser: Browser):
    browser.open("/account/sign-up").submit("Create account", email="nothing", password=PASSWORD)

    assert browser.answer.status_code == 422
    assert 'aria-invalid="true"' in browser.answer.text
    assert all_sessions(browser.app) == []


def test_weak_password_is_refused_with_the_reason(browser: Browser):
    browser.open("/account/sign-up").submit("Create account", email="a@example.test", password="password")

    assert browser.answer.status_code == 422
    assert "password" in browser.text.lower()
    assert all_sessions(browser.app) == []


def test_sign_out_ends_the_session_and_clears_the_cookies(ada: Browser):
    ada.submit("Sign out")

    assert "You are signed out." in ada.text
    assert ada.cookie("accessToken") is ada.cookie("refreshToken") is None
    assert ada.first.headers["Clear-Site-Data"] == '"cache"'
    assert [row.revoked_reason for row in all_sessions(ada.app)] == ["logout"]
    assert ada.open("/account/").path.startswith("/account/sign-in")


def test_sign_out_with_an_expired_access_token_ends_the_session_too(ada: Browser):
    ada.forget("accessToken")

    ada.submit("Sign out")

    assert [row.revoked_reason for row in all_sessions(ada.app)] == ["logout"]
    assert ada.cookie("refreshToken") is None


def test_signing_in_again_ends_the_browsers_former_session(ada: Browser):
    other = Browser(ada.app)
    sign_up(other, email="eve@example.test", name="Eve")

    ada.client.delete_cookie("accessToken", domain="keyturn.example")
    ada.open("/account/sign-in")
    assert ada.path == "/account/"

    ada.send("/account/sign-in", {"email": "eve@example.test", "password": PASSWORD, **_csrf(ada)})

    assert "Eve" in ada.text
    reasons = [row.revoked_reason for row in all_sessions(ada.app)]
    assert sorted(map(str, reasons)) == ["None", "None", "replaced"]


def test_browser_that_is_not_to_be_remembered_gets_cookies_that_end_with_it(ada: Browser):
    ada.submit("Sign out").open("/account/sign-in")
    fields = {"email": "ada@example.test", "password": PASSWORD, **_csrf(ada)}
    ada.send("/account/sign-in", fields)

    refresh = next(c for c in ada.first.headers.getlist("Set-Cookie") if c.startswith("refreshToken="))
    assert "Max-Age" not in refresh
    assert "Expires" not in refresh


def test_person_who_must_change_the_password_can_do_nothing_else(ada: Browser):
    change_user(ada.app, must_change_password=True)

    assert ada.open("/account/sessions").path.startswith("/account/password")
    ada.submit("Change password", current_password="wrong", new_password="another horse battery staple")
    ada.submit("Change password", current_password=PASSWORD, new_password="another horse battery staple")

    assert "Sign in with the new one" in ada.text
    ada.submit("Sign in", email="ada@example.test", password="another horse battery staple")
    assert ada.path == "/account/sessions"


def test_suspended_person_is_out_at_the_next_click(ada: Browser):
    change_user(ada.app, status="suspended")

    assert ada.open("/account/").path.startswith("/account/sign-in")
    assert ada.cookie("refreshToken") is None


def test_pages_can_be_elsewhere_or_nowhere(app_for):
    elsewhere, nowhere = app_for(pages="/me"), app_for(pages="off")

    assert Browser(elsewhere).open("/me/sign-in").answer.status_code == 200
    assert Browser(nowhere).open("/account/sign-in").answer.status_code == 404


def test_no_pages_without_a_contract_that_carries_them(app_for):
    app: Flask = app_for(contracts="entryguard")

    assert Browser(app).open("/account/sign-in").answer.status_code == 404


def _csrf(browser: Browser) -> dict[str, str]:
    value = browser.cookie("nest_auth_csrf")
    return {"csrf_token": value} if value else {}


def invitation_for_eve(ada: Browser, outbox: MemorySender) -> str:
    change_user(ada.app, attributes={"permissions": ["users.invite"]})
    ada.client.post(
        "/auth/invite",
        json={"email": "eve@example.test"},
        base_url=ORIGIN,
        headers={"Authorization": f"Bearer {ada.cookie('accessToken')}"},
    )
    (link,) = re.findall(r"https://keyturn\.example(\S+)", outbox.messages[-1].text)
    return link


def test_invited_person_chooses_a_password_and_is_signed_in(ada: Browser, outbox: MemorySender):
    link = invitation_for_eve(ada, outbox)
    eve = Browser(ada.app)

    eve.open(link).submit("Accept", password="password")
    assert eve.answer.status_code == 422
    eve.submit("Accept", password=PASSWORD)

    assert "eve@example.test verified" in eve.text
    again = Browser(ada.app).open(link).submit("Accept", password=PASSWORD)
    assert again.answer.status_code == 422
    assert len(all_sessions(ada.app)) == 2
