"""The endpoints of entryguard: parse, one call of the engine, present."""

from typing import Any

from flask import Blueprint, Response

from app.contracts.entryguard import presenter, schemas, user_schemas
from app.contracts.entryguard.entering import enter
from app.contracts.entryguard.users import SET_PASSWORD_PAGE
from app.engine import errors
from app.engine.accounts import Registration
from app.engine.candidates import LoginTarget
from app.engine.identifiers import Identifier, IdentifierKind
from app.http.call import Call
from app.http.operations import Access, operation

blueprint = Blueprint("entryguard", __name__)

_SUSPENDED = (errors.AccountSuspended, errors.OrganizationSuspended)
_REFUSES_REFRESH = (
    errors.RefreshTokenMissing,
    errors.InvalidRefreshToken,
    errors.RefreshTokenExpired,
    errors.SessionRevoked,
    errors.RefreshTokenReused,
    errors.AccountDeleted,
    errors.MembershipLost,
    *_SUSPENDED,
)


@blueprint.post("/auth/register")
@operation(
    "Register an organization",
    body=schemas.RegisterRequest,
    answers=user_schemas.AcceptedAnswer,
    status=201,
    limit="signup",
    refuses=(errors.EmailTaken, errors.PasswordRefused),
    gives_tokens=True,
)
def register(call: Call, body: dict[str, Any]) -> Response:
    """Create an organization with its first administrator, mail them a link, and open their first session."""
    founding = body.pop("organization_name").strip()
    return enter(
        call,
        lambda: call.engine.sign_up(
            Registration(**body),
            call.policy,
            call.client,
            founding=founding,
            confirming_at=SET_PASSWORD_PAGE,
            replacing=call.cookie_refresh_token(),
        ),
        presenter.token_body,
        status=201,
    )


@blueprint.post("/auth/login")
@operation(
    "Log in to an organization",
    body=schemas.LoginRequest,
    answers=schemas.LoginAnswer,
    limit="login",
    refuses=(errors.InvalidCredentials, errors.AccountLocked, *_SUSPENDED),
    gives_tokens=True,
)
def log_in(call: Call, body: dict[str, Any]) -> Response:
    """Open a session in the organization for whoever belongs to it and knows the password."""
    return enter(
        call,
        lambda: call.engine.log_in(
            Identifier.of(IdentifierKind.EMAIL, body["email"]),
            body["password"],
            call.policy,
            call.client,
            target=LoginTarget(organization_slug=body["organization_slug"]),
            replacing=call.cookie_refresh_token(),
        ),
    )


@blueprint.post("/auth/refresh")
@operation(
    "Refresh",
    body=schemas.RefreshRequest,
    answers=schemas.TokenAnswer,
    limit="refresh",
    refuses=_REFUSES_REFRESH,
    gives_tokens=True,
)
def refresh(call: Call, body: dict[str, Any]) -> Response:
    """Exchange a refresh token for its successor and a fresh access token."""
    grant = call.refresh(body["refresh_token"])
    return call.grant_answer(grant, presenter.token_body(grant), presenter.TOKENS)


@blueprint.post("/auth/logout")
@operation("Log out", body=schemas.LogoutRequest, answers=schemas.EmptyAnswer, clears_tokens=True)
def log_out(call: Call, body: dict[str, Any]) -> Response:
    """End the session of any genuine token that came along; the answer is the same without one."""
    call.end_named_sessions(body["refresh_token"])
    return call.signed_out_answer({})


@blueprint.get("/auth/me")
@operation("The current user", answers=schemas.MeAnswer, access=Access.FULL)
def me(call: Call) -> Response:
    """Show whose session it is, and in which organization."""
    snapshot = call.snapshot
    settings = call.engine.organizations.settings(snapshot.organization.id) if snapshot.organization else {}
    return call.answer(presenter.me_body(snapshot, mfa_required=settings.get("mfa_required") is True))


@blueprint.post("/auth/change-password")
@operation(
    "Change the password",
    body=schemas.ChangePasswordRequest,
    answers=schemas.EmptyAnswer,
    access=Access.SIGNED_IN,
    limit="password",
    refuses=(errors.CurrentPasswordIncorrect, errors.PasswordUnchanged, errors.AccountLocked),
    others={422: schemas.PolicyAnswer},
    clears_tokens=True,
)
def change_password(call: Call, body: dict[str, Any]) -> Response:
    """Replace the password; every session of the person ends, this one too."""
    try:
        call.engine.credentials.change_password(
            call.judged_snapshot.person.id,
            body["current_password"],
            body["new_password"],
            call.client,
            call.engine.login_rule,
        )
    except errors.PasswordRefused as refused:
        return call.answer(presenter.policy_body(refused), 422)
    return call.signed_out_answer({})
