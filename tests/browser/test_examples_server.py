"""The example of an application that renders on the server, walked through as its people would."""

import re
import uuid
from collections.abc import Iterator

import pytest

from tests.browser.complaints import Complaints
from tests.browser.conftest import NewContext
from tests.browser.driver import Browser, Page
from tests.examples import ACCESS_SECONDS, Example, running_example
from tests.reliability.databases import final_rows

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def notebook(chromium: Browser) -> Iterator[Example]:
    with running_example("example-server") as example:
        yield example


@pytest.fixture
def email() -> str:
    """Ada's address, another one in each test."""
    return f"{uuid.uuid4().hex}@example.test"


@pytest.fixture
def ada(page: Page, notebook: Example, email: str) -> Page:
    """The notebook as Ada sees it who has just signed up."""
    return sign_up(page, notebook, "Ada", email)


def sign_up(page: Page, notebook: Example, name: str, email: str) -> Page:
    page.goto(notebook.url)
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url(f"{notebook.url}/")
    return page


def add_note(page: Page, text: str) -> None:
    page.get_by_label("A new note").fill(text)
    page.get_by_role("button", name="Add note").click()
    page.get_by_text(text).wait_for()


def wait_until_expired(page: Page) -> None:
    page.wait_for_timeout(1000 * ACCESS_SECONDS + 200)


def rotations(notebook: Example) -> int:
    """Count those of all sessions; only one of them is in use at a time."""
    return sum(row.generation for row in final_rows(notebook.database_url).values())


def test_note_that_is_added_with_an_expired_token_is_not_lost(ada: Page):
    add_note(ada, "Written at once")
    ada.get_by_label("A new note").fill("Written slowly")
    wait_until_expired(ada)
    ada.get_by_role("button", name="Add note").click()

    ada.get_by_text("Written slowly").wait_for()
    ada.get_by_role("link", name="My notes").click()
    assert ada.locator(".notes p").all_inner_texts() == ["Written slowly", "Written at once"]


def test_people_delete_their_own_notes_only(ada: Page, notebook: Example, new_context: NewContext):
    add_note(ada, "Ada was here")
    grace = sign_up(new_context().new_page(), notebook, "Grace", "grace@example.test")
    note = grace.locator(".notes li", has_text="Ada was here")
    assert note.get_by_role("button", name="Delete").count() == 0
    number = ada.locator(".notes li form").first.get_attribute("action")
    assert grace.request.post(notebook.url + number, headers={"Origin": notebook.url}).status == 404

    ada.locator(".notes li", has_text="Ada was here").get_by_role("button", name="Delete").click()
    ada.wait_for_url(f"{notebook.url}/mine")
    assert ada.get_by_text("Ada was here").count() == 0


def test_ten_frames_with_an_expired_token_arrive_at_one_generation(ada: Page, notebook: Example):
    wait_until_expired(ada)
    before = rotations(notebook)
    # So slow that frames ask before the first of them is answered, and gets the fresh cookies.
    ada.context.new_cdp_session(ada).send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 300, "downloadThroughput": -1, "uploadThroughput": -1},
    )
    ada.goto(f"{notebook.url}/together")

    frames = [ada.frame_locator("iframe").nth(number) for number in range(10)]
    shown = [frame.locator(".generation").inner_text() for frame in frames]
    came = [frame.locator(".how").inner_text() for frame in frames]
    assert rotations(notebook) == before + 1
    assert len(set(shown)) == 1
    assert came.count("came with an expired token") > 1
    ada.get_by_role("link", name="My notes").click()
    assert ada.get_by_role("button", name="Sign out").is_visible()


def test_guarded_view_leads_to_the_sign_in_and_back(
    ada: Page, notebook: Example, email: str, complaints: Complaints
):
    ada.get_by_role("button", name="Sign out").click()
    ada.get_by_role("heading", name="Sign in").wait_for()
    ada.goto(f"{notebook.url}/mine")
    ada.wait_for_url(re.compile("/account/sign-in"))

    ada.get_by_label("E-mail address").fill(email)
    complaints.expect("status of 422")
    ada.get_by_label("Password").fill("wrong")
    ada.get_by_role("button", name="Sign in").click()
    assert ada.get_by_role("alert").is_visible()
    ada.get_by_label("Password").fill(PASSWORD)
    ada.get_by_role("button", name="Sign in").click()
    ada.wait_for_url(f"{notebook.url}/mine")


def test_pages_and_errors_are_shown_in_the_frame_of_the_notebook(
    ada: Page, notebook: Example, complaints: Complaints
):
    ada.get_by_role("link", name="Ada").click()
    ada.get_by_role("link", name="Sessions", exact=True).click()
    assert ada.locator("a.brand").is_visible()
    assert ada.title() == "Sessions – Notebook"
    complaints.expect("status of 404")
    ada.goto(f"{notebook.url}/nothing")
    assert ada.get_by_role("heading", name="Not Found").is_visible()
    assert ada.locator("a.brand").is_visible()
