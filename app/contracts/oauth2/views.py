"""The endpoints of oauth2: parse, one call of the engine, present."""

from contextlib import suppress
from typing import Any

from flask import Blueprint, Response

from app.contracts.oauth2 import presenter, schemas
from app.contracts.oauth2.client_authentication import authenticate_client
from app.contracts.oauth2.errors import INVALID_SCOPE, UNSUPPORTED_GRANT_TYPE
from app.engine import errors
from app.engine.errors import InvalidAccessToken, InvalidRefreshToken, InvalidRequest
from app.engine.identifiers import Identifier, IdentifierKind
from app.http.call import Call
from app.http.contract import WireRefusal
from app.http.operations import operation

blueprint = Blueprint("oauth2", __name__)
root_blueprint = Blueprint("well_known", __name__)


@blueprint.after_request
def forbid_old_caches(response: Response) -> Response:
    """Say to caches that know no Cache-Control what it says to others (RFC 6749 section 5.1)."""
    response.headers["Pragma"] = "no-cache"
    return response


@blueprint.post("/token")
@operation(
    "Exchange a grant for tokens",
    body=schemas.TokenRequest,
    form=True,
    answers=schemas.TokenAnswer,
    refuses=(
        UNSUPPORTED_GRANT_TYPE,
        INVALID_SCOPE,
        errors.RefreshTokenMissing,
        errors.InvalidClient,
        errors.InvalidRefreshToken,
        errors.InvalidCredentials,
        errors.SecondFactorRequired,
        errors.PasswordChangeRequired,
        errors.AccountUnavailable,
        errors.AccountLocked,
        errors.RateLimited,
    ),
    gives_tokens=True,
)
def token(call: Call, body: dict[str, Any]) -> Response:
    """Exchange a refresh token, or a password in applications of the house (RFC 6749 sections 6 and 4.3)."""
    exchange = _GRANTS.get(body["grant_type"])
    if exchange is None:
        raise WireRefusal(UNSUPPORTED_GRANT_TYPE)
    if body["scope"] is not None:
        raise WireRefusal(INVALID_SCOPE)
    return exchange(call, body)


def _refresh(call: Call, body: dict[str, Any]) -> Response:
    call.check_limit("refresh")
    authenticate_client(call, body)
    refresh_token = call.refresh_token(body["refresh_token"])
    grant = call.engine.sessions.refresh(refresh_token, call.policy, call.client)
    return call.grant_answer(grant, presenter.token_body(grant), presenter.TOKENS)


def _log_in(call: Call, body: dict[str, Any]) -> Response:
    call.check_limit("login")
    authenticate_client(call, body)
    for name in ("username", "password"):
        if body[name] is None:
            raise InvalidRequest({name: f"{name} is required"})
    kind = IdentifierKind.EMAIL if "@" in body["username"] else IdentifierKind.USERNAME
    grant = call.engine.log_in(
        Identifier.of(kind, body["username"]),
        body["password"],
        call.policy,
        call.client,
        replacing=call.cookie_refresh_token(),
    )
    return call.grant_answer(grant, presenter.token_body(grant), presenter.TOKENS, remembered=True)


_GRANTS = {"refresh_token": _refresh, "password": _log_in}


@blueprint.post("/revoke")
@operation(
    "End the session of a token",
    body=schemas.RevocationRequest,
    form=True,
    answers=schemas.RevocationAnswer,
    refuses=(errors.InvalidClient, errors.PermissionDenied),
    clears_tokens=True,
)
def revoke(call: Call, body: dict[str, Any]) -> Response:
    """End a session with all its tokens; a token that is none any more has nothing to end (RFC 7009)."""
    authenticate_client(call, body)
    if body["token"] is not None:
        call.end_session(call.session_of(body["token"]))
        return call.answer({})
    if not call.uses_cookies:
        raise InvalidRequest({"token": "token is required"})
    call.end_named_sessions()
    return call.signed_out_answer({})


@blueprint.post("/introspect")
@operation(
    "Look at a token",
    body=schemas.IntrospectionRequest,
    form=True,
    answers=schemas.IntrospectionAnswer,
    refuses=(errors.InvalidClient,),
)
def introspect(call: Call, body: dict[str, Any]) -> Response:
    """Tell a confidential client whether a token is live, and change nothing (RFC 7662)."""
    authenticate_client(call, body, confidential_only=True)
    raw_token, introspection = body["token"], call.engine.introspection
    with suppress(InvalidRefreshToken):
        snapshot = introspection.refresh_token(raw_token, call.policy)
        return call.answer(presenter.refresh_token_facts(snapshot, call.mount.audience.issuer))
    with suppress(InvalidAccessToken):
        access = call.read_access_token(raw_token)
        snapshot = introspection.access_token(access.session_id, access.generation, call.policy)
        return call.answer(presenter.access_token_facts(snapshot, access.claims))
    return call.answer(presenter.INACTIVE)


@root_blueprint.get("/.well-known/oauth-authorization-server")
@operation("Authorization server metadata", answers=schemas.MetadataAnswer)
def metadata(call: Call) -> Response:
    """Say where the endpoints are and what they take (RFC 8414)."""
    return call.answer(presenter.metadata(call.mount.audience.issuer, call.mount.settings.prefix))
