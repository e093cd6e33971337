"""Chromium, and services for its pages to speak to."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.browser.complaints import Complaints
from tests.browser.driver import Browser, BrowserContext, Page, missing, running_chromium
from tests.browser.service import Site, running_site
from tests.browser.tab import ACCESS_SECONDS, Application, Person, Tab
from tests.reliability.conftest import figure, pytest_terminal_summary
from tests.reliability.databases import is_absent

__all__ = ["figure", "pytest_terminal_summary"]

SiteFor = Callable[..., Site]
NewContext = Callable[..., BrowserContext]
ApplicationFor = Callable[..., Application]


# For the folder and not the session: while the driver runs, the tests of other folders could not use asyncio.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Skips where Chromium or its driver is missing, unless KEYTURN_TEST_SERVICES=required: then it fails."""
    if reason := missing():
        is_absent(reason)
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def site_for(chromium: Browser) -> Iterator[SiteFor]:
    """Give a running service; keyword arguments are setting names without their prefix, in any case.

    Tests that ask for the same settings share one, so each makes a person of its own.
    """
    running: dict[frozenset[tuple[str, str]], Site] = {}
    with ExitStack() as stack:

        def find(**settings: object) -> Site:
            named = {f"KEYTURN_{name.upper()}": str(value) for name, value in settings.items()}
            key = frozenset(named.items())
            if key not in running:
                running[key] = stack.enter_context(running_site(named))
            return running[key]

        yield find


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Fails the test for every complaint of the browser that it did not expect."""
    found = Complaints()
    yield found
    assert found.left() == []


@pytest.fixture
def new_context(chromium: Browser, complaints: Complaints) -> Iterator[NewContext]:
    """Make browsers of different people: cookies, storages and cache of their own."""
    made: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        context = chromium.new_context(**options)
        context.set_default_timeout(30_000)
        complaints.listen(context)
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


@pytest.fixture
def context(new_context: NewContext) -> BrowserContext:
    return new_context()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture(params=["header", "cookie"])
def mode(request: pytest.FixtureRequest) -> str:
    """Each way in which tokens travel."""
    name: str = request.param
    return name


@pytest.fixture
def application_for(
    site_for: SiteFor, new_context: NewContext, mode: str, complaints: Complaints
) -> ApplicationFor:
    """Make applications, each in a browser of its own; keyword arguments are settings as for `site_for`."""
    # A browser writes every refusal on its console, and here access tokens expire all the time.
    complaints.expect("status of 401")
    return lambda **settings: Application(new_context(), site_for(**settings), mode)


@pytest.fixture
def access_seconds() -> int:
    """How long access tokens live: so short that one can wait for a refresh, unless a test is `lasting`."""
    return ACCESS_SECONDS


@pytest.fixture
def application(application_for: ApplicationFor, access_seconds: int) -> Application:
    """An application in whose browser nobody has signed in."""
    return application_for(access_token_seconds=access_seconds, database_lock_timeout_seconds=1)


@pytest.fixture
def tab(application: Application) -> Tab:
    """A tab in which nobody has signed in."""
    return application.tab()


@pytest.fixture
def person(tab: Tab) -> Person:
    """Somebody who has signed up in `tab`."""
    return tab.sign_up()
