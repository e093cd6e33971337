"""The roles of falcon_alert, which kind of client each may use, and who may hand out which."""

from enum import IntEnum

from app.engine.errors import PermissionDenied
from app.engine.snapshot import PersonRow

WEB, MOBILE = "web", "mobile"


class Role(IntEnum):
    """What stands in `role_id`."""

    USER = 1
    ADMINISTRATOR = 2


_ADMITTED = {WEB: Role.ADMINISTRATOR, MOBILE: Role.USER}


def role_of(person: PersonRow) -> Role:
    """Return the person's role; without a valid one a person is a user."""
    return Role.ADMINISTRATOR if person.attributes.get("role_id") == Role.ADMINISTRATOR else Role.USER


def may_use(person: PersonRow, client_type: str) -> bool:
    """Tell whether the person may log in with this kind of client."""
    return role_of(person) is _ADMITTED[client_type]


def check_may_grant(role: Role, granting: PersonRow | None) -> None:
    """Make sure that an administrator is made by an administrator only.

    Raises:
        PermissionDenied: by somebody else, or by nobody.
    """
    if role is Role.ADMINISTRATOR and (granting is None or role_of(granting) is not Role.ADMINISTRATOR):
        raise PermissionDenied("role_id 2 without an administrator's token")
