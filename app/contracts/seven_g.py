"""The seven_g contract: login, and refresh with the access token beside the refresh token."""

import json
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response
from marshmallow import Schema, fields, validate

from app.engine import errors
from app.engine.errors import AuthError
from app.engine.grant import Grant
from app.engine.identifiers import Identifier, IdentifierKind
from app.engine.login_throttle import ThrottleRule
from app.engine.refresh_tokens import OpaqueForm
from app.http.call import Call
from app.http.contract import Contract, CookieNames, ErrorAnswer, Refusal
from app.http.operations import operation
from app.http.schemas import RequestSchema, Text
from config import ContractDefaults

NAME_CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"

_TOKENS = {"accessToken": "access", "refreshToken": "refresh"}
_ROLE_PARTS = ("RID", "BID", "PID")
_DEFAULT_INSTANCE = "1"
_TEN_MINUTES = timedelta(minutes=10)
_LOCKOUT = ThrottleRule(attempts=3, window=_TEN_MINUTES, lock=_TEN_MINUTES, per_address=False)

# One answer for whatever keeps a person out: it tells nobody which accounts exist or are disabled.
_REFUSED = ErrorAnswer(401, "", "credentials are not valid")
ERRORS: dict[type[AuthError], ErrorAnswer] = {
    errors.InvalidRequest: ErrorAnswer(400, ""),
    errors.RefreshTokenMissing: ErrorAnswer(400, "", "refreshToken is required"),
    errors.InvalidCredentials: _REFUSED,
    errors.AccountUnavailable: _REFUSED,
    errors.AccessTokenMissing: ErrorAnswer(401, "", "access token is required"),
    errors.InvalidAccessToken: ErrorAnswer(401, "", "access token is not valid"),
    errors.InvalidRefreshToken: ErrorAnswer(401, "", "refresh token is not valid"),
    errors.CrossSiteRequest: ErrorAnswer(403, ""),
    errors.AccountLocked: ErrorAnswer(429, ""),
    errors.RateLimited: ErrorAnswer(429, ""),
    errors.Unavailable: ErrorAnswer(503, ""),
}


class VersionHeaders(RequestSchema):
    """The version of the interface; there is one, which a client need not name."""

    version = Text(
        data_key="Version",
        load_default="2.0",
        validate=validate.Equal("2.0", error="must be 2.0"),
        metadata={"description": "The version of the interface."},
    )


class LoginRequest(RequestSchema):
    """A user name and its password."""

    username = Text(required=True)
    password = Text(required=True)


class RefreshRequest(RequestSchema):
    """A refresh token, unless its cookie comes along."""

    refresh_token = Text(data_key="refreshToken", load_default=None)


class TokenAnswer(Schema):
    """The two tokens; in cookie mode an object without fields."""

    accessToken = fields.String(metadata={"description": "Header mode only. A JWT."})
    refreshToken = fields.String(metadata={"description": "Header mode only. Opaque."})


class EnvelopeAnswer(Schema):
    """The error body of both endpoints."""

    result = fields.Boolean(required=True, validate=validate.OneOf([False]))
    message = fields.String(required=True)
    recordCount = fields.Integer(required=True, validate=validate.Equal(0))
    data = fields.Dict(required=True, metadata={"description": "Always empty."})


blueprint = Blueprint("seven_g", __name__)


@blueprint.post("/Login")
@operation(
    "Log in",
    headers=VersionHeaders,
    body=LoginRequest,
    answers=TokenAnswer,
    limit="login",
    refuses=(errors.InvalidCredentials, errors.PasswordChangeRequired, errors.AccountLocked),
    gives_tokens=True,
)
def log_in(call: Call, body: dict[str, Any]) -> Response:
    """Open a session; three failures within ten minutes lock the account for ten, wherever they come from."""
    grant = call.engine.log_in(
        Identifier.of(IdentifierKind.USERNAME, body["username"]),
        body["password"],
        call.policy,
        call.client,
        replacing=call.cookie_refresh_token(),
        rule=_LOCKOUT,
    )
    return call.grant_answer(grant, {}, _TOKENS, remembered=True)


@blueprint.post("/RefreshToken")
@operation(
    "Refresh",
    headers=VersionHeaders,
    body=RefreshRequest,
    answers=TokenAnswer,
    limit="refresh",
    refuses=(
        errors.RefreshTokenMissing,
        errors.AccessTokenMissing,
        errors.InvalidAccessToken,
        errors.InvalidRefreshToken,
        errors.AccountUnavailable,
        errors.PasswordChangeRequired,
    ),
    gives_tokens=True,
)
def refresh(call: Call, body: dict[str, Any]) -> Response:
    """Exchange a refresh token and the access token given with it, which may have expired, for new ones."""
    refresh_token = call.refresh_token(body["refresh_token"])
    grant = call.engine.sessions.refresh(
        refresh_token, call.policy, call.client, beside=call.accompanying_access()
    )
    return call.grant_answer(grant, {}, _TOKENS)


def access_claims(grant: Grant) -> dict[str, Any]:
    """Return the documented claims; numbers travel as text, and roles as JSON inside a text."""
    person = grant.person
    return {
        NAME_CLAIM: person.username or str(person.uuid),
        "UserID": str(person.id),
        "InstanceID": _digits(person.attributes.get("instance_id")),
        "Roles": json.dumps(_roles(person.attributes.get("roles")), separators=(",", ":")),
    }


def error_body(refusal: Refusal) -> dict[str, Any]:
    """Return the envelope of every other 7G endpoint, which clients read messages from."""
    return {"result": False, "message": refusal.message, "recordCount": 0, "data": {}}


def _roles(value: object) -> list[dict[str, int]]:
    """Return the roles that have the three numbers; those of another form are other contracts'."""
    rows = value if isinstance(value, list) else []
    return [
        {part: row[part] for part in _ROLE_PARTS}
        for row in rows
        if isinstance(row, dict) and all(type(row.get(part)) is int for part in _ROLE_PARTS)
    ]


def _digits(value: object) -> str:
    text = str(value)
    return text if text.isascii() and text.isdecimal() else _DEFAULT_INSTANCE


CONTRACT = Contract(
    name="seven_g",
    title="7G",
    blueprint=blueprint,
    defaults=ContractDefaults(
        prefix="/User",
        access_lifetime=timedelta(minutes=20),
        inactivity_timeout=timedelta(days=30),
        absolute_lifetime=timedelta(days=90),
        grace=timedelta(seconds=30),
        # Access tokens are used at other services, so nobody here sees whether an answer has arrived.
        recovery=timedelta(0),
    ),
    cookies=CookieNames(
        access="seven_g_access", refresh="seven_g_refresh", remember="seven_g_remember", csrf="seven_g_csrf"
    ),
    refresh_form=OpaqueForm,
    access_claims=access_claims,
    errors=ERRORS,
    error_body=error_body,
    error_schema=EnvelopeAnswer,
    refuses_due_password=True,
    access_dies_at_refresh=True,
    refresh_needs_access=True,
    bare_access_tokens=True,
    any_case_paths=True,
    issuer="https://7g.com.au",
    audience="Public",
)
