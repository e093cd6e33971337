"""What a one-time code looks like, how it is read back, and the keyed hash that is stored of it."""

import base64
import binascii
import hashlib
import hmac
import secrets
from enum import StrEnum
from uuid import UUID

_TOKEN_PREFIX = "ktc_"
_SECRET_BYTES = 32
_ID_LETTERS = 22  # 16 bytes in base64 without padding
# Consonants without the ones that are mistaken for another; no vowels, so that no words arise.
_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
_GROUP = 4


class CodeForm(StrEnum):
    """What a code looks like: six digits, easy letters (RFC 8628 section 6.1), or a token for a link."""

    DIGITS = "digits"
    LETTERS = "letters"
    TOKEN = "token"


def generate(form: CodeForm) -> str:
    """Return a new secret, as it is shown."""
    if form is CodeForm.TOKEN:
        return secrets.token_urlsafe(_SECRET_BYTES)
    if form is CodeForm.DIGITS:
        return f"{secrets.randbelow(1_000_000):06d}"
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(2))
    return "-".join(groups)


def folded(typed: str, form: CodeForm) -> str:
    """Return a code without what people add when they type it; a token is never folded."""
    if form is CodeForm.TOKEN:
        return typed
    return "".join(typed.split()).replace("-", "").upper()


def hash_code(key: bytes, purpose: str, user_id: int, code_id: UUID, secret: str) -> str:
    """Return what is stored of a code; it is good for this purpose, person and row alone."""
    content = f"{purpose}\n{user_id}\n{code_id}\n{secret}".encode()
    return hmac.new(key, content, hashlib.sha256).hexdigest()


def write_token(code_id: UUID, secret: str) -> str:
    """Return the token that names its own row."""
    return f"{_TOKEN_PREFIX}{base64.urlsafe_b64encode(code_id.bytes).decode().rstrip('=')}{secret}"


def read_token(raw: str) -> tuple[UUID, str] | None:
    """Return the row and the secret that a token names, or None where it is none of ours."""
    if not raw.startswith(_TOKEN_PREFIX) or not raw.isascii():
        return None
    body = raw.removeprefix(_TOKEN_PREFIX)
    try:
        code_id = UUID(bytes=base64.b64decode(body[:_ID_LETTERS] + "==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        return None
    return (code_id, body[_ID_LETTERS:]) if write_token(code_id, body[_ID_LETTERS:]) == raw else None
