"""Access tokens run out under pages and tabs, and nobody notices."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import pytest

from tests.browser.conftest import NewContext, SiteFor
from tests.browser.driver import BrowserContext, Page
from tests.browser.service import Site
from tests.browser.visitor import Visitor

# Access tokens live for a second, and forms need a value of ours.
FLEETING = {"access_token_seconds": 1, "csrf_double_submit": "true"}
# The end of a token is a whole second, so it lives for up to one more.
_RUN_OUT_SECONDS = 2.1
_TABS_SECONDS = 60.0 if os.environ.get("KEYTURN_TEST_FAULTS") else 7.0
_SLOW_NETWORK = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 50_000,
    "uploadThroughput": 20_000,
}


@pytest.fixture
def site(site_for: SiteFor) -> Site:
    return site_for(**FLEETING)


def test_page_opens_with_an_expired_access_token(site: Site, page: Page) -> None:
    visitor = Visitor(page, site, "expired@example.test")
    visitor.sign_up()
    before, first = _tokens(page.context), visitor.stored.sessions()[0].generation
    time.sleep(_RUN_OUT_SECONDS)
    visitor.open("/account/")
    visitor.is_at("Ada Lovelace")
    after = _tokens(page.context)
    assert all(after[name] != before[name] for name in ("accessToken", "refreshToken"))
    # Signing up leads through two pages, and on a slow machine the second needs a refresh of its own.
    assert [row.generation for row in visitor.stored.sessions()] == [first + 1]


def test_form_that_is_sent_with_an_expired_access_token_is_not_lost(site: Site, page: Page) -> None:
    visitor = Visitor(page, site, "form@example.test")
    visitor.sign_up()
    visitor.keyboard.write("What you are called", "Ada")
    first = visitor.stored.sessions()[0].generation
    time.sleep(_RUN_OUT_SECONDS)
    visitor.keyboard.press("Save name")
    visitor.is_at("Ada", "Your name is changed.")
    assert visitor.stored.person().name == "Ada"
    # One for the form and, where the machine is slow, one for the page that follows.
    assert [row.generation - first for row in visitor.stored.sessions()] in ([1], [2])


def test_form_is_not_lost_when_its_access_cookie_is_gone(site: Site, page: Page) -> None:
    visitor = Visitor(page, site, "gone@example.test")
    visitor.sign_up()
    visitor.keyboard.write("What you are called", "Ada")
    page.context.clear_cookies(name="accessToken")
    visitor.keyboard.press("Save name")
    visitor.is_at("Ada", "Your name is changed.")


@pytest.mark.parametrize("count", [2, 5])
def test_tabs_that_refresh_at_once_on_a_slow_network_stay_signed_in(
    site: Site, new_context: NewContext, figure: Callable[[str], None], count: int
) -> None:
    context = new_context()
    visitor = Visitor(context.new_page(), site, f"tabs-{count}@example.test")
    visitor.sign_up()
    tabs = [visitor.page, *(context.new_page() for _ in range(count - 1))]
    for tab in tabs:
        tab.goto(f"{site.url}/account/sessions")
        network = context.new_cdp_session(tab)
        network.send("Network.enable")
        network.send("Network.emulateNetworkConditions", _SLOW_NETWORK)
    rounds, end = 0, time.monotonic() + _TABS_SECONDS
    while time.monotonic() < end:
        time.sleep(_RUN_OUT_SECONDS - 1)
        _reload_at_once(tabs)
        assert {tab.locator("h1").inner_text() for tab in tabs} == {"Where you are signed in"}
        rounds += 1
    (session,) = visitor.stored.sessions()
    assert session.revoked_at is None
    assert session.generation > rounds // 2
    assert not [kind for kind in visitor.stored.events() if kind.endswith(":reused")]
    figure(
        f"pages in {count} tabs: {rounds * count} reloads, {session.generation - 1} refreshes, one session"
    )


def _reload_at_once(tabs: Sequence[Page]) -> None:
    with ExitStack() as stack:
        for tab in tabs:
            stack.enter_context(tab.expect_navigation())
        for tab in tabs:
            tab.evaluate("() => { setTimeout(() => location.reload()) }")


def _tokens(context: BrowserContext) -> dict[str, str]:
    return {cookie["name"]: cookie["value"] for cookie in context.cookies()}
