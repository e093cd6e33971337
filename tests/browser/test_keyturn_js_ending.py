"""A session that is over is over in every tab, and only what the service said of it ends it."""

from tests.browser.conftest import NewContext
from tests.browser.tab import Application, Person, Tab


def test_logout_in_one_tab_signs_the_other_out(application: Application, tab: Tab, person: Person) -> None:
    other = application.tab()
    assert other.run("keyturn.check()") is True
    session_id = tab.session_id()
    tab.run("keyturn.logout()")
    other.await_event("signedout")
    for each in (tab, other):
        assert each.heard("signedout") == [["signedout", "logout"]]
        assert each.signed_in() is False
        assert each.fetch() == 401
    assert tab.row(session_id).is_revoked
    assert application.refreshes <= 1  # The other tab needed an access token, by header.


def test_logout_works_when_the_access_token_has_expired(tab: Tab, person: Person) -> None:
    session_id = tab.session_id()
    tab.wait_until_expired()
    tab.run("keyturn.logout()")
    assert tab.row(session_id).is_revoked


def test_logout_may_be_repeated(tab: Tab, person: Person) -> None:
    tab.run("keyturn.logout()")
    tab.run("keyturn.logout()")
    assert tab.heard("signedout") == [["signedout", "logout"]]


def test_session_that_another_browser_ended_is_reported(
    application: Application, tab: Tab, person: Person, new_context: NewContext
) -> None:
    elsewhere = Application(new_context(), application.site, application.mode).tab()
    elsewhere.run(f"keyturn.login({person.credentials})")
    elsewhere.run(f"keyturn.endSession('{tab.session_id()}')")
    assert tab.fetch() == 401
    assert tab.heard("signedout") == [["signedout", "SESSION_NOT_FOUND"]]
    assert tab.signed_in() is False
    assert elsewhere.fetch() == 200


def test_ending_the_others_leaves_this_one(
    application: Application, tab: Tab, person: Person, new_context: NewContext
) -> None:
    elsewhere = Application(new_context(), application.site, application.mode).tab()
    elsewhere.run(f"keyturn.login({person.credentials})")
    assert len(elsewhere.run("keyturn.sessions()")) == 2
    assert elsewhere.run("keyturn.endOtherSessions()") == 1
    assert elsewhere.fetch() == 200
    assert tab.fetch() == 401


def test_logging_out_everywhere_signs_every_browser_out(
    application: Application, tab: Tab, person: Person, new_context: NewContext
) -> None:
    elsewhere = Application(new_context(), application.site, application.mode).tab()
    elsewhere.run(f"keyturn.login({person.credentials})")
    assert tab.run("keyturn.logoutAll().then((value) => value === undefined)")
    assert tab.signed_in() is False
    assert elsewhere.fetch() == 401
    assert elsewhere.heard("signedout") == [["signedout", "SESSION_NOT_FOUND"]]


def test_signing_in_again_reaches_the_other_tab(application: Application, tab: Tab, person: Person) -> None:
    other = application.tab()
    tab.run("keyturn.logout()")
    other.await_event("signedout")
    tab.run(f"keyturn.login({person.credentials})")
    other.await_event("signedin")
    assert other.signed_in() is True
    assert other.fetch() == 200


def test_refused_login_says_why(tab: Tab, person: Person) -> None:
    tab.run("keyturn.logout()")
    refused = tab.failure(f"keyturn.login({{ email: '{person.email}', password: 'not it, no' }})")
    assert (refused["status"], refused["code"]) == (401, "INVALID_CREDENTIALS")
    assert tab.signed_in() is False


def test_visitor_is_not_signed_in(application: Application, tab: Tab) -> None:
    assert tab.run("keyturn.check()") is False
    assert tab.fetch() == 401
    # By cookie only the service knows; once is enough.
    assert application.refreshes == (1 if application.mode == "cookie" else 0)
    assert tab.heard("signedout") == []
