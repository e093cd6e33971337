"""Access tokens: issued through Flask-JWT-Extended, read strictly, judged by the injected clock."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from flask import Flask
from flask_jwt_extended import JWTManager

from app.engine.errors import AccessTokenExpired, AccessTokenMalformed, InvalidAccessToken
from app.engine.grant import Grant
from app.primitives.clock import Clock
from app.primitives.jwt_format import MalformedToken
from app.primitives.keyring import Keyring, Purpose
from app.primitives.signed_json import read_signed, write_signed

# These say to a guard that reads no session that a second factor, or another password, is still due.
_PENDING_CLAIM = "mfa_pending"
_OVERDUE_CLAIM = "password_due"
_DUE_CLAIMS = frozenset({_PENDING_CLAIM, _OVERDUE_CLAIM})


class AccessClaims(NamedTuple):
    """What a verified access token says about its session."""

    session_id: UUID
    generation: int
    claims: Mapping[str, Any]


class Audience(NamedTuple):
    """For whom a contract's access tokens are, and in whose name."""

    issuer: str
    audience: str


class AccessTokenManager(JWTManager):
    """Flask-JWT-Extended with our own signing behind `create_access_token`, and with every key that verifies.

    For each token it signs, the general library first makes sure that the key is not a key of another kind;
    with one algorithm and a derived key that is most of the work and rules out nothing.
    """

    def __init__(self, app: Flask, keys: Sequence[bytes]) -> None:
        super().__init__(app)
        self._signing_key, *self._older_keys = keys

    def sign(self, subject: str, token_type: str, claims: Mapping[str, Any]) -> str:
        """Sign at once; what else the library could put in, the caller has already decided."""
        own = {"jti": str(uuid4()), "type": token_type, "sub": subject}
        return write_signed({**own, **claims}, self._signing_key)

    def _encode_jwt_from_config(  # type: ignore[override]
        self, identity: Any, token_type: str, claims: Mapping[str, Any] | None = None, **_options: Any
    ) -> str:
        """Serve the library's own functions, which a host application may call."""
        return self.sign(identity, token_type, claims or {})

    def _decode_jwt_from_config(self, encoded_token: str, *options: Any, **named: Any) -> dict[str, Any]:
        """Verify for the library's own decorators and functions, by one of the older keys too.

        Its hook for keys sees all of a token but the signature, which tells by which key it was made. So a
        token of an older key is handed on as the same token of the present one, the only one that it knows.
        """
        with suppress(MalformedToken):
            claims = read_signed(encoded_token, self._older_keys)
            if claims is not None:
                encoded_token = write_signed(claims, self._signing_key)
        return super()._decode_jwt_from_config(encoded_token, *options, **named)


class AccessTokens:
    """Issues and reads access tokens of all mounted contracts."""

    def __init__(self, app: Flask, *, keyring: Keyring, clock: Clock, algorithm: str) -> None:
        self._keys = keyring.verifying(Purpose.ACCESS_TOKEN)
        self._clock = clock
        app.config.update(
            JWT_ALGORITHM=algorithm,
            JWT_DECODE_ALGORITHMS=[algorithm],
            JWT_ENCODE_NBF=False,
            JWT_COOKIE_CSRF_PROTECT=False,
            JWT_SECRET_KEY=self._keys[0],
        )
        self.manager = AccessTokenManager(app, self._keys)

    def issue(self, grant: Grant, claims: Mapping[str, Any], audience: Audience) -> str:
        """Return an access token with the contract's claims and ours.

        Source: RFC 9068 section 2.2 for the set; the contract's documented claims keep their names and types.
        """
        session = grant.session
        signed = {
            **claims,
            "sid": str(session.id),
            "gen": session.generation,
            "iss": audience.issuer,
            "aud": audience.audience,
            "iat": int(grant.issued_at.timestamp()),
            "exp": int(grant.access_expires_at.timestamp()),
            "auth_time": int(session.authenticated_at.timestamp()),
            "amr": session.auth_methods,
        }
        if session.mfa_pending:
            signed[_PENDING_CLAIM] = True
        if grant.person.must_change_password:
            signed[_OVERDUE_CLAIM] = True
        return self.manager.sign(str(grant.person.uuid), "access", signed)

    def read(self, token: str, audience: Audience, *, expired_too: bool = False) -> AccessClaims:
        """Verify an access token of one contract; the session is not looked at.

        Raises:
            AccessTokenMalformed: no signed token.
            AccessTokenExpired: past its end.
            InvalidAccessToken: forged, or of another kind or contract.

        Source: RFC 8725 sections 3.1, 3.8, 3.9, 3.11.
        """
        try:
            claims = read_signed(token, self._keys)
        except MalformedToken as error:
            raise AccessTokenMalformed(error.reason) from error
        if claims is None:
            raise InvalidAccessToken("signature")
        if claims.get("type") != "access" or not isinstance(claims.get("sub"), str):
            raise InvalidAccessToken("of another kind")
        if claims.get("iss") != audience.issuer or claims.get("aud") != audience.audience:
            raise InvalidAccessToken("of another issuer or audience")
        end, sid, generation = claims["exp"], claims.get("sid"), claims.get("gen")
        if not isinstance(end, int) or not isinstance(sid, str) or type(generation) is not int:
            raise InvalidAccessToken("names no session")
        if not expired_too and self._clock.now().timestamp() >= end:
            raise AccessTokenExpired
        try:
            return AccessClaims(UUID(sid), generation, claims)
        except ValueError as error:
            raise InvalidAccessToken("names no session") from error


def says_what_is_due(claims: Mapping[str, Any]) -> bool:
    """Tell whether something was due when a token was made; only its session tells whether it still is."""
    return not _DUE_CLAIMS.isdisjoint(claims)
