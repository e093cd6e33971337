"""What may be said of a person, by the names of the columns, in the form in which it is stored."""

import json
from collections.abc import Callable
from typing import Any

from app.engine.errors import InvalidRequest
from app.engine.identifiers import new_email, new_phone, new_username

COLUMNS = ("email", "phone", "username", "name", "role", "must_change_password")
PROVEN = ("email", "phone")
_ATTRIBUTES_LENGTH = 1500
_ROLES_LENGTH = 1000
# What stands around a role in a token that says it twice: `{"id":"A","name":"A","guard":"web"},`.
_AROUND_ROLE = 34
# The columns' lengths. A role is counted in octets: tokens say it twice, and escape what is beyond ASCII.
_CHARACTERS = {"username": 64, "name": 255, "role": 64}
_ROLE_OCTETS = 64
_NEVER_NULL = ("role", "must_change_password")
_FOLDED: dict[str, Callable[[str], str]] = {
    "email": new_email,
    "phone": new_phone,
    "username": new_username,
}


def folded(name: str, value: Any) -> Any:
    """Return a value as it is stored.

    Raises:
        InvalidRequest: a column does not take it.
    """
    if name not in COLUMNS or (value is None and name not in _NEVER_NULL):
        return value
    if name == "must_change_password":
        if not isinstance(value, bool):
            raise InvalidRequest({name: f"{name} must be true or false"})
        return value
    if not isinstance(value, str):
        raise InvalidRequest({name: f"{name} must be a string"})
    stored = _FOLDED.get(name, str)(value)
    if len(stored) > _CHARACTERS.get(name, len(stored)):
        raise InvalidRequest({name: f"{name} must be at most {_CHARACTERS[name]} characters"})
    if name == "role" and len(stored.encode(errors="backslashreplace")) > _ROLE_OCTETS:
        raise InvalidRequest({name: f"role must be at most {_ROLE_OCTETS} bytes"})
    return stored


def bounded(attributes: dict[str, Any]) -> dict[str, Any]:
    """Refuse more than a token can carry: contracts put attributes into claims, and a cookie has an end."""
    if len(json.dumps(attributes)) > _ATTRIBUTES_LENGTH:
        raise InvalidRequest(f"attributes must be at most {_ATTRIBUTES_LENGTH} characters of JSON altogether")
    roles = attributes.get("roles")
    names = [role for role in roles if isinstance(role, str)] if isinstance(roles, list) else []
    if sum(2 * len(json.dumps(name)) + _AROUND_ROLE for name in names) > _ROLES_LENGTH:
        raise InvalidRequest("roles are more than a token can carry")
    return attributes
