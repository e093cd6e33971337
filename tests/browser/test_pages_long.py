"""However long things are called and however many there are, pages fit a small phone."""

import pyotp
import pytest

from tests.browser import looks
from tests.browser.conftest import NewContext, SiteFor
from tests.browser.visitor import FIREFOX, Visitor

# As long as an address may be, and with no place in it to break a line at.
EMAIL = f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 56}.test"
NAME = " ".join(["Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"] * 3)
ORGANIZATIONS = {"O" * 255: "MEMBER", "Bundesanstalt_für_Finanzdienstleistungsaufsicht": "billing_manager"}
PAGES = ["", "verify-email", "password", "sessions", "organizations", "activity", "second-factors/app"]
LINE_PIXELS = 24


@pytest.fixture
def visitor(site_for: SiteFor, new_context: NewContext) -> Visitor:
    page = new_context(viewport=looks.SMALL_PHONE, user_agent=FIREFOX).new_page()
    visitor = Visitor(page, site_for(), EMAIL)
    assert len(EMAIL) == 254
    visitor.sign_up(NAME)
    for number in range(9):
        visitor.sign_in_elsewhere(f"{number}-{'x' * 250}")
    visitor.stored.join(**ORGANIZATIONS)
    return visitor


def test_long_names_fit_a_small_phone(visitor: Visitor) -> None:
    found = {}
    for path in PAGES:
        visitor.open(f"/account/{path}")
        found[path] = looks.complaints(visitor.page)
    visitor.keyboard.write("What to call it", "W" * 64)
    visitor.keyboard.press("Show the QR code")
    found["QR code"] = looks.complaints(visitor.page)
    app = pyotp.TOTP("".join(visitor.page.locator(".secret").inner_text().split()))
    visitor.keyboard.write("Code", app.now())
    visitor.keyboard.press("Confirm")
    found["recovery codes"] = looks.complaints(visitor.page)
    assert visitor.page.locator(".codes li").last.bounding_box()["height"] < 2 * LINE_PIXELS
    visitor.keyboard.press("I have kept them")
    found["second factors"] = looks.complaints(visitor.page)
    visitor.open("/account/forgotten-password")
    visitor.keyboard.write("E-mail address", EMAIL)
    visitor.keyboard.press("Send the code")
    found["reset"] = looks.complaints(visitor.page)
    assert {name: told for name, told in found.items() if told} == {}
