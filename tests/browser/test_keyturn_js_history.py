"""A page that comes back from the back/forward cache, or to life, does not believe what it knew."""

from tests.browser.conftest import NewContext
from tests.browser.tab import Application, Person, Tab, lasting


def test_page_from_the_back_forward_cache_asks_again(
    application: Application, tab: Tab, person: Person, new_context: NewContext
) -> None:
    elsewhere = Application(new_context(), application.site, application.mode).tab()
    elsewhere.run(f"keyturn.login({person.credentials})")
    tab.run("globalThis.isTheSame = true")
    tab.page.goto(f"{application.site.url}/docs")
    # A message from another tab would throw the page out of the cache; another browser sends none.
    elsewhere.run("keyturn.endOtherSessions()")
    tab.page.go_back(wait_until="commit")
    assert tab.run("globalThis.isTheSame") is True
    tab.await_event("signedout")
    assert tab.signed_in() is False


@lasting
def test_page_that_is_shown_again_asks_the_service(
    application: Application, tab: Tab, person: Person
) -> None:
    before = application.count("/auth/user")
    tab.run("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: false }))")
    with tab.page.expect_request("**/auth/user"):
        tab.run("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    tab.page.wait_for_timeout(300)
    assert application.count("/auth/user") == before + 1
    assert tab.signed_in() is True


def test_storage_that_was_emptied_is_noticed(application: Application, tab: Tab, person: Person) -> None:
    tab.run("localStorage.clear()")
    assert tab.fetch() == (401 if application.mode == "header" else 200)
    assert tab.signed_in() is (application.mode == "cookie")
