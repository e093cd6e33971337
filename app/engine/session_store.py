"""The statements on `sessions`: one SELECT, one conditional UPDATE, and what a login or an end needs."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, Update, and_, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import DataError, SQLAlchemyError
from sqlalchemy.orm import Session as Transaction

from app.engine.database import Autocommit, Database
from app.engine.snapshot import OrganizationRow, PersonRow, SessionRow, Snapshot, is_well_formed
from app.engine.statements import Unreadable, is_unreadable
from app.models import Membership, Organization, Session, User

Made = TypeVar("Made")

_log = logging.getLogger(__name__)

_SESSION = [Session.__table__.c[name] for name in SessionRow._fields]
_PERSON = [User.__table__.c[name] for name in PersonRow._fields]
_ORGANIZATION = [
    Organization.id,
    Organization.slug,
    Organization.name,
    Organization.tier,
    Organization.status,
    Membership.user_id.is_not(None),
    Membership.role,
    Membership.is_admin,
]
_PERSON_AT = len(_SESSION)
_ORGANIZATION_AT = _PERSON_AT + len(_PERSON)

_SNAPSHOT = (
    select(*_SESSION, *_PERSON, *_ORGANIZATION)
    .join(User, User.id == Session.user_id)
    .outerjoin(Organization, Organization.id == Session.organization_id)
    .outerjoin(
        Membership,
        and_(Membership.user_id == User.id, Membership.organization_id == Session.organization_id),
    )
    .where(Session.id == bindparam("session_id"))
)

_ROTATED = (
    "generation",
    "seen_generation",
    "grace_generation",
    "grace_started_at",
    "rotated_at",
    "last_seen_at",
    "inactivity_expires_at",
    "ip_address",
    "user_agent",
    "transport",
)
_SWAPPED = (*_ROTATED, "floor_generation", "given_up_from", "given_up_to")

_RAISED = (
    *_SWAPPED,
    "organization_id",
    "absolute_expires_at",
    "auth_methods",
    "authenticated_at",
    "mfa_pending",
)


def _swap(columns: tuple[str, ...]) -> Update:
    """Write the statement whose row count decides.

    The condition on `seen_generation` matters to a recovery only: it was allowed because nothing newer had
    been seen, and that must still be so.
    """
    return (
        update(Session)
        .where(
            Session.id == bindparam("session_id"),
            Session.generation == bindparam("expected_generation"),
            Session.seen_generation <= bindparam("new_seen_generation"),
            Session.revoked_at.is_(None),
        )
        .values({name: bindparam(f"new_{name}") for name in columns})
    )


_ROTATE = _swap(_ROTATED)
_SWAP = _swap(_SWAPPED)

_MARK_SEEN = (
    update(Session)
    .where(
        Session.id == bindparam("session_id"),
        Session.generation == bindparam("expected_generation"),
        Session.seen_generation < bindparam("seen"),
        Session.revoked_at.is_(None),
    )
    .values(seen_generation=bindparam("seen"), last_seen_at=bindparam("now"))
)


class SessionStore:
    """Reads and writes session rows. Decides nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._snapshot = database.prepare(_SNAPSHOT)
        self._rotate = database.prepare(_ROTATE.where(*database.asynchronously()))
        self._mark_seen = database.prepare(_MARK_SEEN)

    def load(self, session_id: UUID, connection: Autocommit | None = None) -> Snapshot | None:
        """Read one session with its person and organization, on the connection at hand if there is one.

        A row that cannot be read is answered like one that is not there, and logged.
        """
        if connection is None:
            return self._database.autocommit(lambda lent: self.load(session_id, lent))
        try:
            values = connection.fetch_one(self._snapshot, {"session_id": session_id})
            if values is None:
                return None
            session = _session_row(values[:_PERSON_AT])
        except Unreadable as error:
            _log.error("session %s cannot be read: %s", session_id, error)
            return None
        person = PersonRow._make(values[_PERSON_AT:_ORGANIZATION_AT])
        organization = values[_ORGANIZATION_AT:]
        # The outer join leaves the columns empty where the session has no organization.
        found = None if organization[0] is None else OrganizationRow._make(organization)
        return Snapshot(session, person, found)

    def rotate(self, connection: Autocommit, before: SessionRow, after: SessionRow) -> bool:
        """Put `after`, a plain rotation, in the place of `before`; False if somebody else was faster."""
        values = _swap_values(before, after, _ROTATED)
        return connection.change(self._rotate, values, asynchronously=True) == 1

    def swap_within(self, transaction: Transaction, before: SessionRow, after: SessionRow) -> bool:
        """Do the same for any swap, as a part of a larger transaction."""
        statement = transaction.connection().execute(_SWAP, _swap_values(before, after, _SWAPPED))
        return statement.rowcount == 1

    def lock(self, transaction: Transaction, session_id: UUID) -> SessionRow | None:
        """Read one session's row and keep everybody else from changing it until the end."""
        statement = select(*_SESSION).where(Session.id == session_id).with_for_update()
        row = transaction.execute(statement).first()
        return None if row is None else SessionRow._make(row)

    def note_proof_within(
        self, transaction: Transaction, session_id: UUID, methods: list[str], now: datetime
    ) -> None:
        """Put down what was proven, and when."""
        transaction.execute(
            update(Session)
            .where(Session.id == session_id)
            .values(auth_methods=methods, authenticated_at=now)
            .execution_options(synchronize_session=False)
        )

    def raise_within(self, transaction: Transaction, before: SessionRow, after: SessionRow) -> bool:
        """Put a row with other rights in the place of `before`; False if it changed or ended first."""
        statement = (
            update(Session)
            .where(
                Session.id == before.id,
                Session.generation == before.generation,
                Session.revoked_at.is_(None),
            )
            .values({name: getattr(after, name) for name in _RAISED})
            .execution_options(synchronize_session=False)
        )
        return transaction.connection().execute(statement).rowcount == 1

    def mark_seen(self, session: SessionRow, generation: int, now: datetime) -> None:
        """Note that a generation has provably been in somebody's hands.

        Durably: with a lost mark, a token whose successor was used would be taken for a lost answer's.
        """
        values = {
            "session_id": session.id,
            "expected_generation": session.generation,
            "seen": generation,
            "now": now,
        }
        self._database.autocommit(lambda connection: connection.change(self._mark_seen, values))

    def insert(self, transaction: Transaction, row: SessionRow) -> None:
        """Add the row of a new login."""
        transaction.execute(insert(Session).values(row._asdict()))

    def revoke(self, transaction: Transaction, now: datetime, reason: str, *conditions: Any) -> int:
        """End every live session that meets the conditions and return how many there were."""
        statement = (
            update(Session)
            .where(Session.revoked_at.is_(None), *conditions)
            .values(revoked_at=now, revoked_reason=reason)
            .execution_options(synchronize_session=False)
        )
        return int(transaction.connection().execute(statement).rowcount)

    def live(self, transaction: Transaction, user_id: int, now: datetime) -> Sequence[SessionRow]:
        """Return a person's live sessions, the most recently seen first."""
        rows = (
            select(*_SESSION)
            .where(Session.user_id == user_id, Session.revoked_at.is_(None))
            .where(Session.inactivity_expires_at > now, Session.absolute_expires_at > now)
            .order_by(Session.last_seen_at.desc(), Session.id)
        )
        return readable(transaction, rows, _session_row)

    def next_ids(self, transaction: Transaction, after: UUID, limit: int) -> list[UUID]:
        """Return at most `limit` keys behind `after`, in key order; none at the end of the table."""
        following = select(Session.id).where(Session.id > after).order_by(Session.id).limit(limit)
        return readable(transaction, following, lambda row: row[0])

    def sweep(
        self, transaction: Transaction, after: UUID, limit: int, ended_before: datetime
    ) -> tuple[UUID | None, int]:
        """Look at the next `limit` rows behind `after` in key order and delete those long ended.

        Returns the key of the last row looked at, None at the end of the table, and how many were deleted.
        Keys are random, so a walk from a random key samples the table evenly; no index on a moment is needed.
        """
        ids = self.next_ids(transaction, after, limit)
        if not ids:
            return None, 0
        ended = or_(
            Session.revoked_at < ended_before,
            Session.inactivity_expires_at < ended_before,
            Session.absolute_expires_at < ended_before,
        )
        statement = delete(Session).where(Session.id.in_(ids), ended)
        return ids[-1], int(transaction.connection().execute(statement).rowcount)


def _session_row(row: Sequence[Any]) -> SessionRow:
    if not is_well_formed(row):
        raise Unreadable("a value of another type")
    return SessionRow._make(row)


def readable(
    transaction: Transaction, rows: Select[Any], make: Callable[[Sequence[Any]], Made]
) -> list[Made]:
    """Return what can be read; a row that cannot be is passed over and logged."""
    try:
        return [make(row) for row in transaction.execute(rows)]
    except Exception as error:
        if not is_unreadable(error, SQLAlchemyError, DataError):
            raise
    # Values are decoded as they are fetched, so the bad one is found by fetching each row alone.
    count = transaction.scalar(select(func.count()).select_from(rows.subquery())) or 0
    found = []
    for place in range(count):
        try:
            found.append(make(transaction.execute(rows.limit(1).offset(place)).one()))
        except Exception as error:
            if not is_unreadable(error, SQLAlchemyError, DataError):
                raise
            _log.error("a session cannot be read: %s", type(error).__name__)
    return found


def _swap_values(before: SessionRow, after: SessionRow, columns: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {f"new_{name}": getattr(after, name) for name in columns}
    values["session_id"] = before.id
    values["expected_generation"] = before.generation
    return values
