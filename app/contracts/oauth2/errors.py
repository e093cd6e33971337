"""How oauth2 answers each refusal (RFC 6749 section 5.2).

Why a grant will not do is for the log alone: unknown, expired, revoked and reused are one answer. That a
second factor or another password is due is no secret from whoever knows the password, and no other try at
this grant will help.
"""

from app.engine import errors
from app.engine.errors import AuthError
from app.http.contract import ErrorAnswer

UNSUPPORTED_GRANT_TYPE = ErrorAnswer(
    400, "unsupported_grant_type", "grant_type must be refresh_token or password"
)
INVALID_SCOPE = ErrorAnswer(400, "invalid_scope", "No scopes are granted here; leave out scope")

_INVALID_GRANT = ErrorAnswer(
    400, "invalid_grant", "The grant is invalid, expired, revoked or was issued to another client"
)
_SECOND_FACTOR_DUE = ErrorAnswer(
    400, "invalid_grant", "A second factor is due, which the password grant cannot prove"
)
_PASSWORD_DUE = ErrorAnswer(400, "invalid_grant", "Another password is due, which has to be chosen elsewhere")
_TRY_LATER = "temporarily_unavailable"
_FROM_ELSEWHERE = ErrorAnswer(403, "access_denied")

ERRORS: dict[type[AuthError], ErrorAnswer] = {
    errors.InvalidRequest: ErrorAnswer(400, "invalid_request"),
    errors.RefreshTokenMissing: ErrorAnswer(400, "invalid_request", "refresh_token is required"),
    errors.InvalidClient: ErrorAnswer(
        401, "invalid_client", challenge='Basic realm="oauth2", charset="UTF-8"'
    ),
    errors.PermissionDenied: ErrorAnswer(
        400, "unauthorized_client", "The token was issued to another client"
    ),
    errors.InvalidRefreshToken: _INVALID_GRANT,
    errors.InvalidCredentials: _INVALID_GRANT,
    errors.AccountUnavailable: _INVALID_GRANT,
    errors.SecondFactorRequired: _SECOND_FACTOR_DUE,
    errors.PasswordChangeRequired: _PASSWORD_DUE,
    errors.CrossSiteRequest: _FROM_ELSEWHERE,
    errors.CsrfTokenInvalid: _FROM_ELSEWHERE,
    errors.AccountLocked: ErrorAnswer(429, _TRY_LATER),
    errors.RateLimited: ErrorAnswer(429, _TRY_LATER),
    errors.Unavailable: ErrorAnswer(503, _TRY_LATER),
}
