"""Whether a password is known from a breach, asked in a way that does not give it away.

A source is asked for all hashes that begin with the same five hexadecimal digits, about a thousand of them,
and the comparison is made here (k-anonymity).
"""

import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from config import PasswordSettings
from config.addresses import BREACHED_PASSWORDS_URL

_log = logging.getLogger(__name__)

# Given the first 5 digits of a SHA-1, return the other 35 of every breached password, each perhaps followed
# by a colon and how often it was seen.
BreachedRange = Callable[[str], Iterable[str]]

_PREFIX_DIGITS = 5
_LONGEST_ANSWER = 1_048_576


class SourceAway(Exception):
    """A source gave no range; the message is the kind of failure, without the address."""


def is_breached(password: str, source: BreachedRange) -> bool:
    """Tell whether the source knows the password; while the source is away, no password is known."""
    try:
        return knows(source, password)
    except SourceAway as away:
        _log.warning("the source of breached passwords is away: %s", away)
        return False


def knows(source: BreachedRange, password: str) -> bool:
    """Ask the source for the range of the password, and look for it there.

    Raises:
        SourceAway: it does not answer, or has no such range.
    """
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    prefix, suffix = digest[:_PREFIX_DIGITS], digest[_PREFIX_DIGITS:]
    try:
        lines = [line.strip().upper().partition(":") for line in source(prefix)]
    except (OSError, HTTPException, ValueError) as error:
        raise SourceAway(type(error).__name__) from error
    # A count of 0 is padding, which hides how long the answer really is.
    return any(found == suffix and count != "0" for found, _, count in lines)


def configured_range(settings: PasswordSettings) -> BreachedRange | None:
    """Return the source that the settings name, if they name one."""
    return None if settings.breached_url is None else breached_range(settings.breached_url.reveal())


def breached_range(url: str) -> BreachedRange:
    """Return the source that a URL names: a folder of files, or an HTTP service.

    Raises:
        ValueError: what `KEYTURN_BREACHED_PASSWORDS_URL` does not accept either, without repeating it.
    """
    parts = urlsplit(BREACHED_PASSWORDS_URL.parse(url).reveal())
    if parts.scheme == "file":
        return FolderRange(Path(parts.path))
    return HttpRange(url)


@dataclass(frozen=True, slots=True)
class FolderRange:
    """One text file per prefix, with or without `.txt`. Breaches know every prefix, so none is missing."""

    folder: Path

    def __call__(self, prefix: str) -> Iterable[str]:
        """Return the lines of one range."""
        path = self.folder / prefix
        path = path if path.exists() else path.with_suffix(".txt")
        return path.read_text("ascii").splitlines()


@dataclass(frozen=True, slots=True)
class HttpRange:
    """GET of the URL with the prefix at its end."""

    url: str
    timeout: timedelta = timedelta(seconds=2)

    def __call__(self, prefix: str) -> Iterable[str]:
        """Return the lines of one range."""
        request = Request(self.url + prefix, headers={"Add-Padding": "true", "User-Agent": "keyturn"})  # noqa: S310 - the scheme is checked with the settings
        with urlopen(request, timeout=self.timeout.total_seconds()) as answer:  # noqa: S310 - as above
            body: bytes = answer.read(_LONGEST_ANSWER)
        return body.decode("ascii").splitlines()
