"""The text with which regardingwork_hub answers each refusal. It documents no codes."""

from app.engine import errors
from app.engine.errors import AuthError
from app.http.contract import ErrorAnswer

_ENDED = ErrorAnswer(401, "", "Invalid or expired refresh token")

ERRORS: dict[type[AuthError], ErrorAnswer] = {
    errors.InvalidCredentials: ErrorAnswer(401, "", "Invalid credentials"),
    errors.RefreshTokenMissing: ErrorAnswer(400, "", "Refresh token is required"),
    errors.InvalidRefreshToken: _ENDED,
    errors.AccountDeleted: ErrorAnswer(401, "", "User not found"),
    errors.AccountUnavailable: ErrorAnswer(401, "", "Account is disabled"),
    errors.AccessTokenMissing: ErrorAnswer(401, "", "Authorization header required"),
    errors.InvalidAccessToken: ErrorAnswer(401, "", "Invalid token: Signature verification failed"),
    errors.AccessTokenMalformed: ErrorAnswer(401, "", "Invalid token: Not enough segments"),
    errors.AccessTokenExpired: ErrorAnswer(401, "", "Token has expired"),
    errors.AccessSessionEnded: ErrorAnswer(401, "", "Token has been revoked"),
    errors.EmailTaken: ErrorAnswer(409, "", "Email already exists"),
    errors.UsernameTaken: ErrorAnswer(409, "", "Username already exists"),
}

AT_LOGOUT: dict[type[AuthError], ErrorAnswer] = {
    errors.InvalidAccessToken: ErrorAnswer(401, "", "Invalid or expired token"),
}

# A 401 would send the client to refresh and log in, which would be refused as well.
AT_REGISTER: dict[type[AuthError], ErrorAnswer] = {
    errors.SecondFactorRequired: ErrorAnswer(403, "", "Registration is not available"),
}
