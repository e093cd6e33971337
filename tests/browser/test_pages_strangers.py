"""What another site sends in a person's browser changes nothing, and it cannot show our pages as its own."""

import json
from collections.abc import Iterator

import pytest

from tests.browser.complaints import Complaints
from tests.browser.conftest import NewContext, SiteFor
from tests.browser.driver import Page
from tests.browser.foreign_origin import ForeignOrigin, foreign_origin
from tests.browser.service import Site
from tests.browser.visitor import PASSWORD, Visitor

_FORMS: dict[str, dict[str, str]] = {
    "/account/sign-out": {},
    "/account/name": {"name": "Mallory"},
    "/account/password": {"current_password": PASSWORD, "new_password": "mallory knows this one"},
    "/account/sessions/end-others": {},
    "/account/second-factors/recovery-codes": {},
    "/account/sign-in": {"email": "mallory@example.test", "password": PASSWORD},
    "/account/sign-up": {"email": "planted@example.test", "password": PASSWORD},
}
_HOSTS = ["127.0.0.1", "localhost"]
_FETCH = """async ([address, body, mode]) => {
  const options = {method: 'POST', credentials: 'include', mode, body: new URLSearchParams(body)};
  await fetch(address, options);
}"""
_READ = "async address => (await fetch(address, {credentials: 'include'})).text()"


@pytest.fixture(scope="module")
def stranger() -> Iterator[ForeignOrigin]:
    with foreign_origin() as origin:
        yield origin


@pytest.fixture(scope="module")
def site(site_for: SiteFor) -> Site:
    service = site_for()
    service.server.flask("users", "create", "--email", "mallory@example.test", "--password", PASSWORD)
    return service


@pytest.fixture
def ada(site: Site, new_context: NewContext, request: pytest.FixtureRequest) -> Visitor:
    """Somebody who is signed in here and on a phone."""
    email = f"ada-{abs(hash(request.node.name))}@example.test"
    visitor = Visitor(new_context().new_page(), site, email)
    visitor.sign_up()
    visitor.sign_in_elsewhere("phone")
    return visitor


@pytest.mark.parametrize("host", _HOSTS)
def test_form_of_another_site_changes_nothing(
    ada: Visitor, stranger: ForeignOrigin, complaints: Complaints, host: str
) -> None:
    complaints.expect("status of 403")
    before = _state(ada)
    for path, fields in _FORMS.items():
        stranger.body = _form(ada.site.url + path, fields)
        with ada.page.expect_response(lambda answer, path=path: answer.url.endswith(path)) as answer:
            ada.page.goto(stranger.url_at(host))
        assert answer.value.status == 403, path
        assert "Set-Cookie" not in answer.value.headers
        ada.page.wait_for_url(ada.site.url + path)
        assert _state(ada) == before, path
    ada.open("/account/")
    ada.is_at("Ada Lovelace")


def test_refused_form_of_another_site_says_that_nothing_was_done(
    ada: Visitor, stranger: ForeignOrigin, complaints: Complaints
) -> None:
    complaints.expect("status of 403")
    stranger.body = _form(f"{ada.site.url}/account/sign-out", {})
    ada.page.goto(stranger.url)
    ada.page.wait_for_url("**/account/sign-out")
    ada.is_at("Not done", "This form was sent from another site, so nothing was done.")
    ada.keyboard.press("Go back")
    ada.is_at("Ada Lovelace")


def test_form_that_hides_where_it_came_from_changes_nothing(
    ada: Visitor, stranger: ForeignOrigin, complaints: Complaints
) -> None:
    complaints.expect("status of 403")
    before = _state(ada)
    address = f"{ada.site.url}/account/sessions/end-others"
    stranger.body = '<meta name="referrer" content="no-referrer">' + _form(address, {})
    with ada.page.expect_response(address) as answer:
        ada.page.goto(stranger.url)
    assert answer.value.request.all_headers()["origin"] == "null"
    assert answer.value.status == 403
    assert _state(ada) == before


@pytest.mark.parametrize("host", _HOSTS)
def test_script_of_another_site_changes_and_reads_nothing(
    ada: Visitor, stranger: ForeignOrigin, complaints: Complaints, host: str
) -> None:
    complaints.expect(
        "status of 403|blocked by CORS policy|Failed to fetch|ERR_FAILED|ERR_BLOCKED_BY_RESPONSE"
    )
    before = _state(ada)
    stranger.body = ""
    ada.page.goto(stranger.url_at(host))
    for path, fields in _FORMS.items():
        for mode in ("cors", "no-cors"):
            assert _is_refused(ada.page, _FETCH, [ada.site.url + path, fields, mode])
        assert _state(ada) == before, path
    for path in ("/account/", "/account/sessions", "/auth/me"):
        assert _is_refused(ada.page, _READ, ada.site.url + path)


@pytest.mark.parametrize("host", _HOSTS)
def test_pages_are_not_shown_within_another_site(
    ada: Visitor, stranger: ForeignOrigin, complaints: Complaints, host: str
) -> None:
    complaints.expect("frame-ancestors")
    for path in ("/account/", "/account/sign-in", "/account/sessions", "/docs"):
        stranger.body = f'<iframe src="{ada.site.url}{path}"></iframe>'
        ada.page.goto(stranger.url_at(host))
        framed = ada.page.frames[1]
        framed.wait_for_url("chrome-error://**")
        assert framed.locator("form").count() == 0


def _form(address: str, fields: dict[str, str]) -> str:
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    return (
        f'<form method="post" action="{address}">{inputs}</form><script>document.forms[0].submit()</script>'
    )


def _state(visitor: Visitor) -> str:
    """Everything that a forged request was after, the browser's cookies included."""
    person = visitor.stored.person()
    cookies = visitor.page.context.cookies(visitor.site.url)
    return json.dumps(
        {
            "name": person.name,
            "password": person.hashed_password,
            "sessions": [[str(row.id), str(row.revoked_at)] for row in visitor.stored.sessions()],
            "cookies": sorted([cookie["name"], cookie["value"]] for cookie in cookies),
        }
    )


def _is_refused(page: Page, script: str, argument: object) -> bool:
    """Whether the browser keeps an answer from a script."""
    refused = f"async given => {{ try {{ await ({script})(given); return false }} catch {{ return true }} }}"
    return bool(page.evaluate(refused, argument))
