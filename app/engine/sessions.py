"""Sessions: opened by a login, kept alive by rotation, ended by whoever may end them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session as Transaction

from app.engine.client import Client
from app.engine.database import Database
from app.engine.endings import SessionEndings, subject_of
from app.engine.errors import (
    AccessSessionEnded,
    AccountUnavailable,
    InvalidAccessToken,
    InvalidRefreshToken,
    PasswordChangeRequired,
    SecondFactorRequired,
    Unavailable,
)
from app.engine.events import EventKind, Events, Subject
from app.engine.grant import Grant, SessionPolicy
from app.engine.new_devices import is_to_be_told
from app.engine.notices import Notices
from app.engine.proof import (
    PasswordDue,
    Proof,
    SecondFactorDue,
    hold_application,
    lock_proven,
)
from app.engine.refreshing import EndReason, Refresher, refusal
from app.engine.rotation import is_given_up, standing
from app.engine.second_factor_rule import SecondFactorRule
from app.engine.session_rows import new_row, raised, with_new_rights
from app.engine.session_store import SessionStore
from app.engine.snapshot import SessionRow, Snapshot
from app.engine.sweeper import Sweeper
from app.models import Session
from app.primitives.clock import Clock
from app.primitives.keyring import Keyring


class Sessions(SessionEndings):
    """Everything that happens to sessions. Each public method is one transaction unless it says otherwise."""

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        clock: Clock,
        events: Events,
        notices: Notices,
        second_factor_rule: SecondFactorRule,
        retention: timedelta,
    ) -> None:
        super().__init__(database=database, store=SessionStore(database), clock=clock, events=events)
        self._notices = notices
        self._second_factor_rule = second_factor_rule
        self._sweeper = Sweeper(
            database=database, store=self._store, clock=clock, events=events, retention=retention
        )
        self._refresher = Refresher(
            database=database, store=self._store, keyring=keyring, clock=clock, events=events, notices=notices
        )

    def open(
        self,
        proof: Proof,
        policy: SessionPolicy,
        client: Client,
        *,
        replacing: str | None = None,
        trust_token: str | None = None,
    ) -> Grant:
        """Open a session for a proven person and return its first tokens.

        Beyond the contract's number of sessions its least recently seen one is ended. `replacing` is the
        refresh token that came along with the login, if any; its session ends. `trust_token` is that of a
        trusted device, which skips the second factor. Where that is due the session is only a pending one.

        Raises:
            AccountSuspended, AccountDeleted, StaleProof, InvalidClient: see `app.engine.proof`.
            SecondFactorRequired: it is due, and this policy knows no way to ask for it.
            SecondFactorDue: it is due, and this policy asks for it before there is a session.
            PasswordDue: another password is, and this policy wants it before a session that can do anything.
            PasswordChangeRequired: it is, and this policy knows no way to choose one.
            Unavailable: nothing was opened.

        Transaction: commits before it returns; sweeping old rows follows in one of its own, and so do the
        count of a notice and the event of a refusal of who has proven everything.
        """
        now = self._clock.now()
        replaced = self._replaced(replacing, policy)

        def work(transaction: Transaction) -> tuple[UUID, bool]:
            person = lock_proven(transaction, proof)
            if client.client_id is not None:
                hold_application(transaction, client.client_id)
            pending = self._second_factor_rule.is_due_within(transaction, person, proof, trust_token)
            _check_due(policy, proof, pending=pending, overdue=person.must_change_password)
            row = new_row(proof, policy, client, now, pending=pending)
            if replaced is not None:
                self._end(transaction, replaced, EndReason.REPLACED, client)
            self._make_room(transaction, row, policy, client)
            is_new_device = is_to_be_told(transaction, person, client)
            self._store.insert(transaction, row)
            self._events.record(
                transaction, EventKind.LOGIN_SUCCEEDED, subject_of(row), client, methods=list(proof.methods)
            )
            return row.id, is_new_device

        subject = Subject(user_id=proof.user_id, organization_id=proof.organization_id)
        with self.noting_refusals(subject, client, methods=proof.methods):
            session_id, is_new_device = self._database.transact(work)
        self._sweeper.sweep_in_passing()
        grant = self.grant(session_id, policy)
        if is_new_device:
            self._notices.new_device(grant.person, client, now)
        return grant

    def grant(self, session_id: UUID, policy: SessionPolicy) -> Grant:
        """Return the tokens of a session that was just opened, or whose rights were just raised.

        Raises:
            Unavailable: it is gone again.
        """
        snapshot = self._store.load(session_id)
        if snapshot is None:
            raise Unavailable("the session was removed while its tokens were being made")
        return self._refresher.grant(snapshot, policy, self._clock.now())

    def raise_within(
        self,
        transaction: Transaction,
        session_id: UUID,
        policy: SessionPolicy,
        client: Client,
        *,
        methods: Iterable[str],
    ) -> None:
        """Give a session the rights of a proof that was just given, in the transaction of that proof.

        Every earlier token of the session, of either kind, is invalid at once; `grant` makes the new ones.

        Raises:
            AccessSessionEnded: the session is over.
            Unavailable: nothing was changed.
        """
        session, now = self._live_within(transaction, session_id), self._clock.now()
        if not self._store.raise_within(transaction, session, raised(session, policy, client, now, methods)):
            raise Unavailable("the session changed while its rights were raised")
        self._events.record(
            transaction, EventKind.RIGHTS_RAISED, subject_of(session), client, methods=list(methods)
        )

    def move_within(
        self,
        transaction: Transaction,
        session_id: UUID,
        organization_id: UUID,
        policy: SessionPolicy,
        client: Client,
    ) -> None:
        """Make another organization the session's active one, for whoever has checked that it may be.

        Raises:
            as `raise_within`; earlier tokens are as worthless.
        """
        session, now = self._live_within(transaction, session_id), self._clock.now()
        moved = with_new_rights(session, policy, client, now, session.absolute_expires_at)
        moved = moved._replace(organization_id=organization_id)
        if not self._store.raise_within(transaction, session, moved):
            raise Unavailable("the session changed while it was moved")
        self._events.record(transaction, EventKind.ORGANIZATION_SWITCHED, subject_of(moved), client)

    def _live_within(self, transaction: Transaction, session_id: UUID) -> SessionRow:
        session = self._store.lock(transaction, session_id)
        if session is None or session.revoked_at is not None or self._clock.now() >= session.expires_at:
            raise AccessSessionEnded("over before its rights were changed")
        return session

    def note_proof_within(
        self, transaction: Transaction, session: SessionRow, methods: Iterable[str]
    ) -> None:
        """Note that the person of a full session has just proven more; its rights stay what they are."""
        self._store.note_proof_within(transaction, session.id, list(methods), self._clock.now())

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
            PasswordChangeRequired: another password is due, and this policy knows no way to choose one.
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

    def _make_room(
        self, transaction: Transaction, row: SessionRow, policy: SessionPolicy, client: Client
    ) -> None:
        """End the least recently seen sessions of the contract beyond its number.

        Other contracts have numbers of their own, which a login by this one must not break. A password alone
        pushes nobody out: a pending session takes the place of pending ones only.
        """
        live = self._store.live(transaction, row.user_id, row.created_at)
        own = [other for other in live if other.contract == row.contract]
        rivals = [other for other in own if other.mfa_pending or not row.mfa_pending]
        for surplus in rivals[policy.max_sessions_per_person - 1 :]:
            self._end(transaction, surplus, EndReason.TOO_MANY, client)

    @contextmanager
    def noting_refusals(
        self, subject: Subject, client: Client, *, methods: Sequence[str] = ("pwd",)
    ) -> Iterator[None]:
        """Record that somebody who has proven who they are was not let in, once nothing of it remains."""
        try:
            yield
        except (SecondFactorDue, PasswordDue):
            # No refusal yet: this contract asks for what is due, and the login goes on from there.
            raise
        except (SecondFactorRequired, PasswordChangeRequired, AccountUnavailable):
            self._database.transact(
                lambda transaction: self._events.record(
                    transaction, EventKind.LOGIN_REFUSED, subject, client, methods=list(methods)
                )
            )
            raise

    def _replaced(self, raw_token: str | None, policy: SessionPolicy) -> SessionRow | None:
        if raw_token is None:
            return None
        try:
            return self.identify(raw_token, policy).session
        except InvalidRefreshToken:
            return None


def _check_due(policy: SessionPolicy, proof: Proof, *, pending: bool, overdue: bool) -> None:
    """Refuse what has to be done before there is a session; a pending one can do nothing else anyway."""
    if pending and not policy.opens_pending:
        raise SecondFactorDue(proof) if policy.challenges_second_factor else SecondFactorRequired
    if overdue and not pending and policy.refuses_due_password:
        raise PasswordChangeRequired
    if overdue and not pending and policy.wants_password_first:
        raise PasswordDue(proof)
