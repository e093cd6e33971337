"""Refusals of one-time codes and second factors."""

from app.engine.errors.base import AuthError


class SecondFactorRequired(AuthError):
    """The session must finish its second factor first."""

    code = "second_factor_required"
    message = "The second factor is still due."


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
