"""The second-factor endpoints of entryguard."""

from typing import Any

from flask import Blueprint, Response
from marshmallow import Schema, fields

from app.contracts.entryguard import schemas
from app.contracts.entryguard.entering import enter
from app.engine import errors
from app.engine.mfa import RecoveryForm
from app.http.call import Call
from app.http.contract import ErrorAnswer
from app.http.operations import Access, operation
from app.http.qr_code import qr_png
from app.http.schemas import RequestSchema, Text, TokenText

mfa = Blueprint("mfa", __name__)

_WRONG_CODE = {errors.InvalidSecondFactor: ErrorAnswer(400, "", "code is not valid", field="code")}


class VerifyRequest(RequestSchema):
    """The challenge of a login, and six digits or a recovery code."""

    token = TokenText(data_key="mfaChallengeToken", required=True)
    code = Text(min_length=6, max_length=12, required=True)


class ConfirmRequest(RequestSchema):
    """The secret of the app and a code that it shows."""

    secret = Text(required=True)
    code = Text(min_length=6, max_length=6, required=True)


class CodeRequest(RequestSchema):
    """A code of the app."""

    code = Text(min_length=6, max_length=6, required=True)


class SetupAnswer(Schema):
    """What an authenticator app needs; the secret is shown this once."""

    qrCodeBase64 = fields.String(required=True, metadata={"description": "A PNG image in base64."})
    secret = fields.String(required=True, metadata={"description": "Base32."})


class RecoveryCodesAnswer(Schema):
    """New recovery codes, shown this once."""

    recoveryCodes = fields.List(fields.String(), required=True)


@mfa.post("/auth/verify-mfa")
@operation(
    "Finish a login with a second factor",
    body=VerifyRequest,
    answers=schemas.LoginAnswer,
    limit="login",
    refuses=(
        errors.InvalidCode,
        errors.InvalidSecondFactor,
        errors.InvalidRecoveryCode,
        errors.AccountLocked,
        errors.AccountSuspended,
        errors.OrganizationSuspended,
    ),
    errors={errors.SecondFactorNotEnabled: ErrorAnswer(401, "", "token is not valid")},
    gives_tokens=True,
)
def verify(call: Call, body: dict[str, Any]) -> Response:
    """Open the session that the login asked for; code and challenge are spent."""
    replacing = call.cookie_refresh_token()
    proof = call.engine.login_challenges.answer(body["token"], body["code"], call.client)
    return enter(call, lambda: call.engine.open_session(proof, call.policy, call.client, replacing=replacing))


@mfa.post("/mfa/setup")
@operation(
    "Start the enrolment of an authenticator app",
    answers=SetupAnswer,
    access=Access.PARTIAL,
    refuses=(errors.SecondFactorEnabled, errors.ReauthenticationRequired, errors.PasswordChangeRequired),
)
def set_up(call: Call) -> Response:
    """Make a secret. A session that may do nothing but enrol may do so too."""
    enrolment = call.engine.factor_changes.begin_totp(call.judged_snapshot, name=None, only_first=True)
    return call.answer({"qrCodeBase64": qr_png(enrolment.uri), "secret": enrolment.secret})


@mfa.post("/mfa/setup/confirm")
@operation(
    "Confirm an authenticator app",
    body=ConfirmRequest,
    answers=RecoveryCodesAnswer,
    access=Access.PARTIAL,
    limit="login",
    refuses=(
        errors.SecondFactorEnabled,
        errors.ReauthenticationRequired,
        errors.PasswordChangeRequired,
        errors.AccountLocked,
    ),
    errors=_WRONG_CODE,
)
def confirm(call: Call, body: dict[str, Any]) -> Response:
    """Let the app count and show the recovery codes; every other session of the person ends."""
    codes = call.engine.factor_changes.confirm_totp(
        call.judged_snapshot, body["secret"], body["code"], call.client, with_codes=RecoveryForm.SHORT
    )
    return call.answer({"recoveryCodes": codes})


@mfa.post("/mfa/disable")
@operation(
    "Switch the second factor off",
    body=CodeRequest,
    answers=schemas.EmptyAnswer,
    access=Access.FULL,
    limit="login",
    refuses=(errors.SecondFactorNotEnabled, errors.SecondFactorEnforced, errors.AccountLocked),
    errors=_WRONG_CODE,
)
def disable(call: Call, body: dict[str, Any]) -> Response:
    """Forget the app and the recovery codes; every other session of the person ends."""
    call.engine.factor_changes.disable(call.judged_snapshot, body["code"], call.client)
    return Response(status=200)


@mfa.post("/mfa/recovery-codes/regenerate")
@operation(
    "Make new recovery codes",
    answers=RecoveryCodesAnswer,
    access=Access.FULL,
    refuses=(errors.SecondFactorNotEnabled, errors.ReauthenticationRequired),
)
def regenerate(call: Call) -> Response:
    """Show eight new codes, once; the former ones are worthless, and every other session ends."""
    codes = call.engine.factor_changes.renew_recovery_codes(
        call.judged_snapshot, RecoveryForm.SHORT, call.client
    )
    return call.answer({"recoveryCodes": codes})
