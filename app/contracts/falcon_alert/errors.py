"""The text with which falcon_alert answers each refusal. It documents no codes.

After the prefix of a refused refresh token the documentation shows whatever a library said; here it is one of
a few fixed reasons.
"""

from app.engine import errors
from app.engine.errors import AuthError
from app.http.contract import ErrorAnswer

NOTHING_TO_UPDATE = ErrorAnswer(400, "", "No fields provided to update")

_INVALID_TOKEN = ErrorAnswer(401, "", "Invalid token")
_GONE = ErrorAnswer(404, "", "User with id {error.user_id} not found")


def _refused_refresh(reason: str) -> ErrorAnswer:
    return ErrorAnswer(401, "", f"Invalid refresh token: {reason}")


ERRORS: dict[type[AuthError], ErrorAnswer] = {
    errors.InvalidRequest: ErrorAnswer(400, ""),
    errors.UnknownPerson: ErrorAnswer(404, "", "User not found"),
    errors.InvalidCredentials: ErrorAnswer(401, "", "Invalid password"),
    errors.AccessTokenMissing: _INVALID_TOKEN,
    errors.InvalidAccessToken: _INVALID_TOKEN,
    errors.RefreshTokenMissing: _refused_refresh("jwt must be provided"),
    errors.InvalidRefreshToken: _refused_refresh("token is not valid"),
    errors.RefreshTokenExpired: _refused_refresh("jwt expired"),
    errors.AccountDeleted: _GONE,
    errors.AccountUnavailable: ErrorAnswer(401, "", "Account is not available"),
    errors.CurrentPasswordIncorrect: ErrorAnswer(401, "", "Invalid old password"),
    errors.PasswordUnchanged: ErrorAnswer(
        400, "", "newPassword must differ from oldPassword", field="newPassword"
    ),
    errors.PasswordRefused: ErrorAnswer(400, "", field="password"),
    errors.EmailTaken: ErrorAnswer(409, "", "Email already exists"),
    errors.UsernameTaken: ErrorAnswer(409, "", "Username already exists"),
    errors.ReauthenticationRequired: ErrorAnswer(403, "", "Log in again before you change the email"),
    errors.PermissionDenied: ErrorAnswer(403, "", "Only an administrator may create an administrator"),
}

AT_LOGIN: dict[type[AuthError], ErrorAnswer] = {
    errors.PermissionDenied: ErrorAnswer(401, "", "Role not allowed for this type of client"),
}

AT_REFRESH: dict[type[AuthError], ErrorAnswer] = {
    errors.AccountDeleted: _GONE,
    errors.AccountUnavailable: _refused_refresh("account is not available"),
}

WITH_TOKEN: dict[type[AuthError], ErrorAnswer] = {errors.AccountUnavailable: _INVALID_TOKEN}
