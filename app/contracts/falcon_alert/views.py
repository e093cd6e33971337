"""The endpoints of falcon_alert: parse, one call of the engine, present."""

from functools import partial
from typing import Any

from flask import Blueprint, Response

from app.contracts.falcon_alert import presenter, schemas
from app.contracts.falcon_alert.errors import AT_LOGIN, AT_REFRESH, NOTHING_TO_UPDATE, WITH_TOKEN
from app.contracts.falcon_alert.roles import Role, check_may_grant, may_use
from app.contracts.falcon_alert.usernames import registered_under_new_name
from app.engine import errors
from app.engine.accounts import Registration
from app.engine.candidates import LoginTarget
from app.engine.identifiers import Identifier, IdentifierKind
from app.engine.snapshot import PersonRow
from app.http.call import Call
from app.http.contract import WireRefusal
from app.http.operations import Access, operation

blueprint = Blueprint("falcon_alert", __name__)


@blueprint.post("/auth/login")
@operation(
    "Log in",
    body=schemas.LoginRequest,
    answers=schemas.TokenAnswer,
    limit="login",
    refuses=(
        errors.UnknownPerson,
        errors.InvalidCredentials,
        errors.PermissionDenied,
        errors.AccountSuspended,
        errors.AccountLocked,
    ),
    gives_tokens=True,
    errors=AT_LOGIN,
)
def log_in(call: Call, body: dict[str, Any]) -> Response:
    """Open a session for whoever knows the password and may use this kind of client."""
    grant = call.engine.log_in(
        Identifier.of(IdentifierKind.EMAIL, body["email"]),
        body["password"],
        call.policy,
        call.client,
        replacing=call.cookie_refresh_token(),
        target=LoginTarget(admits=partial(may_use, client_type=body["type"])),
    )
    return call.grant_answer(grant, {}, presenter.TOKENS, remembered=True)


@blueprint.post("/auth/refresh")
@operation(
    "Refresh",
    body=schemas.RefreshRequest,
    answers=schemas.TokenAnswer,
    limit="refresh",
    refuses=(
        errors.RefreshTokenMissing,
        errors.InvalidRefreshToken,
        errors.RefreshTokenExpired,
        errors.AccountDeleted,
        errors.AccountSuspended,
    ),
    gives_tokens=True,
    errors=AT_REFRESH,
)
def refresh(call: Call, body: dict[str, Any]) -> Response:
    """Exchange a refresh token for its successor and a fresh access token; the old one dies at once."""
    grant = call.refresh(body["refresh_token"])
    return call.grant_answer(grant, {}, presenter.TOKENS)


@blueprint.get("/auth/profile")
@operation("Whose token it is", answers=schemas.ProfileAnswer, access=Access.FULL, errors=WITH_TOKEN)
def profile(call: Call) -> Response:
    """Show the person as the token names them."""
    return call.answer({"profile": call.claims["profile"]})


@blueprint.post("/auth/verify")
@operation("Check an access token", answers=schemas.MessageAnswer, access=Access.FULL, errors=WITH_TOKEN)
def verify(call: Call) -> Response:
    """Say that the token is good."""
    return call.answer({"message": "Token is valid"})


@blueprint.post("/users/register")
@operation(
    "Register",
    body=schemas.RegisterRequest,
    answers=schemas.RegisterAnswer,
    access=Access.OPTIONAL,
    limit="signup",
    refuses=(errors.EmailTaken, errors.PasswordRefused, errors.PermissionDenied),
    errors=WITH_TOKEN,
)
def register(call: Call, body: dict[str, Any]) -> Response:
    """Create an account; the client logs in next. An administrator is made by an administrator only."""
    role = Role(int(body.pop("role_id")))
    check_may_grant(role, call.judged_snapshot.person if call.access else None)

    def store(username: str) -> PersonRow:
        registration = Registration(**body, username=username, attributes={"role_id": role.value})
        return call.engine.accounts.register(registration, call.client)

    person = registered_under_new_name(body["name"], store)
    return call.answer(
        {"user": presenter.user_body(person), "settings": [presenter.preferences_body(person)]}
    )


@blueprint.get("/users")
@operation("One's own account", answers=schemas.AccountAnswer, access=Access.FULL)
def account(call: Call) -> Response:
    """Show the stored record, without anything secret."""
    return call.answer(presenter.account_body(call.snapshot.person))


@blueprint.put("/users")
@operation(
    "Change one's own account",
    body=schemas.UpdateRequest,
    answers=schemas.AccountAnswer,
    access=Access.FULL,
    refuses=(
        NOTHING_TO_UPDATE,
        errors.EmailTaken,
        errors.UsernameTaken,
        errors.ReauthenticationRequired,
        errors.RateLimited,
    ),
)
def change_account(call: Call, body: dict[str, Any]) -> Response:
    """Change what is given and show the record; tokens name the person anew from the next refresh.

    Another address asks for a recent login, because a password can be reset by it. It and another user name
    count as a sign-up does: the answer tells as well whether somebody has them.
    """
    known = call.judged_snapshot.person._asdict()
    others = {name for name in ("email", "username") if body.get(name, known[name]) != known[name]}
    if "email" in others:
        call.engine.factor_changes.demand_recent_proof(call.judged_snapshot)
    if others:
        call.check_limit("signup")
    return call.answer(presenter.account_body(_changed(call, body)))


@blueprint.delete("/users")
@operation("Delete one's own account", answers=schemas.StatusAnswer, access=Access.FULL, clears_tokens=True)
def delete_account(call: Call) -> Response:
    """Remove the person; every session ends."""
    call.engine.accounts.delete(call.judged_snapshot.person.id, call.client)
    return call.signed_out_answer({"status": True})


@blueprint.post("/users/password")
@operation(
    "Change the password",
    body=schemas.PasswordRequest,
    answers=schemas.MessageAnswer,
    access=Access.SIGNED_IN,
    limit="password",
    refuses=(
        errors.CurrentPasswordIncorrect,
        errors.PasswordUnchanged,
        errors.PasswordRefused,
        errors.AccountLocked,
    ),
)
def change_password(call: Call, body: dict[str, Any]) -> Response:
    """Replace the password; the person's other sessions end and this one stays."""
    session, person, _ = call.judged_snapshot
    call.engine.credentials.change_password(
        person.id,
        body["old_password"],
        body["new_password"],
        call.client,
        call.engine.login_rule,
        kept=session.id,
    )
    return call.answer({"message": "Password changed successfully"})


@blueprint.get("/users/settings-info")
@operation("One's own preferences", answers=schemas.PreferencesAnswer, access=Access.FULL)
def preferences(call: Call) -> Response:
    """Show the preferences."""
    return call.answer(presenter.preferences_body(call.snapshot.person))


@blueprint.put("/users/settings-info")
@operation(
    "Change one's own preferences",
    body=schemas.PreferencesRequest,
    answers=schemas.PreferencesAnswer,
    access=Access.FULL,
    refuses=(NOTHING_TO_UPDATE,),
)
def change_preferences(call: Call, body: dict[str, Any]) -> Response:
    """Change what is given and show all of them."""
    return call.answer(presenter.preferences_body(_changed(call, body)))


def _changed(call: Call, changes: dict[str, Any]) -> PersonRow:
    if not changes:
        raise WireRefusal(NOTHING_TO_UPDATE)
    return call.engine.accounts.change(call.judged_snapshot.person.id, changes, call.client)
