"""What nest_auth reads and writes around codes that are sent."""

from marshmallow import fields, validate

from app.contracts.nest_auth.schemas import PASSWORD_LENGTH, MessageAnswer
from app.http.schemas import Id, RequestSchema, Text, TokenText

_CODE_LENGTH = 32


class AddressRequest(RequestSchema):
    """Whom it is about; one of the two is required."""

    email = Text(load_default=None, allow_none=True)
    phone = Text(max_length=32, load_default=None, allow_none=True)


class ResetCodeRequest(AddressRequest):
    """The same with the code that was sent."""

    code = Text(max_length=_CODE_LENGTH, required=True)


class ResetPasswordRequest(RequestSchema):
    """The token that the code was exchanged for, and the new password."""

    token = TokenText(required=True)
    new_password = Text(data_key="newPassword", max_length=PASSWORD_LENGTH, required=True)


class CodeRequest(RequestSchema):
    """The code that was sent."""

    code = Text(max_length=_CODE_LENGTH, required=True)


class LoginCodeRequest(RequestSchema):
    """An e-mail address or a phone number, and the way to send a login code.

    With `tenantId` only a member of that tenant is sent one.
    """

    identifier = Text(required=True)
    tenant_id = Id(data_key="tenantId", load_default=None, allow_none=True)
    channel = fields.String(
        load_default="email", validate=validate.OneOf(["email", "sms"], error="must be email or sms")
    )


class ResetTokenAnswer(MessageAnswer):
    """The token that lets its holder choose another password, once, within the hour."""

    resetToken = fields.String(required=True)
