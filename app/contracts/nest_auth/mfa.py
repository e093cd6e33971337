"""The second-factor endpoints of nest_auth, and beyond it the person's trusted devices."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response

from app.contracts.nest_auth import mfa_presenter, mfa_schemas, presenter, schemas
from app.contracts.nest_auth.errors import RECOVERY_WITHOUT_MFA, TOO_WEAK
from app.engine import errors
from app.engine.mfa import Holder, Passed, RecoveryForm
from app.http.call import Call
from app.http.operations import Access, operation
from config import FactorMethod

mfa = Blueprint("mfa", __name__)

_REFUSES_CODE = (errors.SecondFactorNotEnabled, errors.AccessSessionEnded, errors.AccountLocked)


@mfa.get("/mfa/status")
@operation("Where one stands with second factors", answers=mfa_schemas.StatusAnswer, access=Access.PARTIAL)
def status(call: Call) -> Response:
    """Say what is switched on, what can be proven and what is asked for."""
    found = call.engine.second_factors.status(call.judged_snapshot.person.id)
    return call.answer(mfa_presenter.status_body(found, call.engine.second_factors.methods))


@mfa.post("/mfa/toggle")
@operation(
    "Switch the second factor on or off",
    body=mfa_schemas.ToggleRequest,
    answers=schemas.MessageAnswer,
    access=Access.FULL,
    refuses=(errors.SecondFactorEnforced, errors.SecondFactorMissing, *TOO_WEAK),
)
def toggle(call: Call, body: dict[str, Any]) -> Response:
    """Switch the second factor; every other session of the person ends."""
    call.engine.factor_changes.set_enabled(call.judged_snapshot, call.client, enabled=body["enabled"])
    return call.answer({"message": f"MFA {'enabled' if body['enabled'] else 'disabled'} successfully"})


@mfa.get("/mfa/devices")
@operation("One's authenticator apps", answers=mfa_schemas.DeviceAnswer(many=True), access=Access.PARTIAL)
def list_devices(call: Call) -> Response:
    """List the apps; one that no code has proven yet is not verified."""
    found = call.engine.second_factors.status(call.judged_snapshot.person.id)
    return call.answer([mfa_presenter.device_body(device) for device in found.devices])


@mfa.delete("/mfa/devices/<uuid:device_id>")
@operation(
    "Remove an authenticator app",
    answers=schemas.MessageAnswer,
    access=Access.FULL,
    refuses=(errors.NotFound, errors.SecondFactorEnforced, *TOO_WEAK),
)
def remove_device(call: Call, device_id: UUID) -> Response:
    """Forget one app; without any factor left the second factor is off."""
    call.engine.factor_changes.remove_device(call.judged_snapshot, device_id, call.client)
    return call.answer({"message": "Device removed successfully"})


@mfa.post("/mfa/setup-totp")
@operation(
    "Enrol an authenticator app",
    body=mfa_schemas.SetupRequest,
    answers=mfa_schemas.SetupAnswer,
    access=Access.PARTIAL,
    refuses=(errors.SecondFactorRequired, errors.SecondFactorNotEnabled, *TOO_WEAK),
)
def set_up(call: Call, body: dict[str, Any]) -> Response:
    """Make a secret. A pending session may only where a factor is asked for and there is none yet."""
    enrolment = call.engine.factor_changes.begin_totp(
        call.judged_snapshot, name=body["device_name"], label=body["label"]
    )
    return call.answer(mfa_presenter.setup_body(enrolment))


@mfa.post("/mfa/verify-totp-setup")
@operation(
    "Confirm an authenticator app",
    body=mfa_schemas.ConfirmRequest,
    answers=schemas.MessageAnswer,
    access=Access.PARTIAL,
    limit="login",
    refuses=(errors.InvalidSecondFactor, errors.SecondFactorRequired, errors.AccountLocked, *TOO_WEAK),
)
def confirm(call: Call, body: dict[str, Any]) -> Response:
    """Let the app count and switch the second factor on; every other session of the person ends."""
    call.engine.factor_changes.confirm_totp(call.judged_snapshot, body["secret"], body["otp"], call.client)
    return call.answer({"message": "TOTP device verified successfully"})


@mfa.post("/mfa/generate-recovery-code")
@operation(
    "Make new recovery codes",
    answers=mfa_schemas.RecoveryCodesAnswer,
    access=Access.FULL,
    refuses=(errors.SecondFactorNotEnabled, *TOO_WEAK),
)
def generate_recovery_codes(call: Call) -> Response:
    """Show ten new codes, once; the former ones are worthless, and every other session ends."""
    codes = call.engine.factor_changes.renew_recovery_codes(
        call.judged_snapshot, RecoveryForm.LONG, call.client
    )
    return call.answer({"codes": codes, "code": codes[0]})


@mfa.post("/mfa/reset-totp")
@operation(
    "Forget all authenticator apps for a recovery code",
    body=mfa_schemas.ResetRequest,
    answers=schemas.MessageAnswer,
    access=Access.PARTIAL,
    limit="login",
    refuses=(errors.InvalidRecoveryCode, *_REFUSES_CODE),
)
def reset(call: Call, body: dict[str, Any]) -> Response:
    """Forget the apps; every other session of the person ends. A pending session stays a pending one."""
    call.engine.factor_changes.reset_totp(call.judged_snapshot, body["code"], call.client)
    return call.answer({"message": "TOTP reset successfully"})


@mfa.post("/mfa/challenge")
@operation(
    "Ask for a code",
    body=mfa_schemas.ChallengeRequest,
    answers=schemas.MessageAnswer,
    access=Access.PARTIAL,
    limit="login",
    refuses=(errors.SecondFactorNotEnabled, errors.RateLimited),
)
def challenge(call: Call, body: dict[str, Any]) -> Response:
    """Send a code by mail or SMS; an authenticator app needs nothing sent."""
    session, person, _ = call.judged_snapshot
    method = FactorMethod(body["method"])
    call.engine.second_factors.challenge(Holder(person, str(session.id)), method, call.client)
    return call.answer({"message": "2FA code sent successfully"})


@mfa.post("/mfa/verify")
@operation(
    "Prove a second factor",
    body=mfa_schemas.VerifyRequest,
    answers=mfa_schemas.VerifiedAnswer,
    access=Access.PARTIAL,
    limit="login",
    refuses=(errors.InvalidSecondFactor, errors.InvalidCode, errors.CodeExpired, *_REFUSES_CODE),
    gives_tokens=True,
)
def verify(call: Call, body: dict[str, Any]) -> Response:
    """Finish the session, or prove again who one is; every earlier token of the session is invalid."""
    return _verify(call, FactorMethod(body["method"]), body["otp"], body, "2FA verification successful")


@mfa.post("/mfa/verify-recovery-code")
@operation(
    "Use a recovery code",
    body=mfa_schemas.RecoveryRequest,
    answers=mfa_schemas.VerifiedAnswer,
    access=Access.PARTIAL,
    limit="login",
    refuses=(errors.InvalidRecoveryCode, *_REFUSES_CODE),
    errors={errors.SecondFactorNotEnabled: RECOVERY_WITHOUT_MFA},
    gives_tokens=True,
)
def verify_recovery_code(call: Call, body: dict[str, Any]) -> Response:
    """Do the same with a recovery code, which is spent."""
    return _verify(call, None, body["code"], body, "Recovery code verification successful")


@mfa.post("/reauthenticate")
@operation(
    "Prove the password again",
    body=mfa_schemas.ReauthenticateRequest,
    answers=schemas.TokenAnswer,
    access=Access.FULL,
    limit="login",
    refuses=(errors.CurrentPasswordIncorrect, errors.AccountLocked),
    gives_tokens=True,
)
def reauthenticate(call: Call, body: dict[str, Any]) -> Response:
    """Refresh the proof that changes of second factors ask for, for people who have none."""
    grant = call.engine.reauthentication.prove(
        call.judged_snapshot, body["password"], call.policy, call.client
    )
    answer = presenter.token_body(grant, "Reauthentication successful")
    return call.grant_answer(grant, answer, presenter.TOKENS)


@mfa.get("/trusted-devices")
@operation("One's trusted devices", answers=mfa_schemas.TrustedDevicesAnswer, access=Access.FULL)
def list_trusted_devices(call: Call) -> Response:
    """List the devices that skip the second factor."""
    devices = call.engine.trusted_devices.list_live(call.judged_snapshot.person.id)
    return call.answer({"devices": [mfa_presenter.trusted_body(device) for device in devices]})


@mfa.delete("/trusted-devices")
@operation("Trust no device any more", answers=mfa_schemas.UntrustedAnswer, access=Access.FULL)
def revoke_trusted_devices(call: Call) -> Response:
    """Forget all of them."""
    count = call.engine.trusted_devices.revoke_all(call.judged_snapshot.person.id, call.client)
    return call.answer({"message": "Trusted devices revoked successfully", "revoked": count})


@mfa.delete("/trusted-devices/<uuid:device_id>")
@operation(
    "Stop trusting a device",
    answers=schemas.MessageAnswer,
    access=Access.FULL,
    refuses=(errors.NotFound,),
)
def revoke_trusted_device(call: Call, device_id: UUID) -> Response:
    """Forget one; somebody else's answers as one that does not exist."""
    call.engine.trusted_devices.revoke(call.judged_snapshot.person.id, device_id, call.client)
    return call.answer({"message": "Trusted device revoked successfully"})


def _verify(
    call: Call, method: FactorMethod | None, typed: str, body: dict[str, Any], message: str
) -> Response:
    passed: Passed = call.engine.second_factors.verify(
        call.judged_snapshot, method, typed, call.policy, call.client, trusts_device=body["trust_device"]
    )
    answer = presenter.token_body(passed.grant, message)
    return call.grant_answer(passed.grant, answer, presenter.TOKENS, trust_token=passed.trust_token)
