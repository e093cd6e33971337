"""Where the browser stores nothing, or has no room left, people sign in all the same."""

import pytest

from tests.browser.tab import Application, Person, Tab

BLOCKED = "() => { throw new DOMException('Access is denied for this document.', 'SecurityError') }"
FILL = """(() => {
  for (let size = 2 ** 23; size >= 1; size /= 2)
    try { localStorage[`filler${size}`] = "x".repeat(size); } catch { /* Half of it may fit. */ }
})()"""
OURS = "Object.keys(localStorage).filter((name) => name.startsWith('keyturn')).length"


@pytest.mark.parametrize("found", [BLOCKED, "() => null"], ids=["blocked", "switched off"])
def test_page_without_storage_keeps_its_session(application: Application, found: str) -> None:
    application.context.add_init_script(f"Object.defineProperty(window, 'localStorage', {{ get: {found} }})")
    tab = application.tab()
    tab.sign_up()
    assert_session_lives_and_ends(tab)


def test_page_whose_storage_is_full_keeps_its_session(tab: Tab) -> None:
    tab.run(FILL)
    tab.sign_up()
    assert tab.run(OURS) == 0
    assert_session_lives_and_ends(tab)


def test_open_tabs_agree_although_the_storage_is_full(application: Application, tab: Tab) -> None:
    other = application.tab()
    tab.run(FILL)
    person = tab.sign_up()
    other.await_event("signedin")
    for each in (tab, other, tab):
        each.wait_until_expired()
        assert each.fetch() == 200
    assert other.open().run("keyturn.check()") is (application.mode == "cookie")
    tab.run("keyturn.logout()")
    other.run(f"keyturn.login({person.credentials})")
    tab.page.wait_for_function("keyturn.signedIn")
    assert tab.fetch() == 200


def test_storage_that_is_full_by_now_leaves_the_person_signed_in(
    application: Application, tab: Tab, person: Person
) -> None:
    tab.run(FILL)
    tab.wait_until_expired()
    assert tab.fetch() == 200
    assert application.tab().run("keyturn.check()") is True


def assert_session_lives_and_ends(tab: Tab) -> None:
    session_id = tab.session_id()
    tab.wait_until_expired()
    before = tab.row(session_id).generation
    assert tab.fetch() == 200
    assert tab.row(session_id).generation == before + 1
    tab.run("keyturn.logout()")
    assert tab.row(session_id).is_revoked
    assert tab.heard("signedout") == [["signedout", "logout"]]
    assert tab.signed_in() is False
