"""The endpoints of regardingwork_hub: parse, one call of the engine, present."""

from typing import Any

from flask import Blueprint, Response

from app.contracts.regardingwork_hub import presenter, schemas
from app.contracts.regardingwork_hub.errors import AT_LOGOUT, AT_REGISTER
from app.engine import errors
from app.engine.accounts import Registration
from app.engine.identifiers import Identifier, IdentifierKind
from app.http.call import Call
from app.http.operations import Access, operation

blueprint = Blueprint("regardingwork_hub", __name__)

_REFUSES_ACCESS = (errors.AccessTokenMalformed, errors.AccessTokenExpired)


@blueprint.post("/auth/register")
@operation(
    "Register",
    body=schemas.RegisterRequest,
    answers=schemas.RefreshAnswer,
    status=201,
    limit="signup",
    refuses=(
        errors.EmailTaken,
        errors.UsernameTaken,
        errors.PasswordRefused,
        errors.SecondFactorRequired,
    ),
    errors=AT_REGISTER,
    gives_tokens=True,
    failure="Registration failed",
)
def register(call: Call, body: dict[str, Any]) -> Response:
    """Create an account and open its first session."""
    grant = call.engine.sign_up(
        Registration(**body), call.policy, call.client, replacing=call.cookie_refresh_token()
    )
    answer = {"message": "User registered successfully", "user": presenter.user_body(grant.person)}
    return call.grant_answer(grant, answer, presenter.TOKENS, remembered=True, status=201)


@blueprint.post("/auth/login")
@operation(
    "Log in",
    body=schemas.LoginRequest,
    answers=schemas.LoginAnswer,
    limit="login",
    refuses=(
        errors.InvalidCredentials,
        errors.AccountSuspended,
        errors.PasswordChangeRequired,
        errors.AccountLocked,
    ),
    gives_tokens=True,
    failure="Login failed",
)
def log_in(call: Call, body: dict[str, Any]) -> Response:
    """Open a session for whoever knows the password that goes with the login name."""
    grant = call.engine.log_in(
        Identifier.of(IdentifierKind.USERNAME, body["username"]),
        body["password"],
        call.policy,
        call.client,
        replacing=call.cookie_refresh_token(),
    )
    answer = {"message": "Login successful", "user": presenter.full_user_body(grant.person)}
    return call.grant_answer(grant, answer, presenter.TOKENS, remembered=True)


@blueprint.post("/auth/refresh")
@operation(
    "Refresh",
    body=schemas.RefreshRequest,
    answers=schemas.RefreshAnswer,
    limit="refresh",
    refuses=(
        errors.RefreshTokenMissing,
        errors.InvalidRefreshToken,
        errors.AccountDeleted,
        errors.AccountSuspended,
        errors.PasswordChangeRequired,
    ),
    gives_tokens=True,
    failure="Token refresh failed",
)
def refresh(call: Call, body: dict[str, Any]) -> Response:
    """Exchange a refresh token for its successor and a fresh access token."""
    grant = call.refresh(body["refresh_token"])
    answer = {"message": "Token refreshed successfully", "user": presenter.user_body(grant.person)}
    return call.grant_answer(grant, answer, presenter.TOKENS)


@blueprint.post("/auth/logout")
@operation(
    "Log out",
    answers=schemas.MessageAnswer,
    access=Access.SIGNED_IN,
    errors=AT_LOGOUT,
    failure="Logout failed",
    clears_tokens=True,
)
def log_out(call: Call) -> Response:
    """End the session of the access token, and with it the refresh token."""
    call.engine.sessions.end(call.snapshot.session.id, call.client)
    return call.signed_out_answer({"message": "Logged out successfully"})


@blueprint.get(presenter.VALIDATE)
@blueprint.post(presenter.VALIDATE)
@operation(
    "Check an access token", answers=schemas.ValidateAnswer, access=Access.FULL, refuses=_REFUSES_ACCESS
)
def validate(call: Call) -> Response:
    """Say whose token it is and until when it holds."""
    return call.answer(presenter.validate_body(call.snapshot.person, call.claims))


@blueprint.get("/auth/me")
@operation("The person of the session", answers=schemas.MeAnswer, access=Access.FULL, refuses=_REFUSES_ACCESS)
def me(call: Call) -> Response:
    """Show whose session it is."""
    return call.answer({"user": presenter.full_user_body(call.snapshot.person)})
