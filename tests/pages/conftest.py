"""Browsers at the pages."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.conftest import AppFor
from tests.pages.browser import Browser

PASSWORD = "correct horse battery staple"

Visitor = Callable[..., Browser]


@pytest.fixture(params=["false", "true"], ids=["origin", "double-submit"])
def csrf_double_submit(request: pytest.FixtureRequest) -> str:
    """Either defence against forged forms."""
    setting: str = request.param
    return setting


@pytest.fixture
def app(csrf_double_submit: str, app_for: AppFor) -> Flask:
    """The service with either of them."""
    return app_for(csrf_double_submit=csrf_double_submit)


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A browser in which nobody is signed in."""
    return Browser(app)


def sign_up(browser: Browser, email: str = "ada@example.test", name: str = "Ada") -> Browser:
    return browser.open("/account/sign-up").submit(
        "Create account", name=name, email=email, password=PASSWORD
    )


def sign_in(browser: Browser, email: str = "ada@example.test", password: str = PASSWORD) -> Browser:
    return browser.open("/account/sign-in").submit("Sign in", email=email, password=password)


@pytest.fixture
def ada(browser: Browser) -> Browser:
    """A browser in which Ada has just signed up."""
    return sign_up(browser)
