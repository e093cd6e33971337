"""A signed JSON object in JWS compact form with HMAC-SHA256, and nothing else (RFC 7515 section 7.1).

For tokens that only this service reads. One algorithm and one key per kind leave nothing to negotiate, and a
general library spends several times as long on ruling out what cannot occur here.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping

_HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")


def write_signed(claims: Mapping[str, object], key: bytes) -> str:
    """Return the claims as a JWT whose header is `{"alg":"HS256","typ":"JWT"}`."""
    payload = json.dumps(claims, separators=(",", ":")).encode()
    content = _HEADER + b"." + _encoded(payload)
    return (content + b"." + _encoded(hmac.digest(key, content, hashlib.sha256))).decode()


def is_signed(token: str, keys: Iterable[bytes]) -> bool:
    """Tell whether one of the keys signed the token; compares in constant time.

    The token is ASCII with canonical segments: `jwt_format.read_unverified` has seen to that.
    """
    content, _, signature = token.encode().rpartition(b".")
    return any(
        hmac.compare_digest(_encoded(hmac.digest(key, content, hashlib.sha256)), signature) for key in keys
    )


def _encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
