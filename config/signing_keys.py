"""Which texts are good enough to be a signing key (RFC 7518 section 3.2: at least the hash's length)."""

from __future__ import annotations

import re

from config.kinds import Kind, list_items
from config.problems import Unacceptable
from config.secret import Secret

MINIMUM_BYTES = 32
SAMPLE = "change-me-to-the-output-of-the-command-above"

_FEWEST_CHARACTERS = 8
_SHORTEST_PERIOD = 16
_SAMPLE_WORDS = (
    "changeme",
    "changethis",
    "replaceme",
    "replacethis",
    "yoursecret",
    "supersecret",
    "placeholder",
)


def signing_key(text: str) -> Secret:
    try:
        length = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise Unacceptable("is not UTF-8 text") from error
    if length < MINIMUM_BYTES:
        raise Unacceptable(f"has {length} bytes, fewer than {MINIMUM_BYTES}")
    if "," in text:
        raise Unacceptable("holds a comma, at which fallbacks are separated, so it could never be one")
    if len(set(text)) < _FEWEST_CHARACTERS or _period(text) < _SHORTEST_PERIOD:
        raise Unacceptable("is too regular to be a random value")
    letters = re.sub("[^a-z]", "", text.casefold())
    if any(word in letters for word in _SAMPLE_WORDS):
        raise Unacceptable("is a sample value that anybody can read in a documentation")
    return Secret(text)


def _period(text: str) -> int:
    """The length of the shortest block whose repetition, the last one perhaps cut short, gives the text."""
    return next(size for size in range(1, len(text) + 1) if text.startswith(text[size:]))


def _signing_keys(text: str) -> tuple[Secret, ...]:
    return tuple(signing_key(item) for item in list_items(text))


HOW_TO_MAKE_ONE = "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
SIGNING_KEY = Kind(
    f"at least {MINIMUM_BYTES} random bytes without a comma, as from `{HOW_TO_MAKE_ONE}`",
    signing_key,
    private=True,
)
SIGNING_KEYS = Kind("older signing keys, separated by commas", _signing_keys, private=True)
