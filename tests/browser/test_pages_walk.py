"""Every page is walked by keyboard alone, with scripts and without, and looks and reads as it should."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser import looks
from tests.browser.complaints import Complaints
from tests.browser.conftest import NewContext, SiteFor
from tests.browser.driver import Page
from tests.browser.visitor import FIREFOX, Visitor
from tests.browser.walk import FACTORS, whole_walk
from tests.npm import packages
from tests.reliability.databases import is_absent

# Of the address of a picture, what a QR code in it says.
_READ_QR_CODE = """async address => {
  const image = new Image();
  image.src = address;
  await image.decode();
  const drawing = new OffscreenCanvas(image.width, image.height).getContext('2d');
  drawing.drawImage(image, 0, 0);
  const {data, width, height} = drawing.getImageData(0, 0, image.width, image.height);
  return jsQR(data, width, height).data;
}"""


@pytest.fixture(scope="module", autouse=True)
def node_packages() -> None:
    """Axe and the reader of QR codes."""
    if reason := packages.missing():
        is_absent(reason)


@pytest.fixture(autouse=True)
def _refusals_are_expected(complaints: Complaints) -> None:
    # The console reports the status of every page that tells of a refusal.
    complaints.expect(r"status of (422|404)")


def test_every_page_is_walked_by_keyboard_and_axe_finds_nothing(
    site_for: SiteFor, new_context: NewContext
) -> None:
    page = new_context(viewport=looks.DESKTOP, user_agent=FIREFOX).new_page()
    visitor = Visitor(page, site_for(mfa_methods=FACTORS), "desktop@example.test")
    found = {stop: looks.complaints(page) + looks.complaints_of_axe(page) for stop in whole_walk(visitor)}
    assert {stop: told for stop, told in found.items() if told} == {}


def test_every_page_is_walked_on_a_phone_that_runs_no_scripts(
    site_for: SiteFor, new_context: NewContext
) -> None:
    page = new_context(viewport=looks.PHONE, user_agent=FIREFOX, java_script_enabled=False).new_page()
    visitor = Visitor(page, site_for(mfa_methods=FACTORS), "phone@example.test")
    found = {stop: looks.complaints(page) for stop in whole_walk(visitor)}
    assert {stop: told for stop, told in found.items() if told} == {}


def test_skip_link_leads_past_the_navigation(site_for: SiteFor, page: Page) -> None:
    visitor = Visitor(page, site_for(), "skip@example.test")
    visitor.sign_up()
    visitor.keyboard.reach("Skip to content")
    page.keyboard.press("Enter")
    assert visitor.keyboard.step() == "Verify"


def test_qr_code_says_the_same_as_the_key(site_for: SiteFor, page: Page) -> None:
    visitor = Visitor(page, site_for(), "qr@example.test")
    visitor.sign_up()
    visitor.open("/account/second-factors/app")
    visitor.keyboard.press("Show the QR code")
    page.evaluate((packages.HERE / "node_modules" / "jsqr" / "dist" / "jsQR.js").read_text("utf-8"))
    picture = page.locator(".qr").get_attribute("src") or ""
    assert base64.b64decode(picture.partition(",")[2]).startswith(b"\x89PNG")
    uri = urlsplit(page.evaluate(_READ_QR_CODE, picture))
    key = "".join(page.locator(".secret").inner_text().split())
    assert (uri.scheme, uri.netloc, parse_qs(uri.query)["secret"]) == ("otpauth", "totp", [key])
    assert uri.path == "/Keyturn:qr%40example.test"
