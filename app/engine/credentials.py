"""Passwords in use: proving who one is, and taking another password."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session as Transaction

from app.delivery import Postbox
from app.engine import notices
from app.engine.accounts import by_identifier, locked, person_row
from app.engine.client import Client
from app.engine.database import Database
from app.engine.errors import (
    AccountLocked,
    AccountSuspended,
    CurrentPasswordIncorrect,
    InvalidCredentials,
    OrganizationSuspended,
    PasswordUnchanged,
    PermissionDenied,
    UnknownPerson,
)
from app.engine.events import EventKind, Events, Subject
from app.engine.identifiers import Identifier
from app.engine.login_throttle import LoginThrottle, ThrottleRule
from app.engine.passwords import Passwords
from app.engine.proof import Proof
from app.engine.refreshing import EndReason
from app.engine.sessions import Sessions
from app.engine.snapshot import PersonRow
from app.models import Membership, Organization, OrganizationStatus, PersonStatus, User
from app.primitives.clock import Clock


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Whom an identifier names, with what is needed to check a password."""

    person: PersonRow
    epoch: int
    hashed_password: str | None = field(repr=False)
    organization_id: UUID | None
    organization_status: str | None


class Credentials:
    """What people prove themselves with. Each public method says which transactions it takes."""

    def __init__(
        self,
        *,
        database: Database,
        passwords: Passwords,
        throttle: LoginThrottle,
        sessions: Sessions,
        clock: Clock,
        events: Events,
        postbox: Postbox,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle
        self._sessions = sessions
        self._clock = clock
        self._events = events
        self._postbox = postbox

    def prove_password(
        self,
        identifier: Identifier,
        password: str,
        client: Client,
        rule: ThrottleRule,
        *,
        organization_slug: str | None = None,
        admits: Callable[[PersonRow], bool] | None = None,
    ) -> Proof:
        """Check a password and return the proof that opens a session.

        An unknown identifier, a wrong password and a wrong organization cost the same work and get the same
        answer. Without a slug, the first active organization of the person becomes the session's. `admits`
        says whom a contract lets in with the right password.

        Raises:
            InvalidCredentials: see above; the attempt is counted. UnknownPerson is one, for contracts that
                document another answer.
            AccountLocked: too many failed attempts with this identifier.
            AccountSuspended, OrganizationSuspended, PermissionDenied: the password was right.

        Transaction: several short ones, none of them open while the password is being hashed; a failed
        attempt and its event are committed before it raises.
        """
        try:
            self._throttle.reserve(str(identifier), client.ip_address, rule)
        except AccountLocked:
            self._record_failure(EventKind.LOGIN_LOCKED, identifier, None, client)
            raise
        candidate = self._database.transact(
            lambda transaction: _find_candidate(transaction, identifier, organization_slug)
        )
        if not self._passwords.verify(candidate.hashed_password if candidate else None, password) or (
            candidate is None
        ):
            self._record_failure(EventKind.LOGIN_FAILED, identifier, candidate, client)
            raise UnknownPerson if candidate is None else InvalidCredentials
        # Attempts are forgiven to whoever is let in. Where a suspended account answers like a wrong password,
        # a count that goes no further would tell that the password was right.
        if candidate.person.status != PersonStatus.ACTIVE:
            raise AccountSuspended(user_id=candidate.person.id)
        if candidate.organization_status == OrganizationStatus.SUSPENDED:
            raise OrganizationSuspended(user_id=candidate.person.id)
        if admits is not None and not admits(candidate.person):
            self._record_failure(EventKind.LOGIN_FAILED, identifier, candidate, client)
            raise PermissionDenied("not admitted by the contract")
        self._settle(candidate, identifier, password, client)
        return Proof(
            user_id=candidate.person.id,
            epoch=candidate.epoch,
            methods=("pwd",),
            proven_at=self._clock.now(),
            organization_id=candidate.organization_id,
        )

    def change_password(
        self,
        user_id: int,
        current: str,
        new: str,
        client: Client,
        rule: ThrottleRule,
        *,
        kept: UUID | None = None,
    ) -> None:
        """Let a person replace the password; every session ends but the `kept` one, and a mail tells of it.

        Raises:
            CurrentPasswordIncorrect: the attempt is counted.
            PasswordUnchanged, PasswordRefused: the new one will not do.
            AccountLocked: too many wrong current passwords.

        Transaction: as for `prove_password`.
        """
        identifier = f"person:{user_id}"
        self._throttle.reserve(identifier, client.ip_address, rule)
        person, hashed = self._read(user_id)
        if not self._passwords.verify(hashed, current):
            self._database.transact(
                lambda transaction: self._events.record(
                    transaction, EventKind.PASSWORD_REFUSED, Subject(user_id=user_id), client
                )
            )
            raise CurrentPasswordIncorrect
        if new == current:
            raise PasswordUnchanged
        self._store_password(person, new, client, expected=hashed, forgiven=identifier, kept=kept)

    def set_password(self, user_id: int, new: str) -> None:
        """Replace a password on an administrator's word; every session ends, and a mail tells of it.

        Raises:
            NotFound, PasswordRefused.
        """
        person, hashed = self._read(user_id)
        self._store_password(person, new, None, expected=hashed)

    def _read(self, user_id: int) -> tuple[PersonRow, str | None]:
        def work(transaction: Transaction) -> tuple[PersonRow, str | None]:
            user = locked(transaction, user_id)
            return person_row(user), user.hashed_password

        return self._database.transact(work)

    def _settle(self, candidate: _Candidate, identifier: Identifier, password: str, client: Client) -> None:
        """Forgive the attempts and bring an old hash to today's parameters."""
        old = candidate.hashed_password
        rehashed = self._passwords.hash(password) if old and self._passwords.is_outdated(old) else None

        def work(transaction: Transaction) -> None:
            self._throttle.forgive_within(transaction, str(identifier), client.ip_address)
            if rehashed is not None:
                user = transaction.get(User, candidate.person.id, with_for_update=True)
                if user is not None and user.hashed_password == old:
                    user.hashed_password = rehashed

        self._database.transact(work)

    def _store_password(
        self,
        person: PersonRow,
        new: str,
        client: Client | None,
        *,
        expected: str | None,
        forgiven: str | None = None,
        kept: UUID | None = None,
    ) -> None:
        self._passwords.check_policy(new, person.email, person.username, person.name)
        hashed = self._passwords.hash(new)

        def work(transaction: Transaction) -> None:
            user = locked(transaction, person.id)
            if client is not None and user.hashed_password != expected:
                raise CurrentPasswordIncorrect("the password was changed meanwhile")
            user.hashed_password = hashed
            user.must_change_password = False
            user.updated_at = self._clock.now()
            self._events.record(transaction, EventKind.PASSWORD_CHANGED, Subject(user_id=person.id), client)
            self._sessions.end_all_within(
                transaction, person.id, client, EndReason.PASSWORD_CHANGED, kept=kept
            )
            if forgiven is not None and client is not None:
                self._throttle.forgive_within(transaction, forgiven, client.ip_address)

        self._database.transact(work)
        if person.email:
            self._postbox.post(notices.password_changed(person.email))

    def _record_failure(
        self, kind: EventKind, identifier: Identifier, candidate: _Candidate | None, client: Client
    ) -> None:
        subject = Subject(user_id=candidate.person.id if candidate else None)
        self._database.transact(
            lambda transaction: self._events.record(
                transaction, kind, subject, client, identified_by=identifier.kind
            )
        )


def _find_candidate(
    transaction: Transaction, identifier: Identifier, organization_slug: str | None
) -> _Candidate | None:
    user = by_identifier(transaction, identifier)
    memberships = (
        select(Organization.id, Organization.status)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Membership.user_id == (user.id if user else None))
        .order_by(Membership.created_at, Organization.id)
    )
    if organization_slug is None:
        memberships = memberships.where(Organization.status == OrganizationStatus.ACTIVE)
    else:
        memberships = memberships.where(Organization.slug == organization_slug)
    found = transaction.execute(memberships.limit(1)).first()
    if user is None or (found is None and organization_slug is not None):
        return None
    organization_id, organization_status = (None, None) if found is None else found
    return _Candidate(
        person_row(user), user.epoch, user.hashed_password, organization_id, organization_status
    )
