"""The endpoints of nest_auth around codes that are sent: resets, verification, login codes.

What nobody has is answered as what somebody has.
"""

from typing import Any

from flask import Blueprint, Response

from app.contracts.nest_auth import recovery_schemas, schemas
from app.contracts.nest_auth.errors import (
    EMAIL_OR_PHONE_REQUIRED,
    INVALID_RESET_REQUEST,
    INVALID_RESET_TOKEN,
    NO_PHONE_NUMBER,
    PHONE_ALREADY_VERIFIED,
    TOO_WEAK,
)
from app.delivery import Channel
from app.engine import errors
from app.engine.candidates import LoginTarget
from app.engine.identifiers import Identifier, IdentifierKind
from app.http.call import Call
from app.http.contract import ErrorAnswer, WireRefusal
from app.http.operations import Access, operation

recovery = Blueprint("recovery", __name__)

_CHANNELS = {"email": Channel.MAIL, "sms": Channel.SMS}
_REFUSES_CODE = (errors.InvalidCode, errors.CodeExpired, errors.AccountLocked)
_OF_PHONE = {errors.AddressMissing: NO_PHONE_NUMBER, errors.AlreadyVerified: PHONE_ALREADY_VERIFIED}


@recovery.post("/forgot-password")
@operation(
    "Ask for a password reset",
    body=recovery_schemas.AddressRequest,
    answers=schemas.MessageAnswer,
    limit="password",
    refuses=(EMAIL_OR_PHONE_REQUIRED,),
)
def forgot_password(call: Call, body: dict[str, Any]) -> Response:
    """Send a reset code to the address or number, if it is somebody's; nothing else changes."""
    call.engine.password_resets.send_code(_identifier(body, EMAIL_OR_PHONE_REQUIRED), call.client)
    return call.answer({"message": "If the account exists, a password reset code has been sent"})


@recovery.post("/verify-forgot-password-otp")
@operation(
    "Exchange the reset code",
    body=recovery_schemas.ResetCodeRequest,
    answers=recovery_schemas.ResetTokenAnswer,
    limit="login",
    refuses=(INVALID_RESET_REQUEST, *_REFUSES_CODE),
)
def exchange_reset_code(call: Call, body: dict[str, Any]) -> Response:
    """Give the token that resets the password for the code that was sent."""
    identifier = _identifier(body, INVALID_RESET_REQUEST)
    token = call.engine.password_resets.exchange_code(identifier, body["code"], call.client)
    return call.answer({"message": "OTP verified successfully", "resetToken": token})


@recovery.post("/reset-password")
@operation(
    "Reset the password",
    body=recovery_schemas.ResetPasswordRequest,
    answers=schemas.MessageAnswer,
    limit="password",
    refuses=(INVALID_RESET_TOKEN, errors.PasswordRefused, errors.PasswordUnchanged),
    errors={errors.InvalidCode: INVALID_RESET_TOKEN, errors.CodeExpired: INVALID_RESET_TOKEN},
)
def reset_password(call: Call, body: dict[str, Any]) -> Response:
    """Choose another password; every session of the person ends, and none is opened."""
    call.engine.password_resets.reset(body["token"], body["new_password"], call.client)
    return call.answer({"message": "Password has been reset successfully"})


@recovery.post("/send-email-verification")
@operation(
    "Send a code to one's e-mail address",
    answers=schemas.MessageAnswer,
    access=Access.SIGNED_IN,
    limit="password",
    refuses=(errors.AddressMissing, errors.AlreadyVerified, *TOO_WEAK),
)
def send_email_verification(call: Call) -> Response:
    """Send a code that proves the address."""
    call.engine.verification.send(call.judged_snapshot, Channel.MAIL, call.client)
    return call.answer({"message": "Verification email sent"})


@recovery.post("/verify-email")
@operation(
    "Prove one's e-mail address",
    body=recovery_schemas.CodeRequest,
    answers=schemas.MessageAnswer,
    access=Access.SIGNED_IN,
    limit="login",
    refuses=(errors.AlreadyVerified, *TOO_WEAK, *_REFUSES_CODE),
)
def verify_email(call: Call, body: dict[str, Any]) -> Response:
    """Take the code back."""
    call.engine.verification.confirm(call.judged_snapshot, Channel.MAIL, body["code"], call.client)
    return call.answer({"message": "Email verified successfully"})


@recovery.post("/send-phone-verification")
@operation(
    "Send a code to one's phone number",
    answers=schemas.MessageAnswer,
    access=Access.SIGNED_IN,
    limit="password",
    refuses=(NO_PHONE_NUMBER, PHONE_ALREADY_VERIFIED, *TOO_WEAK),
    errors=_OF_PHONE,
)
def send_phone_verification(call: Call) -> Response:
    """Send a code that proves the number."""
    call.engine.verification.send(call.judged_snapshot, Channel.SMS, call.client)
    return call.answer({"message": "Verification SMS sent"})


@recovery.post("/verify-phone")
@operation(
    "Prove one's phone number",
    body=recovery_schemas.CodeRequest,
    answers=schemas.MessageAnswer,
    access=Access.SIGNED_IN,
    limit="login",
    refuses=(PHONE_ALREADY_VERIFIED, *TOO_WEAK, *_REFUSES_CODE),
    errors=_OF_PHONE,
)
def verify_phone(call: Call, body: dict[str, Any]) -> Response:
    """Take the code back."""
    call.engine.verification.confirm(call.judged_snapshot, Channel.SMS, body["code"], call.client)
    return call.answer({"message": "Phone verified successfully"})


@recovery.post("/passwordless/send")
@operation(
    "Send a login code",
    body=recovery_schemas.LoginCodeRequest,
    answers=schemas.MessageAnswer,
    limit="password",
    refuses=(errors.PasswordlessDisabled,),
)
def send_login_code(call: Call, body: dict[str, Any]) -> Response:
    """Send a code that logs in, if the identifier is somebody's who may do so in that tenant."""
    call.engine.passwordless.send(
        login_identifier(body["identifier"]),
        _CHANNELS[body["channel"]],
        call.client,
        target=LoginTarget(organization_id=body["tenant_id"]),
    )
    return call.answer({"message": "If the account exists, a login code has been sent"})


def login_identifier(typed: str) -> Identifier:
    """Read an e-mail address or else a phone number."""
    kind = IdentifierKind.EMAIL if "@" in typed else IdentifierKind.PHONE
    return Identifier.of(kind, typed)


def _identifier(body: dict[str, Any], missing: ErrorAnswer) -> Identifier:
    for kind in (IdentifierKind.EMAIL, IdentifierKind.PHONE):
        if body[kind]:
            return Identifier.of(kind, body[kind])
    raise WireRefusal(missing)
