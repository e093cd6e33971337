"""Refresh tokens: derived from the session, never stored.

The proof of generation n is HMAC-SHA256(key, "refresh" ‖ salt ‖ session id ‖ n). The salt never leaves the
database and the key never enters it, so neither of the two alone makes a token; and because the proof can be
derived again, repeating a refresh gives the same successor. See docs/refresh-tokens.md.
"""

import base64
import hashlib
import hmac
import re
import struct
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from app.engine.errors import InvalidRefreshToken
from app.engine.snapshot import SessionRow, Snapshot
from app.primitives.jwt_format import MalformedToken
from app.primitives.keyring import Keyring, Purpose
from app.primitives.signed_json import read_signed, write_signed

PREFIX = "kt1_"
_CHECKSUM_BYTES = 10  # 16 + 8 + 32 + 10 = 66 bytes are exactly 88 letters: no spare bits to vary.
# The decoder alone would take "+" and "/" for "-" and "_", a second spelling of the same token.
_OPAQUE = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{88}}")
_GENERATION_LIMIT = 2**63


class PresentedToken(NamedTuple):
    """What a refresh token says. The proof is not checked yet: that takes the session's salt."""

    session_id: UUID
    generation: int
    proof: bytes


class RefreshTokenForm(Protocol):
    """How a refresh token is written on the wire."""

    def write(self, snapshot: Snapshot, proof: bytes, now: datetime) -> str:
        """Return the token of the snapshot's generation."""
        ...

    def read(self, raw_token: str) -> PresentedToken:
        """Parse a token without touching the database.

        Raises:
            InvalidRefreshToken: the text is not one that this service has written.
        """
        ...


class ProofMaker:
    """Derives and checks proofs."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def derive(self, session: SessionRow) -> bytes:
        """Return the 32-byte proof of the session's present generation."""
        return _proof(self._keyring.signing(Purpose.REFRESH_TOKEN), session, session.generation)

    def is_genuine(self, session: SessionRow, token: PresentedToken) -> bool:
        """Tell whether this service made the token; any generation will do."""
        return any(
            hmac.compare_digest(_proof(key, session, token.generation), token.proof)
            for key in self._keyring.verifying(Purpose.REFRESH_TOKEN)
        )


class OpaqueForm:
    """`kt1_` and 88 url-safe letters; a checksum lets garbage be refused without a read."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def write(self, snapshot: Snapshot, proof: bytes, now: datetime) -> str:  # noqa: ARG002 - part of the form
        """Return the opaque text; it says nothing about its end, the row does."""
        session = snapshot.session
        content = session.id.bytes + struct.pack(">Q", session.generation) + proof
        checksum = _checksum(self._keyring.signing(Purpose.REFRESH_TOKEN_CHECKSUM), content)
        return PREFIX + base64.urlsafe_b64encode(content + checksum).decode()

    def read(self, raw_token: str) -> PresentedToken:
        """Parse the text; a cut, padded or re-cased form is a stranger."""
        if not _OPAQUE.fullmatch(raw_token):
            raise InvalidRefreshToken("malformed")
        raw = base64.urlsafe_b64decode(raw_token.removeprefix(PREFIX))
        content, checksum = raw[:-_CHECKSUM_BYTES], raw[-_CHECKSUM_BYTES:]
        keys = self._keyring.verifying(Purpose.REFRESH_TOKEN_CHECKSUM)
        if not any(hmac.compare_digest(_checksum(key, content), checksum) for key in keys):
            raise InvalidRefreshToken("checksum")
        (generation,) = struct.unpack(">Q", content[16:24])
        return _presented(UUID(bytes=content[:16]), generation, content[24:])


class EnvelopeForm:
    """The same values as claims of a signed JWT, for contracts whose clients read refresh tokens.

    `claims` gives the contract's documented claims. `exp` is for such readers; the row decides the end.
    """

    def __init__(self, keyring: Keyring, claims: Callable[[Snapshot], Mapping[str, object]]) -> None:
        self._keyring = keyring
        self._claims = claims

    def write(self, snapshot: Snapshot, proof: bytes, now: datetime) -> str:
        """Return the JWT; its `iat` may differ when the same generation is written again."""
        session = snapshot.session
        claims = {
            **self._claims(snapshot),
            "sid": str(session.id),
            "gen": session.generation,
            "proof": base64.urlsafe_b64encode(proof).decode().rstrip("="),
            "type": "refresh",
            "iat": int(now.timestamp()),
            "exp": int(session.expires_at.timestamp()),
        }
        return write_signed(claims, self._keyring.signing(Purpose.REFRESH_TOKEN_ENVELOPE))

    def read(self, raw_token: str) -> PresentedToken:
        """Check the form, the signature and the kind of the JWT."""
        try:
            claims = read_signed(raw_token, self._keyring.verifying(Purpose.REFRESH_TOKEN_ENVELOPE))
        except MalformedToken as error:
            raise InvalidRefreshToken(f"malformed: {error.reason}") from error
        if claims is None:
            raise InvalidRefreshToken("signature")
        sid, generation, proof = claims.get("sid"), claims.get("gen"), claims.get("proof")
        if claims.get("type") != "refresh" or not isinstance(sid, str) or not isinstance(proof, str):
            raise InvalidRefreshToken("not a refresh token")
        if type(generation) is not int:
            raise InvalidRefreshToken("not a refresh token")
        try:
            return _presented(UUID(sid), generation, base64.urlsafe_b64decode(proof + "="))
        except ValueError as error:
            raise InvalidRefreshToken("malformed") from error


def fingerprint(raw_token: str) -> str:
    """Return what may stand in a log for a token."""
    return hashlib.sha256(raw_token.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _presented(session_id: UUID, generation: int, proof: bytes) -> PresentedToken:
    if not 1 <= generation < _GENERATION_LIMIT:
        raise InvalidRefreshToken("generation out of range")
    return PresentedToken(session_id, generation, proof)


def _proof(key: bytes, session: SessionRow, generation: int) -> bytes:
    content = b"refresh" + session.salt + session.id.bytes + struct.pack(">Q", generation)
    return hmac.digest(key, content, hashlib.sha256)


def _checksum(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, hashlib.sha256)[:_CHECKSUM_BYTES]
