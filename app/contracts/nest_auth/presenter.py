"""What nest_auth calls things: claims, bodies, moments."""

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from app.engine.grant import Grant
from app.engine.snapshot import PersonRow, SessionRow, Snapshot
from app.http.contract import Refusal
from app.models import PersonStatus
from config import FactorMethod

TOKENS = {"accessToken": "access", "refreshToken": "refresh", "trustToken": "trust"}
_GUARD = "web"


def token_body(grant: Grant, message: str) -> dict[str, Any]:
    """Return the body of a token answer, without the tokens."""
    body: dict[str, Any] = {"isRequiresMfa": grant.session.mfa_pending, "message": message}
    return {**body, "mustChangePassword": True} if grant.person.must_change_password else body


def due_body(methods: Sequence[FactorMethod]) -> dict[str, Any]:
    """Return by what a second factor that is due can be proven."""
    body: dict[str, Any] = {"mfaMethods": list(methods)}
    return {**body, "defaultMfaMethod": methods[0]} if methods else body


def access_claims(grant: Grant) -> dict[str, Any]:
    """Return the documented claims of an access token; empty ones are left out."""
    return _claims(grant.snapshot)


def refresh_claims(snapshot: Snapshot) -> dict[str, Any]:
    """Return the documented claims of a refresh token: whose it is, and of which session."""
    subject = str(snapshot.person.uuid)
    return {"id": subject, "sub": subject, "userId": subject, "sessionId": str(snapshot.session.id)}


def me_body(person: PersonRow) -> dict[str, Any]:
    """Return the person as `GET me` shows it."""
    return {
        "id": str(person.uuid),
        "email": person.email,
        "phone": person.phone,
        "emailVerifiedAt": moment(person.email_verified_at),
        "phoneVerifiedAt": moment(person.phone_verified_at),
        "isMfaEnabled": person.mfa_enabled,
        "metadata": {"name": person.name} if person.name else {},
        "mustChangePassword": person.must_change_password,
        "roles": _roles(person),
        "permissions": permissions(person),
    }


def permissions(person: PersonRow) -> list[str]:
    """Return what an operator has permitted a person beside what everybody may do."""
    return _texts(person.attributes.get("permissions"))


def guards(person: PersonRow) -> set[str]:
    """Return the guards of which a person holds a role."""
    return {role["guard"] for role in _roles(person)}


def user_body(person: PersonRow) -> dict[str, Any]:
    """Return the person as `GET user` shows it."""
    return {
        **me_body(person),
        "isActive": person.status == PersonStatus.ACTIVE,
        "createdAt": moment(person.created_at),
        "updatedAt": moment(person.updated_at),
    }


def session_body(session: SessionRow, current: object) -> dict[str, Any]:
    """Return one row of the session list."""
    return {
        "id": str(session.id),
        "current": session.id == current,
        "deviceName": session.device_name,
        "userAgent": session.user_agent,
        "ipAddress": session.ip_address,
        "createdAt": moment(session.created_at),
        "lastSeenAt": moment(session.last_seen_at),
        "expiresAt": moment(session.expires_at),
    }


def error_body(refusal: Refusal) -> dict[str, Any]:
    """Return the documented error body."""
    body = {
        "statusCode": int(refusal.status),
        "error": HTTPStatus(refusal.status).phrase,
        "message": refusal.message,
    }
    return {**body, "code": refusal.code} if refusal.code else body


def moment(value: datetime | None) -> str | None:
    """Return ISO 8601 with milliseconds and Z, as JavaScript writes it."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _claims(snapshot: Snapshot) -> dict[str, Any]:
    session, person, organization = snapshot
    claims = {
        **refresh_claims(snapshot),
        "email": person.email,
        "phone": person.phone,
        "emailVerifiedAt": moment(person.email_verified_at),
        "phoneVerifiedAt": moment(person.phone_verified_at),
        "roles": _roles(person),
        "tenantId": str(organization.id) if organization else None,
        "isMfaEnabled": person.mfa_enabled,
        "isMfaVerified": not session.mfa_pending,
    }
    return {name: value for name, value in claims.items() if value is not None}


def _roles(person: PersonRow) -> list[dict[str, str]]:
    """Return the person's roles; `attributes.roles` lists several, otherwise there is the one."""
    names = _texts(person.attributes.get("roles")) or [person.role]
    return [{"id": name, "name": name, "guard": _GUARD} for name in names]


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
