"""Calls go on working when access tokens expire, in both token modes."""

import pytest

from tests.browser.complaints import Complaints
from tests.browser.tab import Application, Person, Tab, lasting
from tests.reliability.checker import FinalRow

AT_ONCE = 20


def test_call_after_the_access_token_expired_works(
    application: Application, tab: Tab, person: Person
) -> None:
    session_id = tab.session_id()
    tab.wait_until_expired()
    # On a slow machine the list of sessions needed one too.
    before = application.refreshes
    tab.run("heard.length = 0")
    assert tab.fetch() == 200
    assert application.refreshes == before + 1
    assert tab.row(session_id) == FinalRow(generation=before + 2, is_revoked=False)
    assert tab.heard("refreshed", "signedout") == [["refreshed", None]]
    assert tab.signed_in() is True


@pytest.mark.parametrize("mode", ["header"])
def test_token_that_is_about_to_expire_is_replaced_before_the_call(
    application: Application, tab: Tab, person: Person
) -> None:
    """By cookie nobody but the service knows when it expires."""
    tab.page.wait_for_timeout(1_200)
    assert tab.fetch() == 200
    assert (application.refreshes, application.count("/auth/me")) == (1, 1)


def test_calls_at_once_share_one_refresh(application: Application, tab: Tab, person: Person) -> None:
    tab.wait_until_expired()
    calls = f"Promise.all(Array.from({{ length: {AT_ONCE} }}, () => keyturn.fetch('/auth/me')))"
    assert tab.run(f"{calls}.then((answers) => answers.map(({{ status }}) => status))") == [200] * AT_ONCE
    assert application.refreshes == 1


def test_body_is_sent_again_with_the_repeated_call(tab: Tab, person: Person, complaints: Complaints) -> None:
    complaints.expect("status of 403")
    asked = """new Request('/auth/mfa/challenge', { method: 'POST',
      body: new Blob([JSON.stringify({ method: 'totp' })], { type: 'application/json' }) })"""
    tab.wait_until_expired()
    answer = tab.run(f"keyturn.fetch({asked}).then((answer) => answer.json())")
    # Without a body it would be 400, and without a token 401.
    assert answer["code"] == "MFA_NOT_ENABLED"


def test_reload_leaves_the_person_signed_in(tab: Tab, person: Person) -> None:
    tab.open()
    assert tab.signed_in() is None
    assert tab.run("keyturn.check()") is True
    assert tab.signed_in() is True


@lasting
def test_call_that_names_its_own_authorization_is_left_alone(
    application: Application, tab: Tab, person: Person
) -> None:
    assert tab.fetch("/auth/me", "{ headers: { Authorization: 'Bearer mine' }, credentials: 'omit' }") == 401
    assert application.refreshes == 0
    assert tab.signed_in() is True
