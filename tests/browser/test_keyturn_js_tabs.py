"""Tabs that need a refresh at the same time share one, and nobody is signed out, slow network or not."""

import os
from collections.abc import Callable

import pytest

from tests.browser.conftest import ApplicationFor
from tests.browser.tab import Application, Tab

SECONDS = 60 if os.environ.get("KEYTURN_TEST_FAULTS") else 10
LATENCY_MS = 150
# Each tab calls as an application does that shows something new now and then.
WORK = """(async () => {
  const seen = {};
  for (const end = Date.now() + 1000 * %d; Date.now() < end; ) {
    const { status } = await keyturn.fetch("/auth/me");
    seen[status] = (seen[status] ?? 0) + 1;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return seen;
})()"""


@pytest.mark.parametrize("count", [2, 5])
def test_tabs_with_short_tokens_on_a_slow_network_stay_signed_in(
    application_for: ApplicationFor, figure: Callable[[str], None], mode: str, count: int
) -> None:
    application = application_for(access_token_seconds=1)
    tabs = signed_in_tabs(application, count)
    session_id = tabs[0].session_id()
    before = application.refreshes
    calls = work_in(tabs, SECONDS)
    refreshes = application.refreshes - before
    generation = tabs[0].row(session_id).generation
    figure(
        f"keyturn.js, {mode} mode, {count} tabs, {SECONDS} s, access tokens of 1 s, {LATENCY_MS} ms latency: "
        f"{sum(calls.values())} calls, {refreshes} refreshes, {generation - 1} rotations, nobody signed out"
    )
    assert_all_signed_in(tabs, session_id)
    # By header half of a life is left to refresh in; without sharing each tab would do that by itself.
    periods = SECONDS * (2 if mode == "header" else 1)
    assert refreshes <= 1.5 * periods
    assert generation - 1 <= refreshes + before
    assert calls.get("200", 0) > 5 * calls.get("401", 0)


def test_tabs_get_along_without_a_grace_period(
    application_for: ApplicationFor,
) -> None:
    """Each refresh token is good once here, so the tabs can only live by taking turns."""
    tabs = signed_in_tabs(application_for(access_token_seconds=1, refresh_grace_seconds=0), 3)
    session_id = tabs[0].session_id()
    work_in(tabs, 6)
    assert_all_signed_in(tabs, session_id)


def test_tabs_get_along_without_web_locks(application_for: ApplicationFor) -> None:
    application = application_for(access_token_seconds=1)
    application.context.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })"
    )
    tabs = signed_in_tabs(application, 3)
    session_id = tabs[0].session_id()
    work_in(tabs, 6)
    assert_all_signed_in(tabs, session_id)


@pytest.mark.parametrize("mode", ["header"])
def test_older_refresh_token_that_comes_back_signs_every_tab_out(
    application_for: ApplicationFor,
) -> None:
    application = application_for(access_token_seconds=1, refresh_grace_seconds=0)
    tabs = signed_in_tabs(application, 2)
    stolen = tabs[0].run("Object.values(localStorage)[0]")
    session_id = tabs[0].session_id()
    work_in(tabs[:1], 2)
    answer = tabs[0].page.request.post(
        f"{application.site.url}/auth/refresh-token", data={"refreshToken": stolen}
    )
    assert answer.json()["code"] == "REFRESH_TOKEN_INVALID"
    assert tabs[0].row(session_id).is_revoked
    assert tabs[0].fetch() == 401
    tabs[1].await_event("signedout")
    assert tabs[1].heard("signedout") == tabs[0].heard("signedout") == [["signedout", "SESSION_NOT_FOUND"]]


def signed_in_tabs(application: Application, count: int) -> list[Tab]:
    tabs = [application.tab() for _ in range(count)]
    tabs[0].sign_up()
    for tab in tabs:
        assert tab.run("keyturn.check()") is True
        network = application.context.new_cdp_session(tab.page)
        network.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": LATENCY_MS, "downloadThroughput": -1, "uploadThroughput": -1},
        )
    return tabs


def work_in(tabs: list[Tab], seconds: int) -> dict[str, int]:
    """Work in all tabs at once and return how many calls had which status."""
    for tab in tabs:
        tab.page.evaluate(f"() => {{ globalThis.work = {WORK % seconds} }}")
    calls: dict[str, int] = {}
    for tab in tabs:
        for status, count in tab.run("globalThis.work", 1000 * seconds + 15_000).items():
            calls[status] = calls.get(status, 0) + count
    return calls


def assert_all_signed_in(tabs: list[Tab], session_id: str) -> None:
    for tab in tabs:
        assert tab.heard("signedout") == []
        assert tab.run("keyturn.check()") is True
    assert not tabs[0].row(session_id).is_revoked
