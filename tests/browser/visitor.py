"""A person at the pages of a service, who has a keyboard, a mailbox and other devices."""

from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import httpx

from tests.browser.driver import Page
from tests.browser.keyboard import Keyboard
from tests.browser.service import Site
from tests.browser.stored import Stored

PASSWORD = "correct horse battery staple"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/138.0.0.0 Mobile Safari/537.36"
)


@dataclass
class Visitor:
    """Does what a page offers, by the names that stand on it."""

    page: Page
    site: Site
    email: str
    password: str = PASSWORD

    @cached_property
    def keyboard(self) -> Keyboard:
        return Keyboard(self.page)

    @property
    def phone(self) -> str:
        """A number that nobody else has."""
        return f"+49{crc32(self.email.encode()):010d}"

    @property
    def stored(self) -> Stored:
        return Stored(self.site, self.email)

    @property
    def heading(self) -> str:
        """What the page is called."""
        return self.page.locator("h1").inner_text()

    @property
    def note(self) -> str:
        """What the page says of what was done, or refused."""
        return " ".join(self.page.locator("main > .note").all_inner_texts())

    def open(self, path: str) -> None:
        """Type an address."""
        self.page.goto(f"{self.site.url}{path}")

    def is_at(self, heading: str, note: str = "") -> None:
        """Fail unless the page is called so and says so."""
        assert (self.heading, self.note) == (heading, note)

    def is_told(self, heading: str, field: str, problem: str) -> None:
        """Fail unless the page is called so, and says this at the field that it has put the cursor into."""
        self.is_at(heading, "Please check the fields that are marked below.")
        assert self.page.locator(".problem").all_inner_texts() == [problem]
        assert self.page.locator("input[aria-invalid]").evaluate("field => field === document.activeElement")
        assert self.keyboard.focused() == field

    def sign_up(self, name: str = "Ada Lovelace") -> None:
        """Make the account."""
        self.open("/account/sign-up")
        self.keyboard.write("Name (optional)", name)
        self.keyboard.write("E-mail address", self.email)
        self.keyboard.write("Password", self.password)
        self.keyboard.press("Create account")

    def sign_in(self) -> None:
        """Fill in the form for signing in, which is the page or the one that opens."""
        if self.page.url == "about:blank":
            self.open("/account/sign-in")
        self.keyboard.write("E-mail address", self.email)
        self.keyboard.write("Password", self.password)
        self.keyboard.press("Sign in")

    def sign_in_elsewhere(self, user_agent: str) -> None:
        """Open a session on another device."""
        credentials = {"email": self.email, "password": self.password}
        answer = httpx.post(
            f"{self.site.url}/auth/login",
            json={"credentials": credentials},
            headers={"User-Agent": user_agent},
        )
        assert answer.status_code == httpx.codes.OK, answer.text

    def press_for_code(self, button: str, recipient: str = "") -> str:
        """Press a button that has a code sent, by mail or to a phone, and return the code."""
        recipient = recipient or self.email
        before = len(self.site.mailbox.messages(recipient))
        self.keyboard.press(button)
        return self.site.mailbox.last_code(recipient, before + 1)
