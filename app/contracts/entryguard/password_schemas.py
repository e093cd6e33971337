"""What entryguard reads and writes around forgotten and expired passwords and the rules for new ones."""

from marshmallow import Schema, fields, validate

from app.contracts.entryguard.schemas import PASSWORD_LENGTH
from app.http.schemas import Flag, RequestSchema, Text, TokenText


class ForgotPasswordRequest(RequestSchema):
    """Who has forgotten the password, and in which organization."""

    organization_slug = Text(data_key="organizationSlug", required=True)
    email = Text(required=True)


class ResetPasswordRequest(RequestSchema):
    """The token of the mail and the new password."""

    token = TokenText(required=True)
    password = Text(max_length=PASSWORD_LENGTH, required=True)


class ChangeExpiredPasswordRequest(RequestSchema):
    """The token of the login and the new password."""

    password_change_token = TokenText(data_key="passwordChangeToken", required=True)
    new_password = Text(data_key="newPassword", max_length=PASSWORD_LENGTH, required=True)


class _WholeNumber(fields.Integer):
    """A JSON number without a fraction."""

    default_error_messages = {"invalid": "must be a whole number", "null": "must be a whole number"}  # noqa: RUF012 - the library's declaration

    def __init__(self, least: int, most: int, *, data_key: str, allow_none: bool = False) -> None:
        error = f"must be {least} to {most}"
        super().__init__(
            strict=True,
            data_key=data_key,
            allow_none=allow_none,
            validate=validate.Range(least, most, error=error),
        )


class SettingsRequest(RequestSchema):
    """What is to change; what is left out stays as it is."""

    mfa_required = Flag(data_key="mfaRequired")
    minimum_length = _WholeNumber(8, 128, data_key="passwordMinLength")
    uppercase = Flag(data_key="passwordRequireUppercase")
    lowercase = Flag(data_key="passwordRequireLowercase")
    digit = Flag(data_key="passwordRequireDigit")
    special = Flag(data_key="passwordRequireSpecialChar")
    expiration_days = _WholeNumber(1, 365, data_key="passwordExpirationDays", allow_none=True)


class SettingsAnswer(Schema):
    """What the organization asks of its members."""

    mfaRequired = fields.Boolean(required=True)
    passwordMinLength = fields.Integer(required=True)
    passwordRequireUppercase = fields.Boolean(required=True)
    passwordRequireLowercase = fields.Boolean(required=True)
    passwordRequireDigit = fields.Boolean(required=True)
    passwordRequireSpecialChar = fields.Boolean(required=True)
    passwordExpirationDays = fields.Integer(required=True, allow_none=True)
