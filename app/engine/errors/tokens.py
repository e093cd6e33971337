"""Refusals of tokens, sessions and applications."""

from app.engine.errors.base import AuthError


class AccessTokenMissing(AuthError):
    """No access token came with a request that needs one."""

    code = "access_token_missing"
    message = "An access token is required."


class InvalidAccessToken(AuthError):
    """The access token is malformed, forged, expired or of another kind."""

    code = "access_token_invalid"
    message = "The access token is not valid."


class AccessTokenMalformed(InvalidAccessToken):
    """What came in its place is no signed token at all."""

    code = "access_token_malformed"


class AccessTokenExpired(InvalidAccessToken):
    """The access token is genuine, but past its end."""

    code = "access_token_expired"
    message = "The access token has expired."


class AccessSessionEnded(InvalidAccessToken):
    """The access token is genuine, but its session is over."""

    code = "access_session_ended"
    message = "The session is over."


class RefreshTokenMissing(AuthError):
    """No refresh token came with the request."""

    code = "refresh_token_missing"
    message = "A refresh token is required."


class InvalidRefreshToken(AuthError):
    """The refresh token is malformed, forged or unknown. Nothing was changed.

    `is_outdated`: by a login or a change of rights of its own browser, which may hold newer cookies by now.
    """

    code = "refresh_token_invalid"
    message = "The refresh token is not valid."

    def __init__(self, detail: str = "", *, is_outdated: bool = False) -> None:
        super().__init__(detail)
        self.is_outdated = is_outdated


class RefreshTokenExpired(InvalidRefreshToken):
    """The session ran out by itself. Never taken for theft."""

    code = "refresh_token_expired"
    message = "The session has expired."


class SessionRevoked(InvalidRefreshToken):
    """The session was ended before: logout, revocation, an earlier reuse."""

    code = "session_revoked"
    message = "The session is over."


class RefreshTokenReused(InvalidRefreshToken):
    """A superseded token came back; the session is already revoked and committed."""

    code = "refresh_token_reused"
    message = "The refresh token was used before."


class InvalidClient(AuthError):
    """The application is not registered or did not prove itself; one answer, and the same work was done."""

    code = "invalid_client"
    message = "Client authentication failed."


class CrossSiteRequest(AuthError):
    """A cookie-bearing request came from a site that is not configured."""

    code = "cross_site_request"
    message = "The request came from another site."


class CsrfTokenInvalid(AuthError):
    """The double-submit token is missing or not this session's."""

    code = "csrf_token_invalid"
    message = "The CSRF token is missing or wrong."
