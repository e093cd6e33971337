"""What entryguard reads and writes."""

from marshmallow import Schema, fields, validate

from app.http.schemas import RequestSchema, Text, TokenText

PASSWORD_LENGTH = 1024  # The policy decides what is too long; this bounds the work of looking at it.
_NAME_LENGTH = 255
_IN_COOKIE_MODE = "In cookie mode the token is in its cookie instead."


class RegisterRequest(RequestSchema):
    """A new organization and its first administrator."""

    organization_name = Text(
        data_key="organizationName",
        required=True,
        validate=[
            validate.Length(max=_NAME_LENGTH, error=f"must be at most {_NAME_LENGTH} characters"),
            validate.Regexp(r"\s*\S", error="must not be blank"),
        ],
    )
    email = Text(required=True)
    name = Text(load_default=None, allow_none=True)
    password = Text(max_length=PASSWORD_LENGTH, required=True)


class LoginRequest(RequestSchema):
    """An organization, and what proves that one belongs to it."""

    organization_slug = Text(data_key="organizationSlug", required=True)
    email = Text(required=True)
    password = Text(max_length=PASSWORD_LENGTH, required=True)


class RefreshRequest(RequestSchema):
    """A refresh token, unless its cookie comes along."""

    refresh_token = TokenText(
        data_key="refreshToken", load_default=None, metadata={"description": _IN_COOKIE_MODE}
    )


class LogoutRequest(RequestSchema):
    """The refresh token of the session to end, if there is one."""

    refresh_token = TokenText(data_key="refreshToken", load_default=None, allow_none=True)


class ChangePasswordRequest(RequestSchema):
    """The current password and the one to take its place."""

    current_password = Text(data_key="currentPassword", max_length=PASSWORD_LENGTH, required=True)
    new_password = Text(data_key="newPassword", max_length=PASSWORD_LENGTH, required=True)


class UserAnswer(Schema):
    """A person in the organization of the session."""

    id = fields.UUID(required=True)
    email = fields.String(required=True, allow_none=True)
    name = fields.String(required=True, allow_none=True)
    isOrgAdmin = fields.Boolean(required=True)
    organizationId = fields.UUID(required=True, allow_none=True)
    organizationName = fields.String(required=True, allow_none=True)
    organizationSlug = fields.String(required=True, allow_none=True)
    subscriptionTier = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "`FREE`, `BUSINESS`, `ENTERPRISE` or `PLATFORM`."},
    )
    mfaEnabled = fields.Boolean(required=True)


class MeAnswer(UserAnswer):
    """The same with the limits of the organization; null is no limit."""

    platformRole = fields.String(required=True, validate=validate.OneOf(["USER", "SUPER_ADMIN"]))
    maxUsers = fields.Integer(required=True, allow_none=True)
    maxResources = fields.Integer(required=True, allow_none=True)
    organizationMfaRequired = fields.Boolean(required=True)


class TokenAnswer(Schema):
    """Tokens and whose they are; in cookie mode the same without the two tokens."""

    accessToken = fields.String(metadata={"description": "Header mode only. A JWT."})
    refreshToken = fields.String(metadata={"description": "Header mode only. Opaque; good for one refresh."})
    expiresIn = fields.Integer(
        required=True, metadata={"description": "Life of the access token in seconds."}
    )
    tokenType = fields.String(required=True, validate=validate.Equal("Bearer"))
    user = fields.Nested(UserAnswer, required=True)


class LoginAnswer(TokenAnswer):
    """The same, with what else a login may ask for; unused fields are null."""

    expiresIn = fields.Integer(required=True, allow_none=True)
    tokenType = fields.String(required=True, allow_none=True)
    user = fields.Nested(UserAnswer, required=True, allow_none=True)
    mfaRequired = fields.Boolean(required=True)
    mfaChallengeToken = fields.String(required=True, allow_none=True)
    mfaChallengeExpiresIn = fields.Integer(required=True, allow_none=True)
    passwordExpired = fields.Boolean(required=True)
    passwordChangeToken = fields.String(required=True, allow_none=True)
    mfaSetupRequired = fields.Boolean(
        metadata={"description": "Only when true: the tokens are good for enrolling a second factor alone."}
    )


class EmptyAnswer(Schema):
    """An object without fields."""


class PasswordPolicy(Schema):
    """What a new password must be like, and what is wrong with this one."""

    minLength = fields.Integer(required=True)
    maxLength = fields.Integer(required=True)
    requireUppercase = fields.Boolean(required=True)
    requireLowercase = fields.Boolean(required=True)
    requireNumbers = fields.Boolean(required=True)
    requireSpecialChars = fields.Boolean(required=True)
    preventReuse = fields.Integer(required=True)
    violations = fields.List(fields.String(), required=True)


class PolicyAnswer(Schema):
    """A new password that does not meet the policy."""

    error = fields.String(required=True)
    details = fields.Nested(PasswordPolicy, required=True)


class ErrorAnswer(Schema):
    """The error body of every entryguard endpoint."""

    timestamp = fields.DateTime(required=True)
    status = fields.Integer(required=True)
    error = fields.String(required=True, metadata={"description": "The reason phrase of the status."})
    message = fields.String(required=True)
    path = fields.String(required=True)
    validationErrors = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={"description": "Problems by field; only with 400, where fields are at fault."},
    )
