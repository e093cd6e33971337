"""Cross-site requests that carry cookies: refused by where they come from, and by double submit on top.

Source: OWASP CSRF Prevention Cheat Sheet; W3C Fetch Metadata.
"""

import base64
import hashlib
import hmac
import secrets
from uuid import UUID

from flask import Request

from app.engine.errors import CrossSiteRequest, CsrfTokenInvalid
from app.primitives.keyring import Keyring, Purpose

HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_RANDOM_BYTES = 16
_NO_SESSION = UUID(int=0)


class OriginCheck:
    """Lets a cookie-bearing request pass from the configured origins only. The first is the service's own."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self.own = origins[0]
        self._origins = frozenset(origins)

    def check(self, request: Request) -> None:
        """Refuse an unsafe request from elsewhere.

        A request with neither header does not come from a browser, which always sends one of them.

        Raises:
            CrossSiteRequest: it came from another site, or from a page without an origin.
        """
        if request.method in SAFE_METHODS:
            return
        origin = request.headers.get("Origin")
        site = request.headers.get("Sec-Fetch-Site")
        if origin is not None and origin not in self._origins:
            raise CrossSiteRequest("origin")
        # A browser calls a request cross-site or same-site only if its page is not ours; then the page's
        # origin must be one that was configured by name.
        if site in {"cross-site", "same-site"} and origin in {None, self.own}:
            raise CrossSiteRequest(f"fetch metadata: {site}")


class DoubleSubmit:
    """Signed values, bound to the session, that come back in a header beside their cookie."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def issue(self, session_id: UUID | None) -> str:
        """Return a fresh value for a session, or for a visitor who has none yet."""
        random = secrets.token_bytes(_RANDOM_BYTES)
        mac = _mac(self._keyring.signing(Purpose.CSRF_TOKEN), session_id, random)
        return base64.urlsafe_b64encode(random + mac).decode()

    def check(self, cookie: str | None, header: str | None, session_id: UUID | None) -> None:
        """Compare header and cookie, and both with the session.

        Raises:
            CsrfTokenInvalid: missing, unequal, forged or another session's.
        """
        if not cookie or not header or not hmac.compare_digest(cookie.encode(), header.encode()):
            raise CsrfTokenInvalid("missing or unequal")
        try:
            raw = base64.urlsafe_b64decode(header.encode())
        except ValueError as error:
            raise CsrfTokenInvalid("malformed") from error
        random, mac = raw[:_RANDOM_BYTES], raw[_RANDOM_BYTES:]
        keys = self._keyring.verifying(Purpose.CSRF_TOKEN)
        if not any(hmac.compare_digest(_mac(key, session_id, random), mac) for key in keys):
            raise CsrfTokenInvalid("another session's")


def _mac(key: bytes, session_id: UUID | None, random: bytes) -> bytes:
    return hmac.digest(key, (session_id or _NO_SESSION).bytes + random, hashlib.sha256)
