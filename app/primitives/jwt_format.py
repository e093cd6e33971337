"""The strict form of a compact JWT: what a token must look like before its signature is worth checking.

Decides about form alone. Signature, issuer, audience, kind and the present moment are checked by others.
"""

import json
import re
from base64 import urlsafe_b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from functools import lru_cache
from math import isfinite
from string import ascii_letters, digits
from typing import Final, NoReturn

MAX_TOKEN_LENGTH: Final = 4096
MAX_KID_LENGTH: Final = 64
MAX_NESTING: Final = 8
MAX_INTEGER_LENGTH: Final = 20
MAX_TIMESTAMP: Final = 2**41

# Every byte outside the url-safe alphabet, "+", "/" and "=" included, becomes "!", which no encoder writes.
_TO_STANDARD_ALPHABET: Final = bytes(
    {"-": ord("+"), "_": ord("/")}.get(chr(byte), byte if chr(byte) in ascii_letters + digits else ord("!"))
    for byte in range(256)
)
# The closing quote is optional so that an unterminated string is passed over once and not once per quote.
_JSON_STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)


class MalformedToken(ValueError):
    """A token whose form is refused; `reason` is for the log and quotes nothing from the token."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_unverified(token: str, *, algorithm: str) -> dict[str, object]:
    """Return the claims of a well-formed token; nothing in them is to be believed before verification.

    Two different texts never stand for the same bytes, so one signature has one spelling.

    Raises:
        MalformedToken: for every input that is not of the strict form, whatever is wrong with it.

    Source: RFC 7515 sections 3.1, 4 and 4.1.11; RFC 8725 sections 2.4 and 3.11.
    """
    header, payload, signature = _split(token)
    if header != _canonical_header(algorithm):
        _check_header(_parse_object(_decode_base64url(header)), algorithm)
    _decode_base64url(signature)
    claims = _parse_object(_decode_base64url(payload))
    check_timestamps(claims)
    return claims


def _split(token: str) -> list[bytes]:
    if not isinstance(token, str):
        raise MalformedToken("not text")
    if len(token) > MAX_TOKEN_LENGTH:
        raise MalformedToken("too long")
    if not token.isascii():
        raise MalformedToken("not ASCII")
    segments = token.encode("ascii").split(b".", 3)
    if len(segments) != 3:
        raise MalformedToken("not three segments")
    return segments


def _decode_base64url(segment: bytes) -> bytes:
    encoded = segment.translate(_TO_STANDARD_ALPHABET) + b"==="[: -len(segment) % 4]
    try:
        decoded = a2b_base64(encoded)
    except Base64Error:
        raise MalformedToken("not base64url") from None
    # The decoder skips foreign letters and ignores spare bits; encoding again shows that there were none.
    if not decoded or b2a_base64(decoded, newline=False) != encoded:
        raise MalformedToken("empty segment or not canonical base64url")
    return decoded


@lru_cache(maxsize=8)
def _canonical_header(algorithm: str) -> bytes:
    header = json.dumps({"alg": algorithm, "typ": "JWT"}, separators=(",", ":"))
    return urlsafe_b64encode(header.encode()).rstrip(b"=")


def _check_header(header: dict[str, object], algorithm: str) -> None:
    kid = header.pop("kid", "")
    if not isinstance(kid, str) or len(kid) > MAX_KID_LENGTH:
        raise MalformedToken("kid is not a short text")
    # Equality refuses crit, jwk, jku, x5u, x5c, b64 and whatever will be invented next.
    if header != {"alg": algorithm, "typ": "JWT"}:
        raise MalformedToken("header has another algorithm, type or parameter")


def check_timestamps(claims: dict[str, object]) -> None:
    """Make sure that a token says when it was made and when it ends.

    Raises:
        MalformedToken: a moment is missing or is no integer in range.
    """
    for name in ("exp", "iat", "nbf") if "nbf" in claims else ("exp", "iat"):
        moment = claims.get(name)
        # A bool is an int to isinstance.
        if type(moment) is not int or not 0 <= moment <= MAX_TIMESTAMP:
            raise MalformedToken(f"{name} is missing or no integer in range")


def _parse_object(encoded: bytes) -> dict[str, object]:
    try:
        text = encoded.decode("utf-8")
        _check_nesting(text)
        parsed = _STRICT_JSON.decode(text)
        # Half of a surrogate pair can be escaped in JSON but has no UTF-8 form to store or log it in.
        if "\\u" in text:
            json.dumps(parsed, ensure_ascii=False).encode("utf-8")
    except (UnicodeError, json.JSONDecodeError):
        raise MalformedToken("not JSON in UTF-8") from None
    if not isinstance(parsed, dict):
        raise MalformedToken("not a JSON object")
    return parsed


def _check_nesting(text: str) -> None:
    # Few brackets cannot nest deeply, and an honest token has few; only others are worth a closer look.
    if text.count("{") + text.count("[") <= MAX_NESTING:
        return
    depth = 0
    for character in _JSON_STRING.sub("", text):
        if character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
        if depth > MAX_NESTING:
            raise MalformedToken("nested too deeply")


def _unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedToken("duplicate key")
    return members


def _short_integer(literal: str) -> int:
    # Reading digits takes quadratic time, so the length is checked first.
    if len(literal) > MAX_INTEGER_LENGTH:
        raise MalformedToken("integer too long")
    return int(literal)


def _finite_float(literal: str) -> float:
    number = float(literal)
    if not isfinite(number):
        raise MalformedToken("number out of range")
    return number


def _no_constant(_literal: str) -> NoReturn:
    raise MalformedToken("NaN or Infinity")


_STRICT_JSON: Final = json.JSONDecoder(
    object_pairs_hook=_unique_members,
    parse_int=_short_integer,
    parse_float=_finite_float,
    parse_constant=_no_constant,
)
