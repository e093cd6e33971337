"""The endpoints of nest_auth: parse, one call of the engine, present."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, Response

from app.contracts.nest_auth import presenter, schemas
from app.contracts.nest_auth.errors import (
    EMAIL_OR_PHONE_REQUIRED,
    INVALID_PROVIDER,
    MISSING_REQUIRED_FIELDS,
    TENANT_NOT_FOUND,
    WRONG_CODE,
)
from app.contracts.nest_auth.recovery import login_identifier
from app.engine import errors
from app.engine.accounts import Registration
from app.engine.candidates import LoginTarget
from app.engine.grant import Grant
from app.engine.identifiers import Identifier, IdentifierKind
from app.engine.snapshot import PersonRow
from app.http import csrf
from app.http.call import Call
from app.http.contract import WireRefusal
from app.http.operations import Access, operation

blueprint = Blueprint("nest_auth", __name__)

_PROVIDERS = {"email": IdentifierKind.EMAIL, "phone": IdentifierKind.PHONE}
_ENDED = (
    errors.SessionRevoked,
    errors.AccountSuspended,
    errors.AccountDeleted,
    errors.MembershipLost,
    errors.OrganizationSuspended,
)
_REFUSES_REFRESH = (
    errors.RefreshTokenMissing,
    errors.InvalidRefreshToken,
    errors.RefreshTokenExpired,
    errors.RefreshTokenReused,
    *_ENDED,
)


@blueprint.post("/signup")
@operation(
    "Sign up",
    body=schemas.SignupRequest,
    answers=schemas.TokenAnswer,
    limit="signup",
    refuses=(
        EMAIL_OR_PHONE_REQUIRED,
        TENANT_NOT_FOUND,
        errors.EmailTaken,
        errors.PhoneTaken,
        errors.PasswordRefused,
    ),
    errors={errors.NotFound: TENANT_NOT_FOUND},
    gives_tokens=True,
)
def sign_up(call: Call, body: dict[str, Any]) -> Response:
    """Create an account, in a tenant if one is asked for that is open, and open its first session."""
    if body["email"] is None and body["phone"] is None:
        raise WireRefusal(EMAIL_OR_PHONE_REQUIRED)
    tenant_id = body.pop("tenant_id")
    slug = call.engine.organizations.slug_of_open(tenant_id) if tenant_id is not None else None
    registration = Registration(**body, organization_slug=slug, uninvited=True)
    grant = call.engine.sign_up(registration, call.policy, call.client, replacing=call.cookie_refresh_token())
    return _tokens(call, grant, "Signup successful", remembered=True)


@blueprint.post("/login")
@operation(
    "Log in",
    body=schemas.LoginRequest,
    answers=schemas.TokenAnswer,
    limit="login",
    refuses=(
        MISSING_REQUIRED_FIELDS,
        INVALID_PROVIDER,
        errors.InvalidCredentials,
        errors.AccountSuspended,
        errors.OrganizationSuspended,
        errors.MembershipLost,
        errors.PermissionDenied,
        errors.AccountLocked,
        errors.InvalidCode,
    ),
    errors={errors.CodeExpired: WRONG_CODE},
    gives_tokens=True,
)
def log_in(call: Call, body: dict[str, Any]) -> Response:
    """Open a session for whoever proves who they are; in cookie mode the browser's former session ends."""
    replacing, trust_token = call.cookie_refresh_token(), call.trust_token(body["trust_token"])
    target = LoginTarget(organization_id=body["tenant_id"], admits=_holds_guard(body["guard"]))
    credentials = body["credentials"]
    log_in_by: Callable[..., Grant] = call.engine.log_in
    if body["provider"] == "passwordless" and call.engine.passwordless.is_enabled:
        typed, code = _required(credentials["identifier"], credentials["code"])
        identifier, log_in_by = login_identifier(typed), call.engine.log_in_with_code
    else:
        kind = _PROVIDERS.get(body["provider"])
        if kind is None:
            raise WireRefusal(INVALID_PROVIDER)
        typed, code = _required(credentials[kind], credentials["password"])
        identifier = Identifier.of(kind, typed)
    grant = log_in_by(
        identifier,
        code,
        call.policy,
        call.client,
        target=target,
        replacing=replacing,
        trust_token=trust_token,
    )
    return _tokens(call, grant, "Login successful", remembered=body["remember_me"])


@blueprint.post("/refresh-token")
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
    return _tokens(call, grant, "Token refreshed successfully")


@blueprint.post("/logout")
@operation("Log out", body=schemas.RefreshRequest, answers=schemas.MessageAnswer, clears_tokens=True)
def log_out(call: Call, body: dict[str, Any]) -> Response:
    """End the session of every genuine token that came along; without one there is nothing to end."""
    call.end_named_sessions(body["refresh_token"])
    return call.signed_out_answer({"message": "Logged out successfully"})


