"""Browsers, password managers and phones know what belongs into each field, and fill it in (WCAG 1.3.5)."""

import re

import pytest

from app.primitives.clock import FrozenClock
from tests.pages.browser import Browser
from tests.pages.test_second_factors import enrol

NOBODY = {
    "sign-in": {"email": "username", "password": "current-password", "remember": None},
    "sign-up": {"name": "name", "email": "username", "password": "new-password"},
    "forgotten-password": {"email": "username"},
    "reset-password": {"email": "username", "code": "one-time-code", "new_password": "new-password"},
    "accept-invitation?token=some": {"password": "new-password"},
}
ADA = {
    "": {"name": "name"},
    "verify-email": {"code": "one-time-code"},
    "password": {
        "username": "username",
        "current_password": "current-password",
        "new_password": "new-password",
    },
    "confirm": {"username": "username", "secret": "current-password"},
    "second-factors/app": {"name": "off"},
}


def fields_of(browser: Browser) -> dict[str, dict[str, str]]:
    """Return the attributes of every field of the page that keeps nothing of our own, by its name."""
    tags = re.findall(r"<input ([^>]+)>", browser.answer.text)
    found = [dict(re.findall(r'([\w-]+)(?:="([^"]*)")?', tag)) for tag in tags]
    return {field["name"]: field for field in found if field["type"] != "hidden"}


@pytest.mark.parametrize("path", NOBODY)
def test_strangers_are_told_what_to_fill_in(browser: Browser, path: str):
    fields = fields_of(browser.open(f"/account/{path}"))

    assert {name: field.get("autocomplete") for name, field in fields.items()} == NOBODY[path]


@pytest.mark.parametrize("path", ADA)
def test_people_are_told_what_to_fill_in(ada: Browser, path: str):
    fields = fields_of(ada.open(f"/account/{path}"))

    assert {name: field.get("autocomplete") for name, field in fields.items()} == ADA[path]


@pytest.mark.parametrize("path", ["password", "confirm"])
def test_password_managers_are_told_whose_password_it_is(ada: Browser, path: str):
    field = fields_of(ada.open(f"/account/{path}"))["username"]

    assert (field["type"], field["value"]) == ("email", "ada@example.test")
    assert {"hidden", "readonly"} <= set(field)


def test_phones_put_no_capital_into_a_recovery_code(ada: Browser, clock: FrozenClock):
    enrol(ada, clock)
    code = fields_of(ada.open("/account/confirm?method=recovery"))["secret"]

    assert (code["autocomplete"], code["inputmode"], code["autocapitalize"]) == ("off", "text", "none")
    code = fields_of(ada.open("/account/confirm"))["secret"]
    assert (code["autocomplete"], code["inputmode"]) == ("one-time-code", "numeric")
