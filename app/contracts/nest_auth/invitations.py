"""The endpoints of nest_auth with which people are invited and, beyond it, accept."""

from typing import Any

from flask import Blueprint, Response

from app.contracts.nest_auth import invitation_schemas, presenter, schemas
from app.contracts.nest_auth.errors import (
    EMAIL_OR_PHONE_REQUIRED,
    INVALID_INVITATION,
    MISSING_PERMISSIONS,
    NOT_A_MEMBER,
)
from app.engine import errors
from app.engine.accounts import Registration
from app.http.call import Call
from app.http.contract import WireRefusal
from app.http.operations import Access, operation
from app.http.runtime import runtime

invitations = Blueprint("invitations", __name__)

_PERMISSION = "users.invite"
# The page, ours or the web application's, that takes the token out of its own address.
_PAGE = "/accept-invitation?token="


@invitations.post("/invite")
@operation(
    "Invite somebody",
    body=invitation_schemas.InviteRequest,
    answers=invitation_schemas.InvitedAnswer,
    status=201,
    access=Access.FULL,
    limit="signup",
    refuses=(EMAIL_OR_PHONE_REQUIRED, MISSING_PERMISSIONS, NOT_A_MEMBER),
)
def invite(call: Call, body: dict[str, Any]) -> Response:
    """Send a link to somebody, for whom an account is made if there is none."""
    _, inviter, organization = call.judged_snapshot
    if _PERMISSION not in presenter.permissions(inviter):
        raise WireRefusal(MISSING_PERMISSIONS)
    if not (body["email"] or body["phone"]):
        raise WireRefusal(EMAIL_OR_PHONE_REQUIRED)
    if body["tenant_id"] not in {None, str(organization.id) if organization else None}:
        raise WireRefusal(NOT_A_MEMBER)
    by = "email" if body["email"] else "phone"
    registration = Registration(
        password=None,
        name=(body["metadata"] or {}).get("name"),
        organization_slug=organization.slug if organization else None,
        **{by: body[by]},
    )
    path = runtime().page_path(_PAGE)
    invited = call.engine.invitations.invite(registration, call.client, path=path, takes_known=True)
    answer = {"userId": str(invited.person.uuid), "isNewUser": invited.is_new}
    return call.answer({"message": "Invitation sent", **answer}, 201)


@invitations.post("/accept-invitation")
@operation(
    "Accept an invitation",
    body=invitation_schemas.AcceptRequest,
    answers=schemas.MessageAnswer,
    limit="password",
    refuses=(
        INVALID_INVITATION,
        errors.PasswordRefused,
        errors.CurrentPasswordIncorrect,
        errors.AccountLocked,
        errors.OrganizationSuspended,
    ),
    errors={errors.InvalidCode: INVALID_INVITATION, errors.CodeExpired: INVALID_INVITATION},
)
def accept(call: Call, body: dict[str, Any]) -> Response:
    """Choose the first password, or give the one there is; no session is opened."""
    call.engine.invitations.accept(body["token"], body["password"], call.client, call.engine.login_rule)
    return call.answer({"message": "Invitation accepted"})
