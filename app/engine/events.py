"""Security events: a closed list of what is recorded, written in the transaction of the change itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session as Transaction

from app.engine.client import Client
from app.models import SecurityEvent
from app.primitives.clock import Clock


class EventKind(StrEnum):
    """`subject:object:action`. Names are public and stable."""

    ACCOUNT_CREATED = "account:self:created"
    ACCOUNT_CHANGED = "account:self:changed"
    ACCOUNT_SUSPENDED = "account:self:suspended"
    ACCOUNT_REINSTATED = "account:self:reinstated"
    ACCOUNT_DELETED = "account:self:deleted"
    PASSWORD_CHANGED = "account:password:changed"
    PASSWORD_REFUSED = "account:password:refused"
    PASSWORD_EXPIRED = "account:password:expired"
    EMAIL_VERIFIED = "account:email:verified"
    PHONE_VERIFIED = "account:phone:verified"
    CODE_SENT = "account:code:sent"
    CODE_REFUSED = "account:code:refused"
    MFA_CHANGED = "account:mfa:changed"
    MFA_REFUSED = "account:mfa:refused"
    RECOVERY_CODE_USED = "account:recovery_code:used"
    DEVICE_TRUSTED = "account:trusted_device:added"
    DEVICE_UNTRUSTED = "account:trusted_device:removed"
    LOGIN_SUCCEEDED = "session:login:succeeded"
    LOGIN_FAILED = "session:login:failed"
    LOGIN_LOCKED = "session:login:locked"
    LOGIN_REFUSED = "session:login:refused"
    RIGHTS_RAISED = "session:rights:raised"
    ORGANIZATION_SWITCHED = "session:organization:switched"
    REFRESH_REPEATED = "session:refresh:repeated"
    REFRESH_RECOVERED = "session:refresh:recovered"
    REFRESH_AHEAD = "session:refresh:ahead"
    REFRESH_REUSED = "session:refresh:reused"
    ACCESS_REUSED = "session:access:reused"
    SESSION_ENDED = "session:self:ended"
    SESSIONS_ENDED = "session:all:ended"
    ORGANIZATION_CREATED = "organization:self:created"
    ORGANIZATION_CHANGED = "organization:self:changed"
    ORGANIZATION_SUSPENDED = "organization:self:suspended"
    ORGANIZATION_REINSTATED = "organization:self:reinstated"
    MEMBERSHIP_ADDED = "organization:membership:added"
    MEMBERSHIP_CHANGED = "organization:membership:changed"
    MEMBERSHIP_REMOVED = "organization:membership:removed"
    CLIENT_CREATED = "client:self:created"
    CLIENT_DELETED = "client:self:deleted"


class Actor(StrEnum):
    """Who acted."""

    PERSON = "person"
    ADMINISTRATOR = "administrator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom and what an event is about."""

    user_id: int | None = None
    session_id: UUID | None = None
    organization_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """One event as it is shown."""

    id: int
    occurred_at: datetime
    kind: str
    actor: str
    user_id: int | None
    session_id: UUID | None
    ip_address: str | None
    user_agent: str | None
    details: dict[str, Any]


class Events:
    """Writes, reads and clears the audit trail."""

    def __init__(self, clock: Clock, retention: timedelta) -> None:
        self._clock = clock
        self._retention = retention

    def record(
        self,
        transaction: Transaction,
        kind: EventKind,
        subject: Subject,
        client: Client | None,
        **details: object,
    ) -> None:
        """Add an event to the transaction of the change it tells of; no `client` means an administrator."""
        transaction.execute(
            insert(SecurityEvent).values(
                occurred_at=self._clock.now(),
                kind=kind,
                actor=Actor.ADMINISTRATOR if client is None else Actor.PERSON,
                user_id=subject.user_id,
                session_id=subject.session_id,
                organization_id=subject.organization_id,
                ip_address=client.ip_address if client else None,
                user_agent=client.user_agent if client else None,
                details=details,
            )
        )

    def latest(self, transaction: Transaction, *, limit: int, after_id: int = 0) -> Sequence[RecordedEvent]:
        """Return at most `limit` of the newest events with a larger id, the oldest of them first."""
        rows = transaction.scalars(
            select(SecurityEvent)
            .where(SecurityEvent.id > after_id)
            .order_by(SecurityEvent.id.desc())
            .limit(limit)
        )
        return [_recorded(row) for row in reversed(list(rows))]

    def of_person(
        self, transaction: Transaction, user_id: int, *, limit: int, before_id: int | None = None
    ) -> Sequence[RecordedEvent]:
        """Return at most `limit` of the newest events about a person, the newest first.

        With `before_id` those that came before that one, so that a long trail can be paged through.
        """
        rows = select(SecurityEvent).where(SecurityEvent.user_id == user_id)
        if before_id is not None:
            rows = rows.where(SecurityEvent.id < before_id)
        found = transaction.scalars(rows.order_by(SecurityEvent.id.desc()).limit(limit))
        return [_recorded(row) for row in found]

    def sweep(self, transaction: Transaction, limit: int) -> int:
        """Delete at most `limit` events older than the retention; return how many."""
        oldest = self._clock.now() - self._retention
        ids = list(
            transaction.scalars(
                select(SecurityEvent.id)
                .where(SecurityEvent.occurred_at < oldest)
                .order_by(SecurityEvent.occurred_at)
                .limit(limit)
            )
        )
        if ids:
            transaction.execute(delete(SecurityEvent).where(SecurityEvent.id.in_(ids)))
        return len(ids)


def _recorded(row: SecurityEvent) -> RecordedEvent:
    return RecordedEvent(
        id=row.id,
        occurred_at=row.occurred_at,
        kind=row.kind,
        actor=row.actor,
        user_id=row.user_id,
        session_id=row.session_id,
        ip_address=row.ip_address,
        user_agent=row.user_agent,
        details=row.details,
    )
