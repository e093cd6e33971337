"""What a browser has to complain of, and whom it was not to ask."""

import re
from urllib.parse import urlsplit

from tests.browser.driver import BrowserContext, ConsoleMessage, Request, WebError

_OURS = {"127.0.0.1", "localhost"}


class Complaints:
    """Errors on the console, errors that no script caught, and requests to hosts that are not ours.

    A test says with `expect` which of them belong to it.
    """

    def __init__(self) -> None:
        self._heard: list[str] = []
        self._expected: list[str] = []

    def listen(self, context: BrowserContext) -> None:
        """Hear all pages of a context."""
        context.on("console", self._hear_console)
        context.on("weberror", self._hear_error)
        context.on("request", self._hear_request)

    def expect(self, pattern: str) -> None:
        """Let pass what a regular expression finds, as often as it comes."""
        self._expected.append(pattern)

    def left(self) -> list[str]:
        """Return what was heard and not expected."""
        return [text for text in self._heard if not any(re.search(known, text) for known in self._expected)]

    def _hear_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._heard.append(f"console: {message.text} ({message.location.get('url')})")

    def _hear_error(self, error: WebError) -> None:
        self._heard.append(f"uncaught: {error.error}")

    def _hear_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme.startswith(("http", "ws")) and address.hostname not in _OURS:
            self._heard.append(f"asked elsewhere: {request.url}")
