"""Sessions: opened by a login, kept alive by rotation, ended by whoever may end them."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session as Transaction

from app.delivery import Postbox
from app.engine.client import Client
from app.engine.database import Database
from app.engine.errors import (
    AccessSessionEnded,
    AccountUnavailable,
    InvalidAccessToken,
    InvalidRefreshToken,
    NotFound,
    PermissionDenied,
    Unavailable,
)
from app.engine.events import EventKind, Events, Subject
from app.engine.grant import Grant, SessionPolicy
from app.engine.proof import Proof, hold_application, lock_person, lock_proven
from app.engine.refreshing import EndReason, Refresher, refusal
from app.engine.rotation import is_given_up, standing
from app.engine.session_store import SessionStore
from app.engine.snapshot import SessionRow, Snapshot
from app.engine.sweeper import Sweeper
from app.models import Session
from app.primitives.clock import Clock
from app.primitives.keyring import Keyring


class Sessions:
    """Everything that happens to sessions. Each public method is one transaction unless it says otherwise."""

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        clock: Clock,
        events: Events,
        postbox: Postbox,
        retention: timedelta,
    ) -> None:
        self._database = database
        self._store = SessionStore(database)
        self._clock = clock
        self._events = events
        self._sweeper = Sweeper(
            database=database, store=self._store, clock=clock, events=events, retention=retention
        )
        self._refresher = Refresher(
            database=database, store=self._store, keyring=keyring, clock=clock, events=events, postbox=postbox
        )

    def open(
        self, proof: Proof, policy: SessionPolicy, client: Client, *, replacing: str | None = None
    ) -> Grant:
        """Open a session for a proven person and return its first tokens.

        Beyond the policy's number of sessions the least recently seen one is ended. `replacing` is the
        refresh token that came along with the login, if any; its session ends.

        Raises:
            AccountSuspended, AccountDeleted, StaleProof, InvalidClient: see `app.engine.proof`.
            Unavailable: nothing was opened.

        Transaction: commits before it returns; sweeping old rows follows in one of its own.
        """
        now = self._clock.now()
        row = _new_row(proof, policy, client, now)
        replaced = self._replaced(replacing, policy)

        def work(transaction: Transaction) -> None:
            lock_proven(transaction, proof)
            if client.client_id is not None:
                hold_application(transaction, client.client_id)
            if replaced is not None:
                self._end(transaction, replaced, EndReason.REPLACED, client)
            for surplus in self._store.live(transaction, proof.user_id, now)[
                policy.max_sessions_per_person - 1 :
            ]:
                self._end(transaction, surplus, EndReason.TOO_MANY, client)
            self._store.insert(transaction, row)
            self._events.record(
                transaction, EventKind.LOGIN_SUCCEEDED, _subject(row), client, methods=list(proof.methods)
            )

        self._database.transact(work)
        self._sweeper.sweep_in_passing()
        snapshot = self._store.load(row.id)
        if snapshot is None:
            raise Unavailable("the session was removed while it was being opened")
        return self._refresher.grant(snapshot, policy, now)

    def refresh(
        self,
        raw_token: str,
        policy: SessionPolicy,
        client: Client,
        *,
        beside: tuple[UUID, int] | None = None,
    ) -> Grant:
        """Exchange a refresh token for its successor.

        Presenting a superseded token within the grace period returns the same successor, so a client may
        retry a lost response, and tabs and parallel calls converge. `beside` is the session and generation of
        the access token that came along, for contracts that demand one; both must be the refresh token's.

        Raises:
            RefreshTokenReused: an older token came back; the session is revoked.
            RefreshTokenExpired, SessionRevoked, AccountUnavailable: the session is over.
            InvalidRefreshToken: not a token of this service and contract; nothing was changed.
            Unavailable: nothing is known to have changed; the same token may be presented again.

        Transaction: commits, also when it raises RefreshTokenReused.
        Source: RFC 9700 section 4.14.2; OWASP ASVS 10.4.5.
        """
        return self._refresher.refresh(raw_token, policy, client, beside)

    def authenticate(
        self, session_id: UUID, generation: int, policy: SessionPolicy, client: Client
    ) -> Snapshot:
        """Return the session of a verified access token, and note that its generation is in use.

        Raises:
            AccessSessionEnded: the session is over, or the token is one that a recovery had given up; in that
                case the session is revoked now.
            InvalidAccessToken: the token is from before a change of rights.
            AccountUnavailable: the person or the organization may not go on.
            Unavailable: the session could not be read.

        Transaction: one read; one write at most per rotation, whose failure does not fail the call.
        """
        snapshot = self._store.load(session_id)
        if snapshot is None or snapshot.session.contract != policy.contract:
            raise AccessSessionEnded("unknown session")
        session = snapshot.session
        over = standing(snapshot, self._clock.now())
        if over is not None:
            reason = refusal(over, snapshot)
            if isinstance(reason, AccountUnavailable):
                raise reason
            raise AccessSessionEnded(over.name.lower())
        if generation < session.floor_generation:
            raise InvalidAccessToken("from before a change of rights")
        if is_given_up(session, generation):
            self._refresher.end_for_reuse(snapshot, EventKind.ACCESS_REUSED, generation, client)
            raise AccessSessionEnded("a given-up generation came back")
        if policy.access_dies_at_refresh and generation != session.generation:
            raise InvalidAccessToken("superseded by a refresh")
        if session.seen_generation < generation <= session.generation:
            with suppress(Unavailable):
                self._store.mark_seen(session, generation, self._clock.now())
        return snapshot

    def identify(self, raw_token: str, policy: SessionPolicy) -> Snapshot:
        """Return the session a genuine refresh token belongs to, over or not, and change nothing.

        Raises:
            InvalidRefreshToken: not a token of this service and contract.
        """
        return self._refresher.find(raw_token, policy)[0]

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

    def end_application_within(self, transaction: Transaction, client_id: str) -> int:
        """End every session that an application has opened, as a part of its removal."""
        return self._store.revoke(
            transaction, self._clock.now(), EndReason.ADMINISTRATOR, Session.client_id == client_id
        )

    def list_live(self, user_id: int) -> Sequence[SessionRow]:
        """Return a person's live sessions, the most recently seen first."""
        return self._database.transact(
            lambda transaction: self._store.live(transaction, user_id, self._clock.now())
        )

    def count(self) -> int:
        """Return how many rows there are, ended ones that are not swept yet included."""
        return self._database.transact(
            lambda transaction: transaction.scalar(select(func.count()).select_from(Session)) or 0
        )

    def prune(self) -> int:
        """Delete all rows and events past their retention; see `Sweeper.prune`."""
        return self._sweeper.prune()

    def end_before(self, moment: datetime) -> int:
        """End everybody's sessions opened before a moment; see `Sweeper.end_before`."""
        return self._sweeper.end_before(moment)

    def _replaced(self, raw_token: str | None, policy: SessionPolicy) -> SessionRow | None:
        if raw_token is None:
            return None
        try:
            return self.identify(raw_token, policy).session
        except InvalidRefreshToken:
            return None

    def _end(
        self, transaction: Transaction, session: SessionRow, reason: EndReason, client: Client | None
    ) -> None:
        if self._store.revoke(transaction, self._clock.now(), reason, Session.id == session.id):
            self._events.record(
                transaction, EventKind.SESSION_ENDED, _subject(session), client, reason=reason
            )


def _new_row(proof: Proof, policy: SessionPolicy, client: Client, now: datetime) -> SessionRow:
    absolute = now + policy.absolute_lifetime
    return SessionRow(
        id=uuid4(),
        user_id=proof.user_id,
        organization_id=proof.organization_id,
        generation=1,
        seen_generation=0,
        floor_generation=1,
        grace_generation=None,
        grace_started_at=None,
        given_up_from=None,
        given_up_to=None,
        salt=secrets.token_bytes(16),
        created_at=now,
        rotated_at=now,
        last_seen_at=now,
        inactivity_expires_at=min(now + policy.inactivity_timeout, absolute),
        absolute_expires_at=absolute,
        revoked_at=None,
        revoked_reason=None,
        auth_methods=list(proof.methods),
        authenticated_at=proof.proven_at,
        mfa_pending=False,
        ip_address=client.ip_address,
        user_agent=client.user_agent,
        device_name=client.device_name,
        contract=policy.contract,
        client_id=client.client_id,
        transport=client.transport,
    )


def _subject(session: SessionRow) -> Subject:
    return Subject(user_id=session.user_id, session_id=session.id, organization_id=session.organization_id)
