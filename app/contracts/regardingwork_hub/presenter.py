"""What regardingwork_hub calls things: claims, the two shapes of a person, moments."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import uuid5

from app.engine.grant import Grant
from app.engine.snapshot import PersonRow, Snapshot
from app.http.contract import Refusal
from app.models import PersonStatus

TOKENS = {"access_token": "access", "refresh_token": "refresh"}
VALIDATE = "/auth/validate"
_ROLES = {"USER", "ADMIN", "SUPERADMIN"}
_FREE = "FREE"


def access_claims(grant: Grant) -> dict[str, Any]:
    """Return the documented claims of an access token."""
    person = grant.person
    return {"user_id": person.id, "username": person.username, "email": person.email}


def refresh_claims(snapshot: Snapshot) -> dict[str, Any]:
    """Return the documented claims of a refresh token; a generation has one `jti`, however often written."""
    session = snapshot.session
    return {"user_id": session.user_id, "jti": str(uuid5(session.id, str(session.generation)))}


def user_body(person: PersonRow) -> dict[str, Any]:
    """Return the ten fields that refresh and register show."""
    return {
        "id": person.id,
        "username": person.username,
        "bio": _text(person.attributes, "bio"),
        "profile_photo_url": _text(person.attributes, "profile_photo_url"),
        "website_url": _text(person.attributes, "website_url"),
        "created_at": _moment(person.created_at),
        "updated_at": _moment(person.updated_at),
        "is_active": person.status == PersonStatus.ACTIVE,
        "role": person.role if person.role in _ROLES else "USER",
        "premium_tier": _premium_tier(person),
    }


def full_user_body(person: PersonRow) -> dict[str, Any]:
    """Return all fields that are documented anywhere."""
    return {
        **user_body(person),
        "email": person.email,
        "email_verified": person.email_verified_at is not None,
        "is_premium": _premium_tier(person) != _FREE,
    }


def validate_body(person: PersonRow, claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a good token is worth."""
    return {
        "valid": True,
        "user": full_user_body(person),
        "token_type": claims["type"],
        "expires_at": claims["exp"],
        "id": person.id,
        "username": person.username,
        "email": person.email,
    }


def error_body(refusal: Refusal) -> dict[str, Any]:
    """Return the documented error body; validate says in so many words that a token is not good."""
    body = {"error": refusal.message}
    is_judged = refusal.status == HTTPStatus.UNAUTHORIZED and refusal.path.endswith(VALIDATE)
    return {"valid": False, **body} if is_judged else body


def _premium_tier(person: PersonRow) -> str:
    return _text(person.attributes, "premium_tier") or _FREE


def _text(attributes: Mapping[str, Any], name: str) -> str | None:
    value = attributes.get(name)
    return value if isinstance(value, str) else None


def _moment(value: datetime) -> str:
    """Return UTC without its zone, as the documentation writes it."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
