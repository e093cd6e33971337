"""A sign-in by a page replaces the session of every tab by cookie, and signs none of them out."""

import uuid
from collections.abc import Iterator

import httpx
import pytest

from tests.browser.complaints import Complaints
from tests.browser.driver import Route
from tests.browser.tab import Application, Person, Tab, lasting
from tests.browser.visitor import Visitor

pytestmark = lasting
USER = "**/auth/user"
ME = "**/auth/me"
REFRESH = "**/auth/refresh-token"


@pytest.fixture
def mode() -> str:
    """By header each tab keeps the token that it has, and a sign-in replaces nothing."""
    return "cookie"


@pytest.fixture
def stranger(application: Application, tab: Tab) -> Tab:
    """Return a tab that knows of nobody, where a page has signed somebody in since."""
    assert tab.run("keyturn.check()") is False
    page = Visitor(application.context.new_page(), application.site, f"{uuid.uuid4().hex}@example.test")
    page.sign_up()
    page.is_at("Ada Lovelace")
    return tab


@pytest.mark.parametrize("has_called", [True, False])
def test_tab_that_knew_of_nobody_goes_on_when_the_access_cookie_of_a_page_ends(
    application: Application, stranger: Tab, *, has_called: bool
) -> None:
    if has_called:
        assert stranger.fetch() == 200
    let_an_hour_pass(stranger)
    application.context.clear_cookies(name="accessToken")
    assert stranger.fetch() == 200
    assert stranger.signed_in() is True
    assert stranger.heard("signedin", "refreshed", "signedout") == [["signedin", None]]


def test_tab_that_knew_of_nobody_tells_of_the_logout(application: Application, stranger: Tab) -> None:
    other = application.tab()
    assert other.run("keyturn.check()") is True
    let_an_hour_pass(stranger)
    stranger.run("keyturn.logout()")
    other.await_event("signedout")
    for each in (stranger, other):
        assert each.heard("signedout") == [["signedout", "logout"]]


@pytest.fixture
def late(application: Application, person: Person) -> Iterator[str]:
    """Return whom a page has signed in while a call, and then its refresh, were under way."""
    before = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in application.context.cookies())
    page = Visitor(application.context.new_page(), application.site, f"grace-of-{person.email}")
    page.sign_up()
    page.is_at("Ada Lovelace")

    def send_as_before(route: Route) -> None:
        request = route.request
        headers = {**request.headers, "cookie": before}
        answer = httpx.request(request.method, request.url, headers=headers, content=request.post_data)
        assert "set-cookie" not in answer.headers
        route.fulfill(status=answer.status_code, body=answer.text)

    application.context.route(ME, send_as_before, times=1)
    application.context.route(REFRESH, send_as_before, times=1)
    yield page.email
    assert application.refreshes == 1


def test_tab_goes_on_as_the_person_that_a_page_has_signed_in(tab: Tab, late: str) -> None:
    assert tab.fetch() == 200
    assert tab.heard("signedin", "signedout") == [["signedin", None]] * 2
    person = tab.run("keyturn.fetch('/auth/user').then((answer) => answer.json())")
    assert person["email"] == late


@pytest.mark.usefixtures("late")
def test_tab_is_signed_out_only_when_the_service_names_nobody(application: Application, tab: Tab) -> None:
    def answer_as_to_a_stranger(route: Route) -> None:
        route.fulfill(status=401, body='{"statusCode": 401, "code": "TOKEN_MISSING"}')

    application.context.route(USER, answer_as_to_a_stranger, times=1)
    assert tab.fetch() == 401
    assert tab.heard("signedout") == [["signedout", "SESSION_NOT_FOUND"]]


@pytest.mark.usefixtures("late")
def test_tab_stays_as_it_is_while_nobody_can_tell(
    application: Application, tab: Tab, complaints: Complaints
) -> None:
    complaints.expect("status of 503")
    application.context.route(USER, lambda route: route.fulfill(status=503, body="{}"), times=1)
    assert tab.failure("keyturn.fetch('/auth/me')")["status"] == 503
    assert tab.heard("signedout") == []
    assert tab.fetch() == 200


def let_an_hour_pass(tab: Tab) -> None:
    tab.run("void (Date.now = () => new Date().getTime() + 3_600_000)")
