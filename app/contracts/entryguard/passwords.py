"""The endpoints of entryguard for passwords that are forgotten or due, and for an organization's rules."""

from typing import Any

from flask import Blueprint, Response

from app.contracts.entryguard import password_schemas, presenter, schemas
from app.contracts.entryguard.administering import administered
from app.contracts.entryguard.entering import enter
from app.engine import errors
from app.engine.identifiers import Identifier, IdentifierKind
from app.engine.one_time_codes import CodePurpose
from app.http.call import Call
from app.http.operations import Access, operation

passwords = Blueprint("passwords", __name__)

# The page of the web application that takes the token out of its own address and sends it on in a body.
_RESET_PAGE = "/reset-password?token="
_REFUSES_TOKEN = (
    errors.InvalidCode,
    errors.CodeExpired,
    errors.AccountSuspended,
    errors.OrganizationSuspended,
    errors.MembershipLost,
)


@passwords.post("/auth/forgot-password")
@operation(
    "Ask for a password reset",
    body=password_schemas.ForgotPasswordRequest,
    answers=schemas.EmptyAnswer,
    status=204,
    limit="password",
)
def forgot_password(call: Call, body: dict[str, Any]) -> Response:
    """Send a link to a member of the organization, if that is who was named; nothing else changes."""
    identifier = Identifier.of(IdentifierKind.EMAIL, body["email"])
    call.engine.password_resets.send_link(
        identifier, body["organization_slug"], call.client, path=_RESET_PAGE
    )
    return Response(status=204)


@passwords.post("/auth/reset-password")
@operation(
    "Reset the password",
    body=password_schemas.ResetPasswordRequest,
    answers=schemas.LoginAnswer,
    limit="password",
    refuses=(errors.PasswordRefused, errors.PasswordUnchanged, *_REFUSES_TOKEN),
    gives_tokens=True,
)
def reset_password(call: Call, body: dict[str, Any]) -> Response:
    """Choose another password with the token of the mail; every session ends and a new one is opened."""
    replacing = call.cookie_refresh_token()
    proof = call.engine.password_resets.reset(
        body["token"], body["password"], call.client, into_organization=True
    )
    return enter(call, lambda: call.engine.open_session(proof, call.policy, call.client, replacing=replacing))


@passwords.post("/auth/change-expired-password")
@operation(
    "Replace a password that is due",
    body=password_schemas.ChangeExpiredPasswordRequest,
    answers=schemas.LoginAnswer,
    limit="password",
    refuses=(errors.PasswordUnchanged, *_REFUSES_TOKEN),
    others={422: schemas.PolicyAnswer},
    gives_tokens=True,
)
def change_expired_password(call: Call, body: dict[str, Any]) -> Response:
    """Finish a login that asked for another password first."""
    replacing = call.cookie_refresh_token()
    try:
        proof = call.engine.credentials.change_with_token(
            CodePurpose.PASSWORD_CHANGE,
            body["password_change_token"],
            body["new_password"],
            call.client,
        )
    except errors.PasswordRefused as refused:
        return call.answer(presenter.policy_body(refused), 422)
    return enter(call, lambda: call.engine.open_session(proof, call.policy, call.client, replacing=replacing))


@passwords.get("/organization/settings")
@operation(
    "The organization's rules",
    answers=password_schemas.SettingsAnswer,
    access=Access.FULL,
    refuses=(errors.PermissionDenied,),
)
def settings(call: Call) -> Response:
    """Show what the organization asks of its members."""
    return call.answer(presenter.settings_body(call.engine.organizations.settings(administered(call).id)))


@passwords.patch("/organization/settings")
@operation(
    "Change the organization's rules",
    body=password_schemas.SettingsRequest,
    answers=password_schemas.SettingsAnswer,
    access=Access.FULL,
    refuses=(errors.PermissionDenied,),
)
def change_settings(call: Call, body: dict[str, Any]) -> Response:
    """Change what came along; passwords in use stay good until they are changed or expire."""
    changes: dict[str, Any] = {}
    for name, value in body.items():
        target = changes if name == "mfa_required" else changes.setdefault("password", {})
        target[name] = value
    organization_id = administered(call).id
    return call.answer(
        presenter.settings_body(
            call.engine.organizations.change_settings(organization_id, changes, call.client)
        )
    )
