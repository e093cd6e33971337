"""Whoever has signed out, or was signed out elsewhere, leaves nothing behind that is private."""

import pytest

from tests.browser.conftest import NewContext, SiteFor
from tests.browser.driver import Page
from tests.browser.test_pages_refresh import FLEETING
from tests.browser.visitor import ANDROID, FIREFOX, Visitor

_STORED = "() => ({local: localStorage.length, tab: sessionStorage.length, cookies: document.cookie})"


def test_back_button_shows_nothing_of_a_session_that_was_left(site_for: SiteFor, page: Page) -> None:
    visitor = Visitor(page, site_for(), "back@example.test")
    visitor.sign_up()
    visitor.keyboard.press("Sessions")
    visitor.keyboard.press("Activity")
    visitor.keyboard.press("Sign out")
    # A page that comes out of the back/forward cache commits and never loads.
    for go in [page.go_back] * 3 + [page.go_forward] * 2:
        go(wait_until="commit")
        visitor.is_at("Sign in", visitor.note)
        assert visitor.email not in page.content()


def test_session_that_is_ended_on_another_device_is_over_at_the_next_click(
    site_for: SiteFor, new_context: NewContext
) -> None:
    site = site_for()
    desktop = Visitor(new_context(user_agent=FIREFOX).new_page(), site, "devices@example.test")
    desktop.sign_up()
    phone = Visitor(new_context(user_agent=ANDROID).new_page(), site, desktop.email)
    phone.sign_in()
    phone.is_at("Ada Lovelace")
    desktop.keyboard.press("Sessions")
    desktop.keyboard.press("End: Chrome Mobile on Android")
    phone.keyboard.press("Sessions")
    phone.is_at("Sign in")
    assert phone.page.context.cookies() == []
    desktop.keyboard.press("Account")
    desktop.is_at("Ada Lovelace")


def test_other_tab_is_signed_out_at_its_next_click(site_for: SiteFor, page: Page) -> None:
    visitor = Visitor(page, site_for(), "tab@example.test")
    visitor.sign_up()
    other = Visitor(page.context.new_page(), visitor.site, visitor.email)
    other.open("/account/sessions")
    visitor.keyboard.press("Sign out")
    other.keyboard.press("Account")
    other.is_at("Sign in")


@pytest.mark.parametrize("settings", [{}, FLEETING], ids=["origin", "double-submit"])
def test_scripts_see_no_token(site_for: SiteFor, page: Page, settings: dict[str, object]) -> None:
    visitor = Visitor(page, site_for(**settings), "scripts@example.test")
    visitor.sign_up()
    seen = page.evaluate(_STORED)
    tokens = {cookie["name"]: cookie for cookie in page.context.cookies() if "Token" in cookie["name"]}
    assert sorted(tokens) == ["accessToken", "refreshToken"]
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Lax" for cookie in tokens.values())
    assert (seen["local"], seen["tab"]) == (0, 0)
    assert seen["cookies"].startswith("nest_auth_csrf=" if settings else "")
    assert not [
        name for name, cookie in tokens.items() if cookie["value"] in seen["cookies"] + page.content()
    ]
