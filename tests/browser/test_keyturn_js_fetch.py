"""`keyturn.fetch` does as the global one with what it is given, also while it waits for a refresh."""

import pytest

from tests.browser.complaints import Complaints
from tests.browser.driver import Route
from tests.browser.tab import Application, Person, Tab, lasting

ME = "**/auth/me"
REFRESH = "**/auth/refresh-token"
BEGIN = """() => {
  globalThis.controller = new AbortController();
  const abortable = keyturn.fetch('/auth/me', { signal: controller.signal });
  globalThis.aborted = abortable.then(() => null, (error) => error.name);
  globalThis.other = keyturn.fetch('/auth/me').then(({ status }) => status, (error) => error.status);
}"""


@lasting
@pytest.mark.parametrize(
    ("init", "referrer"),
    [("{ referrerPolicy: 'no-referrer' }", None), ("{ referrer: '/elsewhere' }", "/elsewhere")],
)
def test_call_goes_out_with_the_referrer_that_it_names(
    tab: Tab, person: Person, init: str, referrer: str | None
) -> None:
    with tab.page.expect_request(ME) as asked:
        assert tab.fetch("/auth/me", init) == 200
    assert asked.value.all_headers().get("referer") == (referrer and tab.site.url + referrer)


@pytest.fixture
def held(application: Application, tab: Tab, person: Person) -> Route:
    """Return the refresh that two calls wait for, one of which may be aborted."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    application.context.route(REFRESH, hold, times=1)
    tab.wait_until_expired()
    with tab.page.expect_request(REFRESH):
        tab.page.evaluate(BEGIN)
    while not held:
        tab.page.wait_for_timeout(10)
    return held[0]


def test_call_that_is_aborted_waits_for_no_refresh_and_leaves_it_to_the_others(
    application: Application, tab: Tab, held: Route
) -> None:
    assert tab.run("(controller.abort(), aborted)", 5_000) == "AbortError"
    held.continue_()
    assert tab.run("other") == 200
    assert application.refreshes == 1


def test_refresh_that_fails_after_the_call_was_aborted_troubles_nobody(
    tab: Tab, held: Route, complaints: Complaints
) -> None:
    """Errors that no script caught would be complaints."""
    complaints.expect("status of 429")
    tab.run("(controller.abort(), aborted)", 5_000)
    held.fulfill(status=429, headers={"Retry-After": "60"}, body="{}")
    assert tab.run("other") == 429


def test_call_that_was_aborted_before_asks_for_nothing(
    application: Application, tab: Tab, person: Person
) -> None:
    tab.wait_until_expired()
    name = tab.run("keyturn.fetch('/auth/me', { signal: AbortSignal.abort() }).catch(({ name }) => name)")
    assert name == "AbortError"
    assert (application.refreshes, application.count("/auth/me")) == (0, 0)
