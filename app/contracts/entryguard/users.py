"""The endpoints of entryguard with which an administrator handles people, and with which they accept."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response

from app.contracts.entryguard import presenter, user_schemas
from app.contracts.entryguard.administering import administered
from app.contracts.entryguard.entering import enter
from app.engine import errors
from app.engine.accounts import Registration
from app.http.call import Call
from app.http.contract import ErrorAnswer
from app.http.operations import Access, operation

users = Blueprint("users", __name__)

# The page of the web application that takes the token out of its own address and sends it on in a body.
SET_PASSWORD_PAGE = "/set-password?token="
_INVITABLE = {
    errors.EmailTaken: ErrorAnswer(400, "", "email is already registered", field="email"),
    errors.OrganizationFull: ErrorAnswer(400, "", "the organization has as many users as it may have"),
}


@users.post("/users")
@operation(
    "Invite a user",
    body=user_schemas.InviteRequest,
    answers=user_schemas.MemberAnswer,
    status=201,
    access=Access.FULL,
    limit="signup",
    refuses=(errors.PermissionDenied, errors.EmailTaken, errors.OrganizationFull),
    errors=_INVITABLE,
)
def invite(call: Call, body: dict[str, Any]) -> Response:
    """Make an account without a password in the organization, and mail its person a link."""
    organization = administered(call)
    registration = Registration(
        password=None,
        organization_slug=organization.slug,
        organization_limit=presenter.most_users(organization),
        **body,
    )
    person = call.engine.invitations.invite(registration, call.client, path=SET_PASSWORD_PAGE).person
    return call.answer(presenter.member_body(person, is_admin=registration.is_organization_admin), 201)


@users.post("/auth/set-password")
@operation(
    "Accept an invitation, or confirm one's address",
    body=user_schemas.SetPasswordRequest,
    answers=user_schemas.AcceptedAnswer,
    limit="password",
    refuses=(
        errors.InvalidCode,
        errors.CodeExpired,
        errors.PasswordRefused,
        errors.CurrentPasswordIncorrect,
        errors.AccountLocked,
        errors.AccountSuspended,
        errors.OrganizationSuspended,
        errors.MembershipLost,
    ),
    gives_tokens=True,
)
def set_password(call: Call, body: dict[str, Any]) -> Response:
    """Choose the first password, or give the one there is; the address is proven and a session is opened."""
    replacing = call.cookie_refresh_token()
    proof = call.engine.invitations.accept(
        body["invite_token"], body["password"], call.client, call.engine.login_rule, into_organization=True
    )
    return enter(
        call,
        lambda: call.engine.open_session(proof, call.policy, call.client, replacing=replacing),
        presenter.token_body,
    )


@users.post("/users/<uuid:user_id>/reset-mfa")
@operation(
    "Reset a member's second factor",
    answers=user_schemas.MessageAnswer,
    access=Access.FULL,
    refuses=(errors.PermissionDenied, errors.NotFound, errors.SecondFactorNotEnabled),
    errors={errors.SecondFactorNotEnabled: ErrorAnswer(400, "", "MFA is not enabled")},
)
def reset_mfa(call: Call, user_id: UUID) -> Response:
    """Forget the app and the recovery codes; every session of the person ends, and a mail tells of it."""
    organization = administered(call)
    call.engine.factor_changes.reset_member(call.judged_snapshot, organization.id, user_id, call.client)
    return call.answer({"message": "MFA has been reset"})
