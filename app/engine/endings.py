"""How sessions end: by whom, which of them, and what ends with them."""

from uuid import UUID

from sqlalchemy.orm import Session as Transaction

from app.engine.client import Client
from app.engine.database import Database
from app.engine.errors import NotFound, PermissionDenied
from app.engine.events import EventKind, Events, Subject
from app.engine.proof import lock_person
from app.engine.refreshing import EndReason
from app.engine.session_store import SessionStore
from app.engine.snapshot import SessionRow, Snapshot
from app.engine.trusted_devices import void_trust
from app.models import Session
from app.primitives.clock import Clock


class SessionEndings:
    """The part of `Sessions` that ends them. Each public method is one transaction, or says otherwise."""

    def __init__(self, *, database: Database, store: SessionStore, clock: Clock, events: Events) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._events = events

    def look_up(self, session_id: UUID) -> Snapshot:
        """Return a session by its id, over or not.

        Raises:
            NotFound: there is none.
        """
        snapshot = self._store.load(session_id)
        if snapshot is None:
            raise NotFound("unknown session")
        return snapshot

    def end(self, session_id: UUID, client: Client | None, *, reason: EndReason = EndReason.LOGOUT) -> None:
        """End a session; one that is already over stays as it is.

        Raises:
            NotFound: there is none.
            PermissionDenied: it is another application's.
        """
        session = self.look_up(session_id).session
        if client is not None and session.client_id != client.client_id:
            raise PermissionDenied("another application's session")
        self._database.transact(lambda transaction: self._end(transaction, session, reason, client))

    def end_own(self, user_id: int, session_id: UUID, client: Client) -> None:
        """End one of a person's own live sessions.

        Raises:
            NotFound: it is not live or not theirs: one answer for both.
        """
        now = self._clock.now()

        def work(transaction: Transaction) -> None:
            own = [row for row in self._store.live(transaction, user_id, now) if row.id == session_id]
            if not own:
                raise NotFound("not a live session of this person")
            self._end(transaction, own[0], EndReason.REVOKED, client)

        self._database.transact(work)

    def end_others(self, user_id: int, kept: UUID, client: Client) -> int:
        """End all of a person's sessions but one, and return how many there were."""

        def work(transaction: Transaction) -> int:
            lock_person(transaction, user_id)
            ended = self._store.revoke(
                transaction,
                self._clock.now(),
                EndReason.REVOKED,
                Session.user_id == user_id,
                Session.id != kept,
            )
            self._events.record(
                transaction,
                EventKind.SESSIONS_ENDED,
                Subject(user_id=user_id, session_id=kept),
                client,
                count=ended,
            )
            return ended

        return self._database.transact(work)

    def end_all(self, user_id: int, client: Client | None, *, reason: EndReason = EndReason.LOGOUT) -> int:
        """End all of a person's sessions, also those of logins under way, and return how many there were."""
        return self._database.transact(
            lambda transaction: self.end_all_within(transaction, user_id, client, reason)
        )

    def end_all_within(
        self,
        transaction: Transaction,
        user_id: int,
        client: Client | None,
        reason: EndReason,
        *,
        kept: UUID | None = None,
    ) -> int:
        """Do the same as a part of a change to the account, so that both happen or neither."""
        person = lock_person(transaction, user_id)
        person.epoch += 1
        # Whoever ends everything has lost trust in some device, and only the person knows in which.
        void_trust(transaction, user_id)
        conditions = [Session.user_id == user_id]
        if kept is not None:
            conditions.append(Session.id != kept)
        ended = self._store.revoke(transaction, self._clock.now(), reason, *conditions)
        self._events.record(
            transaction,
            EventKind.SESSIONS_ENDED,
            Subject(user_id=user_id),
            client,
            count=ended,
            reason=reason,
        )
        return ended

    def end_organization_within(self, transaction: Transaction, organization_id: UUID) -> int:
        """End every session whose active organization this is, as a part of its suspension."""
        return self._store.revoke(
            transaction,
            self._clock.now(),
            EndReason.SUSPENDED,
            Session.organization_id == organization_id,
        )

    def end_membership_within(self, transaction: Transaction, organization_id: UUID, user_id: int) -> int:
        """End a person's sessions in an organization, as a part of their leaving it."""
        return self._store.revoke(
            transaction,
            self._clock.now(),
            EndReason.ADMINISTRATOR,
            Session.user_id == user_id,
            Session.organization_id == organization_id,
        )

    def end_application_within(self, transaction: Transaction, client_id: str) -> int:
        """End every session that an application has opened, as a part of its removal."""
        return self._store.revoke(
            transaction, self._clock.now(), EndReason.ADMINISTRATOR, Session.client_id == client_id
        )

    def _end(
        self, transaction: Transaction, session: SessionRow, reason: EndReason, client: Client | None
    ) -> None:
        if self._store.revoke(transaction, self._clock.now(), reason, Session.id == session.id):
            self._events.record(
                transaction, EventKind.SESSION_ENDED, subject_of(session), client, reason=reason
            )


def subject_of(session: SessionRow) -> Subject:
    """Return whom and what an event about a session is about."""
    return Subject(user_id=session.user_id, session_id=session.id, organization_id=session.organization_id)
