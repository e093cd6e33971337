"""The kinds of value a setting can have: how one is read and what is said about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from config.problems import Unacceptable

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")
Choice = TypeVar("Choice", bound="StrEnum")


@dataclass(frozen=True, slots=True)
class Kind(Generic[T_co]):
    """`parse` raises Unacceptable; the text of a `private` value is never repeated in a problem."""

    accepted: str
    parse: Callable[[str], T_co]
    private: bool = False


def one_of(choices: type[Choice]) -> Kind[Choice]:
    by_text = {choice.value.casefold(): choice for choice in choices}

    def parse(text: str) -> Choice:
        if text.casefold() not in by_text:
            raise Unacceptable("is not one of the choices")
        return by_text[text.casefold()]

    return Kind(", ".join(f"`{choice.value}`" for choice in choices), parse)


def whole_number(least: int, most: int) -> Kind[int]:
    def parse(text: str) -> int:
        # ASCII digits only: int() would also take "1_000", "+5" and digits of other scripts.
        if not re.fullmatch(r"[0-9]{1,12}", text):
            raise Unacceptable("is not a whole number")
        if not least <= int(text) <= most:
            raise Unacceptable("is out of range")
        return int(text)

    return Kind(f"{least} to {most}", parse)


def seconds(least: int, most: int) -> Kind[timedelta]:
    number = whole_number(least, most)
    return Kind(f"{number.accepted} seconds", lambda text: timedelta(seconds=number.parse(text)))


def _boolean(text: str) -> bool:
    if text.casefold() not in {"true", "false"}:
        raise Unacceptable("is neither true nor false")
    return text.casefold() == "true"


BOOLEAN = Kind("`true`, `false`", _boolean)

_COOKIE_PREFIXES = {"none": "", "host": "__Host-", "secure": "__Secure-"}


def _cookie_prefix(text: str) -> str:
    if text.casefold() not in _COOKIE_PREFIXES:
        raise Unacceptable("is not one of the choices")
    return _COOKIE_PREFIXES[text.casefold()]


COOKIE_PREFIX = Kind("`none`, `host` (`__Host-`), `secure` (`__Secure-`)", _cookie_prefix)


def _jwt_algorithm(text: str) -> str:
    if text in {"EdDSA", "ES256", "RS256"}:
        raise Unacceptable("needs a key set, and key sets are not available in this version")
    if text != "HS256":
        raise Unacceptable("is not an allowed algorithm")
    return text


JWT_ALGORITHM = Kind("`HS256`", _jwt_algorithm)

# The grammar of the limits package, narrowed to amounts that limit something.
_SINGLE_LIMIT = re.compile(
    r"\s*0*[1-9][0-9]*\s*(/|per)\s*(0*[1-9][0-9]*)?\s*(second|minute|hour|day|month|year)s?\s*",
    re.ASCII | re.IGNORECASE,
)


def _rate_limit(text: str) -> str | None:
    if text.casefold() == "off":
        return None
    if not all(_SINGLE_LIMIT.fullmatch(part) for part in re.split("[,;|]", text)):
        raise Unacceptable("is not a rate limit")
    return text


RATE_LIMIT = Kind("`20 per minute`, `5/second; 100/hour`, …, or `off`", _rate_limit)


_LABEL_BYTES = 64


def _label(text: str) -> str:
    # A colon would end the issuer within an authenticator's label, and a QR code holds only so much.
    is_short = len(text.encode(errors="backslashreplace")) <= _LABEL_BYTES
    if not is_short or not re.fullmatch(r"[^\x00-\x1f\x7f:]+", text):
        raise Unacceptable("is not a short name without colons")
    return text


LABEL = Kind(f"1 to {_LABEL_BYTES} bytes of UTF-8 without colons", _label)

_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")


def _pages_prefix(text: str) -> str | None:
    if text.casefold() == "off":
        return None
    if not _PATH.fullmatch(text) or any(segment in {".", ".."} for segment in text.split("/")):
        raise Unacceptable("is no path that begins with a slash and ends without one")
    return text


PAGES_PREFIX = Kind("a path such as `/account`, or `off`", _pages_prefix)


def _local_path(text: str) -> str:
    # Two slashes, or a backslash that browsers take for one, would lead to another host.
    if not re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", text):
        raise Unacceptable("is no path on this host")
    return text


LOCAL_PATH = Kind("a path on this host such as `/`", _local_path)

_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


def _cookie_domain(text: str) -> str:
    if not _DOMAIN.fullmatch(text.lower()):
        raise Unacceptable("is not a domain name with at least two labels and no leading dot")
    return text.lower()


COOKIE_DOMAIN = Kind("a domain such as `example.org`", _cookie_domain)


def list_items(text: str) -> tuple[str, ...]:
    """Split at commas; empty items are dropped."""
    return tuple(item for item in map(str.strip, text.split(",")) if item)


def several_of(choices: type[Choice]) -> Kind[tuple[Choice, ...]]:
    one = one_of(choices)

    def parse(text: str) -> tuple[Choice, ...]:
        found = tuple(dict.fromkeys(one.parse(item) for item in list_items(text)))
        if not found:
            raise Unacceptable("names none of the choices")
        return found

    return Kind(f"{one.accepted}, separated by commas", parse)
