"""What nest_auth reads and writes."""

from marshmallow import Schema, fields, validate

from app.http.schemas import Flag, Id, RequestSchema, Text, TokenText

PASSWORD_LENGTH = 1024  # The policy decides what is too long; this bounds the work of looking at it.
_PROVIDERS = ("email", "phone")


class SignupRequest(RequestSchema):
    """A new account; one of e-mail and phone is required.

    `tenantId` is a tenant to become a member of, which has to be open to whoever signs up.
    """

    email = Text(load_default=None)
    phone = Text(max_length=32, load_default=None)
    password = Text(max_length=PASSWORD_LENGTH, required=True)
    name = Text(load_default=None)
    tenant_id = Id(data_key="tenantId", load_default=None, allow_none=True)


class Credentials(RequestSchema):
    """What proves who one is, by provider."""

    email = Text(load_default=None)
    phone = Text(load_default=None)
    password = Text(max_length=PASSWORD_LENGTH, load_default=None)
    identifier = Text(load_default=None)
    channels = fields.List(fields.String(), load_default=None)
    code = Text(max_length=32, load_default=None)


class LoginRequest(RequestSchema):
    """A login by e-mail address or phone number and password, or by a code that was sent.

    `guard` is one of which a role must be held, and `tenantId` the tenant that the session is to be in.
    """

    provider = Text(data_key="providerName", load_default="email", max_length=32)
    credentials = fields.Nested(
        Credentials,
        required=True,
        error_messages={"required": "is required", "type": "must be an object", "null": "must be an object"},
    )
    guard = Text(load_default=None, allow_none=True)
    tenant_id = Id(data_key="tenantId", load_default=None, allow_none=True)
    remember_me = Flag(data_key="rememberMe", load_default=True)
    trust_token = TokenText(data_key="trustToken", load_default=None)


class RefreshRequest(RequestSchema):
    """A refresh token, unless its cookie comes along."""

    refresh_token = TokenText(data_key="refreshToken", load_default=None)


class ChangePasswordRequest(RequestSchema):
    """The current password and the one to take its place."""

    current_password = Text(data_key="currentPassword", max_length=PASSWORD_LENGTH, required=True)
    new_password = Text(data_key="newPassword", max_length=PASSWORD_LENGTH, required=True)


class TokenAnswer(Schema):
    """Tokens in header mode; in cookie mode the same without the two tokens."""

    accessToken = fields.String(metadata={"description": "Header mode only. A JWT."})
    refreshToken = fields.String(
        metadata={"description": "Header mode only. A JWT, replaced by each refresh."}
    )
    isRequiresMfa = fields.Boolean(required=True)
    mfaMethods = fields.List(
        fields.String(), metadata={"description": "Present while a second factor is due."}
    )
    defaultMfaMethod = fields.String(metadata={"description": "The first of them, if there is any."})
    message = fields.String()
    mustChangePassword = fields.Boolean(metadata={"description": "Present only when true."})


class MessageAnswer(Schema):
    """A sentence."""

    message = fields.String(required=True)


class RoleAnswer(Schema):
    """A role of a person."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    guard = fields.String(required=True)


class MeAnswer(Schema):
    """The person whose session it is."""

    id = fields.UUID(required=True)
    email = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    emailVerifiedAt = fields.DateTime(allow_none=True)
    phoneVerifiedAt = fields.DateTime(allow_none=True)
    isMfaEnabled = fields.Boolean(required=True)
    metadata = fields.Dict()
    mustChangePassword = fields.Boolean(required=True)
    roles = fields.List(fields.Nested(RoleAnswer), required=True)
    permissions = fields.List(fields.String(), required=True)


class UserAnswer(MeAnswer):
    """The stored record, without anything secret."""

    isActive = fields.Boolean(required=True)
    createdAt = fields.DateTime(required=True)
    updatedAt = fields.DateTime(required=True)


class VerifySessionAnswer(Schema):
    """That the session lives, and until when."""

    valid = fields.Boolean(required=True)
    userId = fields.UUID(required=True)
    expiresAt = fields.DateTime(required=True)


class CsrfAnswer(Schema):
    """The double-submit value, where it is switched on."""

    enabled = fields.Boolean(required=True)
    csrfToken = fields.String()
    headerName = fields.String()
    cookieName = fields.String()


class SwitchAnswer(Schema):
    """Whether a way to sign in is offered."""

    enabled = fields.Boolean(required=True)


class ClientConfigAnswer(Schema):
    """What a client may know before anybody has signed in."""

    accessTokenType = fields.String(
        required=True, allow_none=True, validate=validate.OneOf(["header", "cookie"])
    )
    emailAuth = fields.Nested(SwitchAnswer, required=True)
    phoneAuth = fields.Nested(SwitchAnswer, required=True)
    passwordless = fields.Nested(SwitchAnswer, required=True)
    registration = fields.Nested(SwitchAnswer, required=True)
    mfa = fields.Nested(SwitchAnswer, required=True)


class SessionAnswer(Schema):
    """One of the person's own live sessions."""

    id = fields.UUID(required=True)
    current = fields.Boolean(required=True, metadata={"description": "Whether this request belongs to it."})
    deviceName = fields.String(allow_none=True)
    userAgent = fields.String(allow_none=True)
    ipAddress = fields.String(allow_none=True)
    createdAt = fields.DateTime(required=True)
    lastSeenAt = fields.DateTime(required=True)
    expiresAt = fields.DateTime(required=True)


class SessionsAnswer(Schema):
    """All of them, the most recently seen first."""

    sessions = fields.List(fields.Nested(SessionAnswer), required=True)


class RevokedAnswer(MessageAnswer):
    """How many sessions were ended."""

    revoked = fields.Integer(required=True)


class ErrorAnswer(Schema):
    """The error body of every nest_auth endpoint."""

    statusCode = fields.Integer(required=True)
    error = fields.String(required=True, metadata={"description": "The reason phrase of the status."})
    message = fields.String(required=True)
    code = fields.String(metadata={"description": "Stable; left out where there is none."})
