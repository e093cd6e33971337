"""Snapshots made by hand, for rules that need no database."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.engine.snapshot import OrganizationRow, PersonRow, SessionRow, Snapshot

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SESSION_ID = UUID("5f0c1f6e-6a37-4c0e-9a4d-2f1f6c1b7a90")

_BEFORE = NOW - timedelta(hours=1)
_SESSION = SessionRow(
    id=SESSION_ID,
    user_id=7,
    organization_id=None,
    generation=1,
    seen_generation=0,
    floor_generation=1,
    grace_generation=None,
    grace_started_at=None,
    given_up_from=None,
    given_up_to=None,
    salt=b"sixteen bytes 16",
    created_at=_BEFORE,
    rotated_at=_BEFORE,
    last_seen_at=_BEFORE,
    inactivity_expires_at=NOW + timedelta(days=30),
    absolute_expires_at=NOW + timedelta(days=90),
    revoked_at=None,
    revoked_reason=None,
    auth_methods=["pwd"],
    authenticated_at=_BEFORE,
    mfa_pending=False,
    ip_address="192.0.2.1",
    user_agent="Firefox",
    device_name=None,
    contract="nest_auth",
    transport="header",
    client_id=None,
)
_PERSON = PersonRow(
    id=7,
    uuid=UUID("0b0f5a9c-51d1-4d0c-8a7e-1f2f3c4d5e6f"),
    status="active",
    email="ada@example.test",
    phone=None,
    username=None,
    name="Ada",
    role="USER",
    attributes={},
    must_change_password=False,
    mfa_enabled=False,
    email_verified_at=None,
    phone_verified_at=None,
    created_at=_BEFORE,
    updated_at=_BEFORE,
)
_ORGANIZATION = OrganizationRow(
    id=UUID("e3b0c442-98fc-4c14-9afb-f4c8996fb924"),
    slug="acme",
    name="Acme",
    tier="FREE",
    status="active",
    is_member=True,
    role="MEMBER",
    is_admin=False,
)


def session_row(**changes: Any) -> SessionRow:
    """Return a fresh login of an hour ago, with changes."""
    return _SESSION._replace(**changes)


def snapshot(session: SessionRow = _SESSION, **person: Any) -> Snapshot:
    """Return a session with its person, who is active unless changed, and no organization."""
    return Snapshot(session, _PERSON._replace(**person), None)


def in_organization(session: SessionRow = _SESSION, **organization: Any) -> Snapshot:
    """Return a session in an organization, of which the person is a member unless changed."""
    return snapshot(session)._replace(organization=_ORGANIZATION._replace(**organization))
