"""The example of a page of JavaScript, walked through in both modes as its people would."""

import uuid
from collections.abc import Iterator

import pyotp
import pytest

from tests.authenticator import await_step, former_code
from tests.browser.complaints import Complaints
from tests.browser.conftest import NewContext
from tests.browser.driver import Browser, BrowserContext, Page
from tests.examples import ACCESS_SECONDS, Example, running_example

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def tasks(chromium: Browser) -> Iterator[Example]:
    with running_example("example-spa") as example:
        yield example


@pytest.fixture(params=["header", "cookie"])
def mode(request: pytest.FixtureRequest, complaints: Complaints) -> str:
    # A browser writes every refusal on its console, and a page that asks who is there is refused.
    complaints.expect("status of 401")
    name: str = request.param
    return name


@pytest.fixture
def email() -> str:
    """Ada's address, another one in each test."""
    return f"{uuid.uuid4().hex}@example.test"


@pytest.fixture
def ada(context: BrowserContext, tasks: Example, mode: str, email: str) -> Page:
    """The tasks as Ada sees them who has just signed up."""
    page = open_page(context, tasks, mode)
    enter(page, email, "Create account")
    await_signed_in(page)
    return page


def open_page(context: BrowserContext, tasks: Example, mode: str) -> Page:
    page = context.new_page()
    page.goto(tasks.url)
    page.get_by_label("Tokens travel").select_option(mode)
    page.get_by_role("heading", name="Sign in").wait_for()
    return page


def enter(page: Page, email: str, button: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name=button).click()


def await_signed_in(page: Page) -> None:
    page.locator("#sessions").get_by_text("this one").wait_for()


def await_signed_out(page: Page) -> None:
    page.get_by_role("heading", name="Sign in").wait_for()


def add_task(page: Page, text: str) -> None:
    page.get_by_label("A new task").fill(text)
    page.get_by_role("button", name="Add task").click()
    page.locator("#tasks").get_by_text(text).wait_for()


def wait_until_expired(page: Page) -> None:
    page.wait_for_timeout(1000 * ACCESS_SECONDS + 200)


def test_call_with_an_expired_token_is_made_all_the_same(ada: Page):
    add_task(ada, "Written at once")
    wait_until_expired(ada)
    add_task(ada, "Written slowly")
    ada.reload()
    ada.locator("#tasks").get_by_text("Written slowly").wait_for()
    ada.locator("#tasks li", has_text="Written at once").get_by_role("button").click()
    ada.locator("#tasks").get_by_text("Written at once").wait_for(state="detached")
    assert ada.get_by_role("alert").inner_text() == ""
    assert "Token" not in ada.evaluate("document.cookie")


def test_other_session_is_ended_from_the_list(
    ada: Page, tasks: Example, mode: str, email: str, new_context: NewContext
):
    other = open_page(new_context(), tasks, mode)
    enter(other, email, "Sign in")
    await_signed_in(other)
    ada.reload()
    await_signed_in(ada)
    ada.locator("#sessions").get_by_role("button", name="End").click()
    ada.locator("#sessions").get_by_role("button", name="End").wait_for(state="detached")

    other.get_by_role("button", name="Load tasks").click()
    await_signed_out(other)
    add_task(ada, "Still here")


def test_signing_out_in_one_tab_signs_out_the_other(ada: Page, context: BrowserContext, tasks: Example):
    second = context.new_page()
    second.goto(tasks.url)
    await_signed_in(second)
    wait_until_expired(second)
    add_task(second, "From the second tab")
    ada.get_by_role("button", name="Load tasks").click()
    ada.locator("#tasks").get_by_text("From the second tab").wait_for()

    ada.locator("#sign-out").click()
    await_signed_out(second)
    await_signed_out(ada)


def test_second_factor_is_asked_for(ada: Page, tasks: Example, email: str, new_context: NewContext):
    secret = enrol(new_context(), tasks, email)
    ada.locator("#sign-out").click()
    await_signed_out(ada)
    enter(ada, email, "Sign in")
    prove(ada, "000000")
    ada.get_by_role("alert").filter(has_text="code").wait_for()

    prove(ada, pyotp.TOTP(secret).now())
    await_signed_in(ada)


def prove(page: Page, code: str) -> None:
    page.get_by_label("Code", exact=True).fill(code)
    page.get_by_role("button", name="Go on").click()


def enrol(elsewhere: BrowserContext, tasks: Example, email: str) -> str:
    """Set up an authenticator app by an API client, with the code of the step before this one."""
    # First, because the token of this login would run out while a step is waited for.
    await_step(10)
    credentials = {"email": email, "password": PASSWORD}
    entered = elsewhere.request.post(f"{tasks.url}/auth/login", data={"credentials": credentials})
    headers = {"Authorization": f"Bearer {entered.json()['accessToken']}"}
    shown = elsewhere.request.post(f"{tasks.url}/auth/mfa/setup-totp", data={}, headers=headers)
    secret: str = shown.json()["secret"]
    proof = {"secret": secret, "otp": former_code(secret)}
    assert elsewhere.request.post(f"{tasks.url}/auth/mfa/verify-totp-setup", data=proof, headers=headers).ok
    return secret
