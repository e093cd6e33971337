"""The test bed notices what a browser complains of, and the service's own pages give it no cause."""

import pytest

from tests.browser.complaints import Complaints
from tests.browser.conftest import SiteFor
from tests.browser.driver import BrowserContext, Page


def test_documentation_page_is_shown_without_complaint(site_for: SiteFor, page: Page) -> None:
    site = site_for()
    page.goto(f"{site.url}/docs")
    assert page.get_by_role("heading", level=1).count() == 1


@pytest.mark.parametrize(
    ("script", "heard"),
    [
        ("console.error('wrong')", "console: wrong"),
        ("setTimeout(() => { throw new Error('loose') })", "uncaught: loose"),
        ("fetch('http://elsewhere.example/').catch(() => {})", "asked elsewhere: http://elsewhere.example/"),
    ],
)
def test_complaints_are_heard(
    context: BrowserContext, page: Page, complaints: Complaints, script: str, heard: str
) -> None:
    context.route("http://elsewhere.example/**", lambda route: route.abort())
    page.goto("about:blank")
    page.evaluate(script)
    for _ in range(100):
        if found := [text for text in complaints.left() if text.startswith(heard)]:
            break
        page.wait_for_timeout(100)
    assert found
    complaints.expect("")


def test_mail_is_read(site_for: SiteFor, page: Page) -> None:
    site = site_for()
    person = {"email": "mail@example.test", "password": "correct horse battery"}
    page.request.post(f"{site.url}/auth/signup", data=person)
    answer = page.request.post(f"{site.url}/auth/forgot-password", data={"email": person["email"]})
    assert answer.ok
    assert site.mailbox.last_code(person["email"]).isdigit()
