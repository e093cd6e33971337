"""The names of the driver that tests speak of, and whether it and Chromium are here."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    from playwright.sync_api import (
        Browser,
        BrowserContext,
        ConsoleMessage,
        Page,
        Request,
        Route,
        WebError,
        sync_playwright,
    )
except ModuleNotFoundError:
    # Every test that would use one of these is skipped.
    Browser = BrowserContext = ConsoleMessage = Page = Request = Route = WebError = object
    sync_playwright = None

__all__ = ["Browser", "BrowserContext", "ConsoleMessage", "Page", "Request", "Route", "WebError"]

CHROMIUM = Path("/usr/bin/chromium")
# Nothing is asked of any host but ours; as root, which CI is, there is no sandbox.
_ARGUMENTS = [
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]


def missing() -> str:
    """Say what a browser test cannot run without; nothing when all is there."""
    if sync_playwright is None:
        return "playwright is not installed"
    return "" if CHROMIUM.exists() else f"{CHROMIUM} is not installed"


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Run Chromium without a window until the block ends.

    The driver keeps an event loop running in this thread, so no test may use asyncio within the block.
    """
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=_ARGUMENTS,
            # People's browsers have a back/forward cache.
            ignore_default_args=["--disable-back-forward-cache"],
        )
        try:
            yield browser
        finally:
            browser.close()
