"""Every refusal the engine can give. No status codes: a contract maps each code to its own answer.

`message` is safe for the client, `detail` is for the log only. Codes are public and stable.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from app.engine.password_rules import PasswordRules


class AuthError(Exception):
    """A refusal with a public code."""

    code: ClassVar[str]
    message: ClassVar[str]

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.message)
        self.detail = detail


class InvalidRequest(AuthError):
    """The request is not of the documented form."""

    code = "invalid_request"
    message = "The request is not valid."

    def __init__(self, problems: Mapping[str, str] | str) -> None:
        self.problems = {"": problems} if isinstance(problems, str) else dict(problems)
        super().__init__(next(iter(self.problems.values()), self.message))


class InvalidCredentials(AuthError):
    """Unknown person and wrong password alike; the same work was done for both."""

    code = "invalid_credentials"
    message = "Invalid credentials"


class UnknownPerson(InvalidCredentials):
    """Nobody has this identifier. Answered as a wrong password, unless a contract documents otherwise."""

    code = "unknown_person"


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
    """The refresh token is malformed, forged or unknown. Nothing was changed."""

    code = "refresh_token_invalid"
    message = "The refresh token is not valid."


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


class AccountUnavailable(AuthError):
    """The person may not use the account. Raised only after a credential was proven."""

    code = "account_unavailable"
    message = "The account is not available."

    def __init__(self, detail: str = "", *, user_id: int | None = None) -> None:
        super().__init__(detail)
        self.user_id = user_id


class AccountSuspended(AccountUnavailable):
    """An administrator suspended the person."""

    code = "account_suspended"
    message = "The account is suspended."


class AccountDeleted(AccountUnavailable):
    """The person is gone."""

    code = "account_deleted"
    message = "The account no longer exists."


class OrganizationSuspended(AccountUnavailable):
    """An administrator suspended the organization."""

    code = "organization_suspended"
    message = "The organization is suspended."


class MembershipLost(AccountUnavailable):
    """The person no longer belongs to the session's organization."""

    code = "membership_lost"
    message = "The membership in this organization has ended."


class InvalidClient(AuthError):
    """The application is not registered or did not prove itself; one answer, and the same work was done."""

    code = "invalid_client"
    message = "Client authentication failed."


class SecondFactorRequired(AuthError):
    """The session must finish its second factor first."""

    code = "second_factor_required"
    message = "The second factor is still due."


class PasswordChangeRequired(AuthError):
    """The person must choose a new password first."""

    code = "password_change_required"
    message = "The password must be changed first."


class CurrentPasswordIncorrect(AuthError):
    """A signed-in person gave a wrong current password."""

    code = "current_password_incorrect"
    message = "The current password is not correct."


class PasswordUnchanged(AuthError):
    """The new password is the current one."""

    code = "password_unchanged"
    message = "The new password must differ from the current one."


class PasswordRefused(AuthError):
    """The password does not meet the policy; `reason` says why, for the person to read.

    `violations` are all the reasons, and `rules` what a password must be like.
    """

    code = "password_refused"
    message = "The password is not acceptable."

    def __init__(self, *violations: str, rules: PasswordRules) -> None:
        self.reason = violations[0]
        super().__init__(self.reason)
        self.violations = violations
        self.rules = rules


class InvalidCode(AuthError):
    """A one-time code is wrong, used, replaced, burnt or never was: one answer."""

    code = "code_invalid"
    message = "The code is not valid."


class CodeExpired(InvalidCode):
    """It was the right code, but it came too late."""

    code = "code_expired"
    message = "The code has expired."


class AddressMissing(AuthError):
    """The person has no address or number to send to."""

    code = "address_missing"
    message = "There is no address to send to."


class AlreadyVerified(AuthError):
    """The address or number is proven already."""

    code = "already_verified"
    message = "This is verified already."


class PasswordlessDisabled(AuthError):
    """Logging in by a code alone is switched off."""

    code = "passwordless_disabled"
    message = "Passwordless login is not enabled."


class InvalidSecondFactor(InvalidCode):
    """The authenticator's code is wrong, was used before or is of another time."""

    code = "mfa_code_invalid"
    message = "The code is not valid."


class InvalidRecoveryCode(InvalidCode):
    """The recovery code is wrong or was used before."""

    code = "recovery_code_invalid"
    message = "The recovery code is not valid."


class SecondFactorNotEnabled(AuthError):
    """The person has no second factor, or not this one."""

    code = "mfa_not_enabled"
    message = "This second factor is not enabled."


class SecondFactorEnabled(AuthError):
    """The person already has a second factor."""

    code = "mfa_already_enabled"
    message = "A second factor is already enabled."


class SecondFactorMissing(AuthError):
    """There is nothing yet with which a second factor could be proven."""

    code = "mfa_method_missing"
    message = "Set up a second factor first."


class SecondFactorEnforced(AuthError):
    """The person, an organization or the deployment asks for a second factor."""

    code = "mfa_enforced"
    message = "A second factor is required here and cannot be switched off."


class ReauthenticationRequired(AuthError):
    """The session's proof of who it is is too old, or too weak, for this change."""

    code = "reauthentication_required"
    message = "Prove again who you are before you change this."


class EmailTaken(AuthError):
    """Another account has this e-mail address."""

    code = "email_taken"
    message = "This e-mail address is already in use."


class PhoneTaken(AuthError):
    """Another account has this phone number."""

    code = "phone_taken"
    message = "This phone number is already in use."


class UsernameTaken(AuthError):
    """Another account has this user name."""

    code = "username_taken"
    message = "This user name is already in use."


class SlugTaken(AuthError):
    """Another organization has this slug."""

    code = "slug_taken"
    message = "This slug is already in use."


class ClientIdTaken(AuthError):
    """Another application is registered under this id."""

    code = "client_id_taken"
    message = "This client id is already in use."


class NotFound(AuthError):
    """The thing does not exist or is not the caller's: one answer for both."""

    code = "not_found"
    message = "Not found."


class PermissionDenied(AuthError):
    """The caller is known and may not do this."""

    code = "permission_denied"
    message = "This is not permitted."


class CrossSiteRequest(AuthError):
    """A cookie-bearing request came from a site that is not configured."""

    code = "cross_site_request"
    message = "The request came from another site."


class CsrfTokenInvalid(AuthError):
    """The double-submit token is missing or not this session's."""

    code = "csrf_token_invalid"
    message = "The CSRF token is missing or wrong."


class _TryLater(AuthError):
    """A refusal that passes with time."""

    def __init__(self, retry_after: timedelta, detail: str = "") -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class AccountLocked(_TryLater):
    """Too many failed logins with this identifier."""

    code = "account_locked"
    message = "Too many failed attempts; try again later."


class RateLimited(_TryLater):
    """Too many requests from this address."""

    code = "rate_limited"
    message = "Too many requests; try again later."


class Unavailable(_TryLater):
    """A store did not answer in time. Says nothing about the session; the client keeps its tokens."""

    code = "temporarily_unavailable"
    message = "The service is temporarily unavailable; try again."

    def __init__(self, detail: str, retry_after: timedelta = timedelta(seconds=1)) -> None:
        super().__init__(retry_after, detail)
