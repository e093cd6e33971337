"""By what a person is found, in the one form in which it is stored and compared."""

import re
from dataclasses import dataclass
from enum import StrEnum

from app.engine.errors import InvalidRequest

_PHONE_FILLERS = re.compile(r"[\s().\-]")
_PHONE = re.compile(r"\+?[0-9]{5,20}")
# RFC 5321 section 4.5.3.1.3, less the angle brackets. Letters beyond ASCII take several octets.
_EMAIL_OCTETS = 254
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}")


class IdentifierKind(StrEnum):
    """What kind of name a person logs in with; each is a unique column of `users`."""

    EMAIL = "email"
    PHONE = "phone"
    USERNAME = "username"


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier as it was typed, folded."""

    kind: IdentifierKind
    value: str

    @classmethod
    def of(cls, kind: IdentifierKind, typed: str) -> "Identifier":
        """Fold what was typed; any text will do, since an unknown identifier is no error yet."""
        folds = {IdentifierKind.EMAIL: _folded_email, IdentifierKind.PHONE: _folded_phone}
        return cls(kind, folds.get(kind, str.strip)(typed))

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


def new_email(typed: str) -> str:
    """Return an address as it is stored: without space around it, in lower case, otherwise untouched.

    Raises:
        InvalidRequest: it cannot be an address.
    """
    folded = _folded_email(typed)
    is_short = len(folded.encode(errors="backslashreplace")) <= _EMAIL_OCTETS
    if not is_short or not _EMAIL.fullmatch(folded) or "." not in folded.rpartition("@")[2].strip("."):
        raise InvalidRequest({"email": "email must be an email"})
    return folded


def new_phone(typed: str) -> str:
    """Return a number as it is stored: digits with an optional plus in front.

    Raises:
        InvalidRequest: it cannot be a phone number.
    """
    folded = _folded_phone(typed)
    if not _PHONE.fullmatch(folded):
        raise InvalidRequest({"phone": "phone must be a phone number"})
    return folded


def new_username(typed: str) -> str:
    """Return a user name as it is stored: without space around it.

    With an `@` it could be another person's address, which some contracts show or take in the same place.

    Raises:
        InvalidRequest: it is empty, or has an `@`.
    """
    folded = typed.strip()
    if not folded or "@" in folded:
        raise InvalidRequest({"username": "username must not be empty or contain @"})
    return folded


def _folded_email(typed: str) -> str:
    return typed.strip().lower()


def _folded_phone(typed: str) -> str:
    return _PHONE_FILLERS.sub("", typed)
