"""What the second-factor endpoints of nest_auth read and write."""

from marshmallow import Schema, fields, validate

from app.contracts.nest_auth.schemas import MessageAnswer, TokenAnswer
from app.http.schemas import Flag, RequestSchema, Text
from config import FactorMethod

METHODS = [method.value for method in FactorMethod]
_DEVICE_NAME_LENGTH = 128
_METHOD_ERROR = f"must be one of: {', '.join(METHODS)}"


def _method() -> Text:
    return Text(required=True, validate=validate.OneOf(METHODS, error=_METHOD_ERROR))


class ChallengeRequest(RequestSchema):
    """By which factor to prove oneself."""

    method = _method()


class VerifyRequest(RequestSchema):
    """A code of a factor."""

    method = _method()
    otp = Text(max_length=64, required=True)
    trust_device = Flag(data_key="trustDevice", load_default=False)


class RecoveryRequest(RequestSchema):
    """A recovery code in the place of a factor."""

    code = Text(required=True)
    trust_device = Flag(data_key="trustDevice", load_default=False)


class ResetRequest(RequestSchema):
    """A recovery code."""

    code = Text(required=True)


class ReauthenticateRequest(RequestSchema):
    """The password, once more."""

    password = Text(max_length=1024, required=True)


class ToggleRequest(RequestSchema):
    """Whether a second factor is to be asked for."""

    enabled = Flag(required=True)


class SetupRequest(RequestSchema):
    """What to call the app, and the account in it."""

    label = Text(max_length=_DEVICE_NAME_LENGTH, load_default=None)
    device_name = Text(data_key="deviceName", max_length=_DEVICE_NAME_LENGTH, load_default=None)


class ConfirmRequest(RequestSchema):
    """The secret of the app and a code that it shows."""

    secret = Text(required=True)
    otp = Text(max_length=64, required=True)


class VerifiedAnswer(TokenAnswer):
    """New tokens; every earlier token of the session is invalid."""

    trustToken = fields.String(
        metadata={"description": "Header mode only, if asked for: skips the second factor at later logins."}
    )


class DeviceAnswer(Schema):
    """One authenticator app."""

    id = fields.UUID(required=True)
    deviceName = fields.String(required=True)
    method = fields.String(required=True, validate=validate.Equal("totp"))
    lastUsedAt = fields.DateTime(required=True, allow_none=True)
    createdAt = fields.DateTime(required=True)
    verified = fields.Boolean(required=True)


class StatusAnswer(Schema):
    """Where the person stands with second factors."""

    isEnabled = fields.Boolean(required=True)
    verifiedMethods = fields.List(fields.String(validate=validate.OneOf(METHODS)), required=True)
    configuredMethods = fields.List(
        fields.String(validate=validate.OneOf(METHODS)),
        required=True,
        metadata={"description": "What the deployment offers."},
    )
    allowUserToggle = fields.Boolean(required=True)
    allowMethodSelection = fields.Boolean(required=True)
    totpDevices = fields.List(fields.Nested(DeviceAnswer), required=True)
    hasRecoveryCode = fields.Boolean(required=True)
    required = fields.Boolean(required=True)
    canToggle = fields.Boolean(required=True)


class SetupAnswer(Schema):
    """What an authenticator app needs; the secret is shown this once."""

    secret = fields.String(required=True, metadata={"description": "Base32."})
    qrCode = fields.String(required=True, metadata={"description": "A PNG image as a data URL."})
    otpAuthUrl = fields.String(required=True)
    issuer = fields.String(required=True)
    account = fields.String(required=True)


class RecoveryCodesAnswer(Schema):
    """New recovery codes, shown this once."""

    codes = fields.List(fields.String(), required=True)
    code = fields.String(required=True, metadata={"description": "The first of them."})


class TrustedDeviceAnswer(Schema):
    """A device that skips the second factor."""

    id = fields.UUID(required=True)
    deviceName = fields.String(required=True, allow_none=True)
    userAgent = fields.String(required=True, allow_none=True)
    ipAddress = fields.String(required=True, allow_none=True)
    createdAt = fields.DateTime(required=True)
    lastUsedAt = fields.DateTime(required=True, allow_none=True)
    expiresAt = fields.DateTime(required=True)


class TrustedDevicesAnswer(Schema):
    """All of them, the newest first."""

    devices = fields.List(fields.Nested(TrustedDeviceAnswer), required=True)


class UntrustedAnswer(MessageAnswer):
    """How many devices are no longer trusted."""

    revoked = fields.Integer(required=True)
