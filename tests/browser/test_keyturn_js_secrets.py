"""Tokens are where they have to be and nowhere else, and go to nobody but the service."""

import re
from collections.abc import Iterator

import pytest

from tests.browser.complaints import Complaints
from tests.browser.conftest import ApplicationFor
from tests.browser.foreign_origin import ForeignOrigin, foreign_origin
from tests.browser.tab import Application, Person, Tab

JWT = r"eyJ[\w-]*\.eyJ[\w-]*\."
# Everything that a script of the page can read.
READABLE = """JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, globalThis.heard,
  Object.entries(keyturn).map(([name, value]) => [name, String(value)])])"""


@pytest.fixture
def foreigner() -> Iterator[ForeignOrigin]:
    with foreign_origin() as origin:
        yield origin


@pytest.mark.parametrize("mode", ["cookie"])
def test_by_cookie_no_script_sees_a_token(application: Application, tab: Tab) -> None:
    tab.run("globalThis.answers = []")
    person = tab.sign_up()
    tab.run(f"keyturn.login({person.credentials}).then((answer) => answers.push(answer))")
    tab.wait_until_expired()
    assert tab.fetch() == 200
    tokens = {cookie["name"]: cookie for cookie in application.context.cookies()}
    assert {"accessToken", "refreshToken"} <= set(tokens)
    assert all(tokens[name]["httpOnly"] for name in ("accessToken", "refreshToken"))
    seen = tab.run(READABLE) + tab.run("JSON.stringify(answers)")
    assert not re.search(JWT, seen)
    assert all(cookie["value"] not in seen for cookie in tokens.values() if cookie["httpOnly"])


@pytest.mark.parametrize("mode", ["header"])
def test_by_header_only_the_refresh_token_is_stored(application: Application, tab: Tab) -> None:
    person = tab.sign_up()
    answer = tab.run(f"keyturn.login({person.credentials})")
    assert answer == {"isRequiresMfa": False, "message": "Login successful"}
    assert tab.run("Object.keys(localStorage)") == [f"keyturn:{application.site.url}/auth"]
    assert tab.run("Object.values(localStorage)[0].split('.').length") == 3
    assert len(re.findall(JWT, tab.run(READABLE))) == 1
    assert application.context.cookies() == []
    tab.run("keyturn.logout()")
    assert tab.run("localStorage.length") == 0


@pytest.mark.parametrize("mode", ["header"])
def test_memory_keeps_nothing_beyond_the_page(application: Application) -> None:
    tab, other = application.tab(storage="memory"), application.tab(storage="memory")
    tab.sign_up()
    tab.wait_until_expired()
    assert tab.fetch() == 200
    assert tab.run("localStorage.length + sessionStorage.length") == 0
    assert other.fetch() == 401
    assert other.heard("signedin", "refreshed") == []
    assert tab.open().run("keyturn.check()") is False


def test_nothing_is_sent_to_another_origin(
    application: Application, tab: Tab, person: Person, foreigner: ForeignOrigin
) -> None:
    assert tab.fetch(foreigner.url) == 200
    assert tab.fetch(f"{foreigner.url}/", "{ credentials: 'omit' }") == 200
    assert len(foreigner.received) == 2
    for headers in foreigner.received:
        assert not {"authorization", "x-access-token-type", "x-csrf-token"} & set(headers)


def test_named_origin_gets_the_access_token(
    application: Application, person: Person, foreigner: ForeignOrigin
) -> None:
    tab = application.tab(origins=[foreigner.url])
    assert tab.fetch(foreigner.url) == 200
    [headers] = foreigner.received
    if application.mode == "header":
        assert headers["authorization"].startswith("Bearer eyJ")
    else:
        assert headers["x-access-token-type"] == "cookie"


def test_redirect_to_another_origin_takes_no_token_along(
    application: Application, tab: Tab, person: Person, foreigner: ForeignOrigin
) -> None:
    application.context.route(
        "**/hop", lambda route: route.fulfill(status=302, headers={"Location": f"{foreigner.url}/"})
    )
    assert tab.fetch("/hop") == 200
    [headers] = foreigner.received
    assert "authorization" not in headers


@pytest.mark.parametrize("mode", ["cookie"])
def test_double_submit_is_done_where_the_service_asks_for_it(application_for: ApplicationFor) -> None:
    application = application_for(csrf_double_submit=True, access_token_seconds=2)
    tab, other = application.tab(), application.tab()
    tab.sign_up()
    assert other.run("keyturn.check()") is True
    for each in (tab, other, tab):
        assert each.run("keyturn.endOtherSessions()") == 0
        each.wait_until_expired()
    assert application.count("/auth/csrf") == 2
    tab.run("keyturn.logoutAll()")


def test_service_that_is_in_another_mode_is_noticed(
    application_for: ApplicationFor, mode: str, complaints: Complaints
) -> None:
    other = {"header": "cookie", "cookie": "header"}[mode]
    tab = application_for(access_token_type=other).tab()
    failure = tab.failure('keyturn.signup({ email: "mode@example.test", password: "correct horse battery" })')
    assert f"KEYTURN_ACCESS_TOKEN_TYPE={mode}" in failure["message"]
    assert tab.signed_in() is not True
