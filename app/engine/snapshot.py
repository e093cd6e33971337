"""What one SELECT by primary key brings: the session with its person and its organization.

Plain tuples in the order of the columns, so that the refresh path builds no ORM objects.
"""

from collections.abc import Sequence
from datetime import datetime
from types import UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints
from uuid import UUID


class SessionRow(NamedTuple):
    """The columns of `sessions` that the engine and the contracts read."""

    id: UUID
    user_id: int
    organization_id: UUID | None
    generation: int
    seen_generation: int
    floor_generation: int
    grace_generation: int | None
    grace_started_at: datetime | None
    given_up_from: int | None
    given_up_to: int | None
    salt: bytes
    created_at: datetime
    rotated_at: datetime
    last_seen_at: datetime
    inactivity_expires_at: datetime
    absolute_expires_at: datetime
    revoked_at: datetime | None
    revoked_reason: str | None
    auth_methods: list[str]
    authenticated_at: datetime
    mfa_pending: bool
    ip_address: str | None
    user_agent: str | None
    device_name: str | None
    contract: str
    client_id: str | None
    transport: str

    @property
    def expires_at(self) -> datetime:
        """The end that comes first."""
        return min(self.inactivity_expires_at, self.absolute_expires_at)


class PersonRow(NamedTuple):
    """The columns of `users` that contracts present."""

    id: int
    uuid: UUID
    status: str
    email: str | None
    phone: str | None
    username: str | None
    name: str | None
    role: str
    attributes: dict[str, Any]
    must_change_password: bool
    mfa_enabled: bool
    email_verified_at: datetime | None
    phone_verified_at: datetime | None
    created_at: datetime
    updated_at: datetime


class OrganizationRow(NamedTuple):
    """The active organization of a session, with the person's place in it."""

    id: UUID
    slug: str
    name: str
    tier: str
    status: str
    is_member: bool
    role: str | None
    is_admin: bool


class Snapshot(NamedTuple):
    """One session as it stood at one moment."""

    session: SessionRow
    person: PersonRow
    organization: OrganizationRow | None


def is_well_formed(row: Sequence[Any]) -> bool:
    """Tell whether each value has a type that `SessionRow` declares; SQLite keeps anything in any column."""
    shape = tuple(map(type, row))
    if shape in _WELL_FORMED:
        return True
    if not all(map(isinstance, row, _TYPES)):
        return False
    _WELL_FORMED.add(shape)
    return True


def _types(annotation: Any) -> tuple[type, ...]:
    parts = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    return tuple(get_origin(part) or part for part in parts)


_TYPES = tuple(map(_types, get_type_hints(SessionRow).values()))
# The shapes met so far: looking one up costs a fraction of looking at each value.
_WELL_FORMED: set[tuple[type, ...]] = set()
