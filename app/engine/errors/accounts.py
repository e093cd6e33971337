"""Refusals of people, organizations and their passwords."""

from app.engine.errors.base import AuthError, TryLater
from app.engine.password_rules import PasswordRules


class InvalidCredentials(AuthError):
    """Unknown person and wrong password alike; the same work was done for both."""

    code = "invalid_credentials"
    message = "Invalid credentials"


class UnknownPerson(InvalidCredentials):
    """Nobody has this identifier. Answered as a wrong password, unless a contract documents otherwise."""

    code = "unknown_person"


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


class OrganizationFull(PermissionDenied):
    """The organization has as many members as it may have."""

    code = "organization_full"
    message = "The organization has no place left."


class AccountLocked(TryLater):
    """Too many failed logins with this identifier."""

    code = "account_locked"
    message = "Too many failed attempts; try again later."