@blueprint.post("/logout-all")
@operation("Log out everywhere", answers=schemas.MessageAnswer, access=Access.SIGNED_IN, clears_tokens=True)
def log_out_everywhere(call: Call) -> Response:
    """End every session of the person."""
    call.engine.sessions.end_all(call.judged_snapshot.person.id, call.client)
    return call.signed_out_answer({"message": "Logged out from all devices successfully"})


@blueprint.get("/me")
@operation("The person of the session", answers=schemas.MeAnswer, access=Access.PARTIAL)
def me(call: Call) -> Response:
    """Show whose session it is."""
    return call.answer(presenter.me_body(call.snapshot.person))


@blueprint.get("/user")
@operation("The stored record", answers=schemas.UserAnswer, access=Access.FULL)
def user(call: Call) -> Response:
    """Show the stored record."""
    return call.answer(presenter.user_body(call.snapshot.person))


@blueprint.get("/verify-session")
@operation("Check the session", answers=schemas.VerifySessionAnswer, access=Access.PARTIAL)
def verify_session(call: Call) -> Response:
    """Say that the session lives, and until when."""
    session, person, _ = call.snapshot
    return call.answer(
        {"valid": True, "userId": str(person.uuid), "expiresAt": presenter.moment(session.expires_at)}
    )


@blueprint.post("/change-password")
@operation(
    "Change the password",
    body=schemas.ChangePasswordRequest,
    answers=schemas.MessageAnswer,
    access=Access.SIGNED_IN,
    limit="password",
    refuses=(
        errors.CurrentPasswordIncorrect,
        errors.PasswordUnchanged,
        errors.PasswordRefused,
        errors.AccountLocked,
    ),
    clears_tokens=True,
)
def change_password(call: Call, body: dict[str, Any]) -> Response:
    """Replace the password; every session of the person ends, this one too."""
    call.engine.credentials.change_password(
        call.judged_snapshot.person.id,
        body["current_password"],
        body["new_password"],
        call.client,
        call.engine.login_rule,
    )
    return call.signed_out_answer({"message": "Password changed successfully"})


@blueprint.get("/sessions")
@operation("One's own sessions", answers=schemas.SessionsAnswer, access=Access.FULL)
def list_sessions(call: Call) -> Response:
    """List the live sessions of the person, this one marked."""
    session, person, _ = call.snapshot
    rows = call.engine.sessions.list_live(person.id)
    return call.answer({"sessions": [presenter.session_body(row, session.id) for row in rows]})


@blueprint.delete("/sessions/<uuid:session_id>")
@operation(
    "End one of one's own sessions",
    answers=schemas.MessageAnswer,
    access=Access.FULL,
    refuses=(errors.NotFound,),
)
def end_session(call: Call, session_id: UUID) -> Response:
    """End one session; somebody else's answers as one that does not exist."""
    call.engine.sessions.end_own(call.judged_snapshot.person.id, session_id, call.client)
    return call.answer({"message": "Session revoked successfully"})


@blueprint.post("/sessions/revoke-others")
@operation("End all other sessions", answers=schemas.RevokedAnswer, access=Access.FULL)
def end_other_sessions(call: Call) -> Response:
    """End all sessions of the person but this one."""
    session, person, _ = call.judged_snapshot
    count = call.engine.sessions.end_others(person.id, session.id, call.client)
    return call.answer({"message": "Other sessions revoked successfully", "revoked": count})


@blueprint.get("/client-config")
@operation("Public settings", answers=schemas.ClientConfigAnswer)
def client_config(call: Call) -> Response:
    """Say which ways to sign in there are."""
    configured = call.mount.settings.tokens.access_token_type.value
    return call.answer(
        {
            "accessTokenType": None if configured == "client" else configured,
            "emailAuth": {"enabled": True},
            "phoneAuth": {"enabled": True},
            "passwordless": {"enabled": call.engine.passwordless.is_enabled},
            "registration": {"enabled": True},
            "mfa": {"enabled": True},
        }
    )


@blueprint.get("/csrf")
@operation("The double-submit value", answers=schemas.CsrfAnswer, refuses=(errors.InvalidRequest,))
def csrf_token(call: Call) -> Response:
    """Give a value to send back in a header, where double submit is switched on."""
    if not call.double_submit_enabled:
        return call.answer({"enabled": False})
    names = {"headerName": csrf.HEADER.lower(), "cookieName": call.mount.cookies.names.csrf}
    return call.csrf_answer("csrfToken", {"enabled": True, **names})


def _holds_guard(guard: str | None) -> Callable[[PersonRow], bool]:
    return lambda person: guard is None or guard in presenter.guards(person)


def _required(*given: str | None) -> list[str]:
    found = [value for value in given if value]
    if len(found) < len(given):
        raise WireRefusal(MISSING_REQUIRED_FIELDS)
    return found


def _tokens(call: Call, grant: Grant, message: str, *, remembered: bool | None = None) -> Response:
    body = presenter.token_body(grant, message)
    if grant.session.mfa_pending:
        status = call.engine.second_factors.status(grant.person.id)
        body = {**body, **presenter.due_body(status.methods)}
    return call.grant_answer(grant, body, presenter.TOKENS, remembered=remembered)
