"""Exchanging a refresh token for its successor: the rotation table put to work."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session as Transaction

from app.engine.client import Client
from app.engine.database import ATTEMPTS, Autocommit, Database
from app.engine.errors import (
    AccountDeleted,
    AccountSuspended,
    AccountUnavailable,
    AuthError,
    InvalidRefreshToken,
    MembershipLost,
    OrganizationSuspended,
    PasswordChangeRequired,
    RefreshTokenExpired,
    RefreshTokenReused,
    SessionRevoked,
    Unavailable,
)
from app.engine.events import EventKind, Events, Subject
from app.engine.grant import Grant, SessionPolicy
from app.engine.notices import Notices
from app.engine.refresh_tokens import PresentedToken, ProofMaker
from app.engine.rotation import Outcome, decide, swapped
from app.engine.session_store import SessionStore
from app.engine.snapshot import SessionRow, Snapshot
from app.models import Session
from app.primitives.clock import Clock
from app.primitives.keyring import Keyring

REFUSALS: dict[Outcome, type[AccountUnavailable | InvalidRefreshToken]] = {
    Outcome.INVALID: InvalidRefreshToken,
    Outcome.EXPIRED: RefreshTokenExpired,
    Outcome.REVOKED: SessionRevoked,
    Outcome.PERSON_DELETED: AccountDeleted,
    Outcome.PERSON_SUSPENDED: AccountSuspended,
    Outcome.ORGANIZATION_SUSPENDED: OrganizationSuspended,
    Outcome.MEMBERSHIP_LOST: MembershipLost,
}

_EVENTS = {
    Outcome.REPEAT: EventKind.REFRESH_REPEATED,
    Outcome.RECOVER: EventKind.REFRESH_RECOVERED,
    Outcome.AHEAD: EventKind.REFRESH_AHEAD,
}
_GIVES_TOKENS = {Outcome.ROTATE, *_EVENTS}


class EndReason(StrEnum):
    """Why a session was ended, as the row keeps it."""

    LOGOUT = "logout"
    REVOKED = "revoked"
    REPLACED = "replaced"
    TOO_MANY = "too_many"
    REUSE = "reuse"
    PASSWORD_CHANGED = "password_changed"
    MFA_CHANGED = "mfa_changed"
    SUSPENDED = "suspended"
    DELETED = "deleted"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class _Reading:
    """A session as it stood when a token was presented, and what that means."""

    snapshot: Snapshot
    presented: int
    outcome: Outcome
    now: datetime


class Refresher:
    """Reads a refresh token, lets the table decide, and carries the decision out."""

    def __init__(
        self,
        *,
        database: Database,
        store: SessionStore,
        keyring: Keyring,
        clock: Clock,
        events: Events,
        notices: Notices,
    ) -> None:
        self._database = database
        self._store = store
        self._proofs = ProofMaker(keyring)
        self._clock = clock
        self._events = events
        self._notices = notices

    def refresh(
        self, raw_token: str, policy: SessionPolicy, client: Client, beside: tuple[UUID, int] | None
    ) -> Grant:
        """Exchange a refresh token for its successor; see `Sessions.refresh`."""
        token = policy.form.read(raw_token)
        if beside is not None and beside != (token.session_id, token.generation):
            raise InvalidRefreshToken("the access token beside it is of another session or generation")
        for _ in range(ATTEMPTS):
            grant = self._try(token, policy, client)
            if grant is not None:
                return grant
        raise Unavailable("the session is being refreshed by too many callers at once")

    def find(self, raw_token: str, policy: SessionPolicy) -> tuple[Snapshot, PresentedToken]:
        """Return the session that a genuine token of this contract belongs to, whatever its state.

        Raises:
            InvalidRefreshToken: the token is a stranger's; an unknown session and a wrong proof look alike.
        """
        token = policy.form.read(raw_token)
        return self._load(token, policy), token

    def grant(self, snapshot: Snapshot, policy: SessionPolicy, now: datetime) -> Grant:
        """Write the tokens of the snapshot's generation."""
        session = snapshot.session
        return Grant(
            snapshot=snapshot,
            refresh_token=policy.form.write(snapshot, self._proofs.derive(session), now),
            issued_at=now,
            access_expires_at=min(now + policy.access_lifetime, session.absolute_expires_at),
        )

    def end_for_reuse(self, snapshot: Snapshot, kind: EventKind, generation: int, client: Client) -> None:
        """End the session, with its event, and tell the person. Commits."""
        now = self._clock.now()

        def work(transaction: Transaction) -> bool:
            ended = self._store.revoke(transaction, now, EndReason.REUSE, Session.id == snapshot.session.id)
            if ended:
                self._record(transaction, kind, snapshot, generation, client)
            return bool(ended)

        if self._database.transact(work):
            self._notices.reuse_detected(snapshot.person)

    def _load(
        self, token: PresentedToken, policy: SessionPolicy, connection: Autocommit | None = None
    ) -> Snapshot:
        snapshot = self._store.load(token.session_id, connection)
        if snapshot is None or snapshot.session.contract != policy.contract:
            raise InvalidRefreshToken("unknown session")
        if not self._proofs.is_genuine(snapshot.session, token):
            raise InvalidRefreshToken("wrong proof")
        return snapshot

    def _try(self, token: PresentedToken, policy: SessionPolicy, client: Client) -> Grant | None:
        """Decide on the row as it stands; None if it changed before the decision could be carried out."""
        reading, after = self._database.autocommit(
            lambda connection: self._read_and_rotate(connection, token, policy, client)
        )
        if reading.outcome is not Outcome.ROTATE:
            return self._settle(reading, policy, client)
        if after is None:
            return None
        return self.grant(reading.snapshot._replace(session=after), policy, reading.now)

    def _read_and_rotate(
        self, connection: Autocommit, token: PresentedToken, policy: SessionPolicy, client: Client
    ) -> tuple[_Reading, SessionRow | None]:
        """Read and decide; a plain rotation, which nearly all refreshes are, is carried out at once."""
        snapshot = self._load(token, policy, connection)
        if snapshot.session.client_id != client.client_id:
            raise InvalidRefreshToken("another application's")
        now = self._clock.now()
        outcome = decide(snapshot, token.generation, now, policy.windows)
        if policy.refuses_due_password and snapshot.person.must_change_password and outcome in _GIVES_TOKENS:
            raise PasswordChangeRequired
        reading = _Reading(snapshot, token.generation, outcome, now)
        if outcome is not Outcome.ROTATE:
            return reading, None
        after = _after(reading, policy, client)
        return reading, after if self._store.rotate(connection, snapshot.session, after) else None

    def _settle(self, reading: _Reading, policy: SessionPolicy, client: Client) -> Grant | None:
        """Carry out whatever is no plain rotation; None if the row changed first."""
        snapshot, outcome = reading.snapshot, reading.outcome
        if outcome in REFUSALS:
            raise refusal(outcome, snapshot)
        if outcome is Outcome.REUSE:
            self.end_for_reuse(snapshot, EventKind.REFRESH_REUSED, reading.presented, client)
            raise RefreshTokenReused(f"generation {reading.presented} of {snapshot.session.generation}")
        if outcome is Outcome.REPEAT:
            self._database.transact(lambda transaction: self._record_reading(transaction, reading, client))
            return self.grant(snapshot, policy, reading.now)
        after = _after(reading, policy, client)
        if not self._swap_with_event(reading, after, client):
            return None
        return self.grant(snapshot._replace(session=after), policy, reading.now)

    def _swap_with_event(self, reading: _Reading, after: SessionRow, client: Client) -> bool:
        def work(transaction: Transaction) -> bool:
            if not self._store.swap_within(transaction, reading.snapshot.session, after):
                return False
            self._record_reading(transaction, reading, client)
            return True

        return self._database.transact(work)

    def _record_reading(self, transaction: Transaction, reading: _Reading, client: Client) -> None:
        kind = _EVENTS[reading.outcome]
        self._record(transaction, kind, reading.snapshot, reading.presented, client)

    def _record(
        self, transaction: Transaction, kind: EventKind, snapshot: Snapshot, presented: int, client: Client
    ) -> None:
        session = snapshot.session
        self._events.record(
            transaction,
            kind,
            Subject(user_id=session.user_id, session_id=session.id, organization_id=session.organization_id),
            client,
            presented=presented,
            current=session.generation,
            address_changed=client.ip_address != session.ip_address,
            user_agent_changed=client.user_agent != session.user_agent,
        )


def refusal(outcome: Outcome, snapshot: Snapshot) -> AuthError:
    """Return the error that says that a session is over, or whose account is."""
    kind, detail = REFUSALS[outcome], outcome.name.lower()
    if issubclass(kind, AccountUnavailable):
        return kind(detail, user_id=snapshot.person.id)
    is_replaced = snapshot.session.revoked_reason == EndReason.REPLACED
    return kind(detail, is_outdated=is_replaced or outcome is Outcome.INVALID)


def _after(reading: _Reading, policy: SessionPolicy, client: Client) -> SessionRow:
    """Return the row as the swap leaves it: rotated, its inactivity clock wound up, seen from here."""
    session, now = reading.snapshot.session, reading.now
    return swapped(
        session,
        reading.presented,
        reading.outcome,
        now,
        policy.windows.grace,
        inactivity_expires_at=now + policy.inactivity_timeout,
        last_seen_at=now,
        ip_address=client.ip_address,
        user_agent=client.user_agent,
        transport=client.transport,
    )
