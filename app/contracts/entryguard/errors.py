"""How entryguard answers each refusal. Its bodies show no codes."""

from app.engine import errors
from app.engine.errors import AuthError
from app.http.contract import ErrorAnswer

ERRORS: dict[type[AuthError], ErrorAnswer] = {
    errors.InvalidRequest: ErrorAnswer(400, ""),
    errors.RefreshTokenMissing: ErrorAnswer(400, "", "refreshToken is required", field="refreshToken"),
    errors.InvalidCredentials: ErrorAnswer(401, "", "organization, email or password is not correct"),
    errors.AccessTokenMissing: ErrorAnswer(401, "", "access token is required"),
    errors.InvalidAccessToken: ErrorAnswer(401, "", "access token is not valid"),
    errors.InvalidRefreshToken: ErrorAnswer(401, "", "refresh token is not valid"),
    errors.AccountDeleted: ErrorAnswer(401, "", "user no longer exists"),
    errors.AccountSuspended: ErrorAnswer(403, "", "user is suspended"),
    errors.OrganizationSuspended: ErrorAnswer(403, "", "organization is suspended"),
    errors.MembershipLost: ErrorAnswer(403, "", "user is not a member of the organization"),
    errors.CurrentPasswordIncorrect: ErrorAnswer(401, "", "current password is not correct"),
    errors.PasswordUnchanged: ErrorAnswer(400, "", "new password must differ from the current one"),
    errors.PasswordRefused: ErrorAnswer(400, "", field="password"),
    errors.InvalidCode: ErrorAnswer(401, "", "token is not valid"),
    errors.InvalidSecondFactor: ErrorAnswer(401, "", "code is not valid"),
    errors.InvalidRecoveryCode: ErrorAnswer(401, "", "code is not valid"),
    errors.SecondFactorNotEnabled: ErrorAnswer(404, "", "MFA is not enabled"),
    errors.SecondFactorEnabled: ErrorAnswer(409, "", "MFA is already enabled"),
    errors.SecondFactorEnforced: ErrorAnswer(403, "", "the organization requires MFA"),
    errors.ReauthenticationRequired: ErrorAnswer(403, "", "log in again before you change this"),
    errors.EmailTaken: ErrorAnswer(409, "", "email is already registered"),
    errors.SecondFactorRequired: ErrorAnswer(401, ""),
    errors.PasswordChangeRequired: ErrorAnswer(403, ""),
    errors.CrossSiteRequest: ErrorAnswer(403, ""),
    errors.CsrfTokenInvalid: ErrorAnswer(403, ""),
    errors.AccountLocked: ErrorAnswer(429, ""),
    errors.RateLimited: ErrorAnswer(429, ""),
    errors.Unavailable: ErrorAnswer(503, ""),
}
