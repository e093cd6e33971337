"""How nest_auth answers each refusal. An empty code means that the documentation gives none."""

from app.engine import errors
from app.engine.errors import AuthError
from app.http.contract import ErrorAnswer

EMAIL_OR_PHONE_REQUIRED = ErrorAnswer(400, "EMAIL_OR_PHONE_REQUIRED", "Email or phone is required")
MISSING_REQUIRED_FIELDS = ErrorAnswer(400, "MISSING_REQUIRED_FIELDS", "Missing required fields")
INVALID_PROVIDER = ErrorAnswer(401, "INVALID_PROVIDER", "Invalid provider")
INVALID_RESET_REQUEST = ErrorAnswer(400, "PASSWORD_RESET_INVALID_REQUEST", "Email or phone is required")
INVALID_RESET_TOKEN = ErrorAnswer(400, "PASSWORD_RESET_TOKEN_INVALID", "Invalid or expired reset token")
INVALID_INVITATION = ErrorAnswer(400, "INVITATION_INVALID", "Invalid or expired invitation")
MISSING_PERMISSIONS = ErrorAnswer(403, "MISSING_REQUIRED_PERMISSIONS", "Missing required permissions")
NOT_A_MEMBER = ErrorAnswer(403, "ACCESS_DENIED", "User does not belong to this tenant")
NO_PHONE_NUMBER = ErrorAnswer(400, "NO_PHONE_NUMBER", "There is no phone number to verify")
PHONE_ALREADY_VERIFIED = ErrorAnswer(400, "PHONE_ALREADY_VERIFIED", "Phone is already verified")
RECOVERY_WITHOUT_MFA = ErrorAnswer(401, "MFA_NOT_ENABLED", "MFA is not enabled")
TENANT_NOT_FOUND = ErrorAnswer(400, "TENANT_NOT_FOUND", "Tenant not found")
WRONG_CODE = ErrorAnswer(400, "VERIFICATION_CODE_INVALID", "Invalid verification code")

# Why a session may not change second factors now.
TOO_WEAK = (errors.ReauthenticationRequired, errors.PasswordChangeRequired)

ERRORS: dict[type[AuthError], ErrorAnswer] = {
    errors.InvalidRequest: ErrorAnswer(400, ""),
    errors.InvalidCredentials: ErrorAnswer(401, "INVALID_CREDENTIALS"),
    errors.UnknownPerson: ErrorAnswer(401, "INVALID_CREDENTIALS"),
    errors.AccessTokenMissing: ErrorAnswer(401, "NO_AUTH_PROVIDED", "No authentication provided"),
    errors.InvalidAccessToken: ErrorAnswer(401, "INVALID_TOKEN", "Invalid or expired token"),
    errors.AccessTokenExpired: ErrorAnswer(401, "INVALID_TOKEN", "Invalid or expired token"),
    errors.AccessSessionEnded: ErrorAnswer(401, "SESSION_NOT_FOUND", "Session not found"),
    errors.RefreshTokenMissing: ErrorAnswer(401, "REFRESH_TOKEN_INVALID", "refreshToken is required"),
    errors.InvalidRefreshToken: ErrorAnswer(401, "REFRESH_TOKEN_EXPIRED", "Invalid or expired refresh token"),
    errors.RefreshTokenExpired: ErrorAnswer(401, "REFRESH_TOKEN_EXPIRED", "Invalid or expired refresh token"),
    errors.SessionRevoked: ErrorAnswer(401, "", "Session not found"),
    errors.RefreshTokenReused: ErrorAnswer(
        401, "REFRESH_TOKEN_INVALID", "Refresh token is no longer valid (rotated or replayed)"
    ),
    errors.AccountSuspended: ErrorAnswer(
        401, "ACCOUNT_INACTIVE", "Your account is suspended, please contact support"
    ),
    errors.AccountDeleted: ErrorAnswer(401, "USER_NOT_FOUND", "User not found"),
    errors.OrganizationSuspended: NOT_A_MEMBER,
    errors.MembershipLost: NOT_A_MEMBER,
    errors.SecondFactorRequired: ErrorAnswer(401, "MFA_REQUIRED"),
    errors.PasswordChangeRequired: ErrorAnswer(403, "MUST_CHANGE_PASSWORD"),
    errors.CurrentPasswordIncorrect: ErrorAnswer(
        400, "CURRENT_PASSWORD_INCORRECT", "Current password is incorrect"
    ),
    errors.PasswordUnchanged: ErrorAnswer(400, "NEW_PASSWORD_SAME_AS_CURRENT"),
    errors.PasswordRefused: ErrorAnswer(400, "PASSWORD_POLICY_VIOLATION"),
    errors.InvalidCode: WRONG_CODE,
    errors.CodeExpired: ErrorAnswer(400, "VERIFICATION_CODE_EXPIRED", "Verification code has expired"),
    errors.InvalidSecondFactor: ErrorAnswer(401, "MFA_CODE_INVALID", "Invalid MFA code"),
    errors.InvalidRecoveryCode: ErrorAnswer(401, "MFA_RECOVERY_CODE_INVALID", "Invalid recovery code"),
    errors.SecondFactorNotEnabled: ErrorAnswer(403, "MFA_NOT_ENABLED", "MFA is not enabled"),
    errors.SecondFactorMissing: ErrorAnswer(403, "MFA_CANNOT_ENABLE_WITHOUT_METHOD"),
    errors.SecondFactorEnforced: ErrorAnswer(403, "MFA_TOGGLING_NOT_ALLOWED"),
    errors.ReauthenticationRequired: ErrorAnswer(403, "REAUTHENTICATION_REQUIRED"),
    errors.AddressMissing: ErrorAnswer(400, "NO_EMAIL_ADDRESS", "There is no email address to verify"),
    errors.AlreadyVerified: ErrorAnswer(400, "EMAIL_ALREADY_VERIFIED", "Email is already verified"),
    errors.PasswordlessDisabled: ErrorAnswer(403, "PASSWORDLESS_DISABLED"),
    errors.EmailTaken: ErrorAnswer(400, "EMAIL_ALREADY_EXISTS", "Email already exists"),
    errors.PhoneTaken: ErrorAnswer(400, "PHONE_ALREADY_EXISTS", "Phone already exists"),
    errors.NotFound: ErrorAnswer(404, ""),
    errors.PermissionDenied: ErrorAnswer(403, "ACCESS_DENIED"),
    errors.CrossSiteRequest: ErrorAnswer(403, "CSRF_ORIGIN_REJECTED"),
    errors.CsrfTokenInvalid: ErrorAnswer(403, "CSRF_TOKEN_INVALID"),
    errors.AccountLocked: ErrorAnswer(429, "ACCOUNT_LOCKED"),
    errors.RateLimited: ErrorAnswer(429, "RATE_LIMITED"),
    errors.Unavailable: ErrorAnswer(503, "SERVICE_UNAVAILABLE"),
}
