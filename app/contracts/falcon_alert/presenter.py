"""What falcon_alert calls things: claims, people, preferences, errors."""

import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from app.contracts.falcon_alert.roles import role_of
from app.engine.grant import Grant
from app.engine.snapshot import PersonRow, Snapshot
from app.http.contract import Refusal

TOKENS = {"accessToken": "access", "refreshToken": "refresh"}
_IMAGE = "profile-pictures/default.jpg"
_LONGEST_NAME_CLAIM = 1024
_PREFERENCES = {
    "is_reactions_enabled": 1,
    "is_review_enabled": 1,
    "is_reports_enabled": 1,
    "is_anonymous_preferred": 0,
}


def access_claims(grant: Grant) -> dict[str, Any]:
    """Return the documented claims of an access token."""
    person = grant.person
    profile = {
        "id": str(person.id),
        "email": person.email,
        "name": _cut(person.name),
        "role_id": role_of(person).value,
    }
    return {"sub": str(person.id), "profile": profile}


def refresh_claims(snapshot: Snapshot) -> dict[str, Any]:
    """Return the documented claims of a refresh token."""
    return {"sub": str(snapshot.session.user_id)}


def user_body(person: PersonRow) -> dict[str, Any]:
    """Return the person as register shows them; the documented `salt` is empty, being nobody's business."""
    return {
        "id": person.id,
        "name": person.name,
        "email": person.email,
        "username": person.username,
        "salt": "",
        "created_at": _moment(person.created_at),
        "updated_at": _moment(person.updated_at),
        "image_path": person.attributes.get("image_path", _IMAGE),
        "role_id": role_of(person).value,
    }


def account_body(person: PersonRow) -> dict[str, Any]:
    """Return the person's own record: with the id as text and an empty password."""
    return {**user_body(person), "id": str(person.id), "password": ""}


def preferences_body(person: PersonRow) -> dict[str, int]:
    """Return the person's preferences; there is one set, so it has the person's id."""
    chosen = {name: person.attributes.get(name, default) for name, default in _PREFERENCES.items()}
    return {"id": person.id, "user_id": person.id, **chosen}


def error_body(refusal: Refusal) -> dict[str, Any]:
    """Return the documented error body; what is wrong with a body's fields comes as a list."""
    if refusal.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return {"statusCode": int(refusal.status), "message": "Internal server error"}
    return {
        "message": list(refusal.problems.values()) or refusal.message,
        "error": HTTPStatus(refusal.status).phrase,
        "statusCode": int(refusal.status),
    }


def _cut(name: str | None) -> str | None:
    """Shorten a name with which the token would be too long to be accepted; escapes take up to 12 letters."""
    while name and len(json.dumps(name)) > _LONGEST_NAME_CLAIM:
        name = name[: len(name) * 3 // 4]
    return name


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
