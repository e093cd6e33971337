"""A signed JSON object in JWS compact form with HMAC-SHA256, and nothing else (RFC 7515 section 7.1).

For tokens that only this service reads. One algorithm and one key per kind leave nothing to negotiate, and a
general library spends several times as long on ruling out what cannot occur here.
"""

import base64
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Final

from app.primitives.jwt_format import MAX_TOKEN_LENGTH, MalformedToken, check_timestamps, read_unverified

ALGORITHM: Final = "HS256"
_HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=") + b"."
# Made once: `json.dumps` with any option makes an encoder for each call.
_encode_json = json.JSONEncoder(separators=(",", ":")).encode


def write_signed(claims: Mapping[str, object], key: bytes) -> str:
    """Return the claims as a JWT whose header is `{"alg":"HS256","typ":"JWT"}`."""
    content = _HEADER + _encoded(_encode_json(claims).encode())
    return (content + b"." + _signature(key, content)).decode()


def read_signed(token: str, keys: Iterable[bytes]) -> dict[str, object] | None:
    """Return the claims of a token that one of the keys signed, or None if none of them did.

    The signature is compared first, as text and in constant time: what carries it is letter by letter what
    was written here, and need not be taken apart as distrustfully as a stranger's.

    Raises:
        MalformedToken: it is not even of the form; the reason is for the log.
    """
    if len(token) <= MAX_TOKEN_LENGTH and token.isascii():
        content, _, signature = token.encode().rpartition(b".")
        if content.startswith(_HEADER) and any(
            hmac.compare_digest(_signature(key, content), signature) for key in keys
        ):
            return _claims(content[len(_HEADER) :])
    read_unverified(token, algorithm=ALGORITHM)
    return None


def _claims(segment: bytes) -> dict[str, object]:
    claims = json.loads(base64.urlsafe_b64decode(segment + b"==").decode())
    if not isinstance(claims, dict):
        raise MalformedToken("not a JSON object")
    check_timestamps(claims)
    return claims


def _signature(key: bytes, content: bytes) -> bytes:
    return _encoded(hmac.digest(key, content, "sha256"))


def _encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
