"""Passwords in use: proving who one is, and taking another password."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session as Transaction

from app.engine.accounts import locked
from app.engine.candidates import ANYWHERE, Candidate, LoginTarget, find_candidate
from app.engine.client import Client
from app.engine.code_forms import CodeForm
from app.engine.database import Database
from app.engine.errors import (
    AccountLocked,
    CurrentPasswordIncorrect,
    InvalidCode,
    InvalidCredentials,
    PasswordUnchanged,
    UnknownPerson,
)
from app.engine.events import EventKind, Events, Subject
from app.engine.identifiers import Identifier
from app.engine.login_throttle import LoginThrottle, ThrottleRule
from app.engine.notices import Notices
from app.engine.one_time_codes import LETS_IN, CodePurpose, OneTimeCodes, Redeemed, void_codes
from app.engine.own_passwords import OwnPasswords, Standing
from app.engine.passwords import Passwords
from app.engine.proof import Proof, hold_organization
from app.engine.refreshing import EndReason
from app.engine.sessions import Sessions
from app.models import User
from app.primitives.clock import Clock

_CHANGE_LIFETIME = timedelta(minutes=5)
# What a new password makes worthless. Proving an address or a number is about something else.
_VOIDED = (
    *LETS_IN,
    CodePurpose.PASSWORD_CHANGE,
    CodePurpose.MFA_CHALLENGE,
    CodePurpose.MFA_EMAIL,
    CodePurpose.MFA_SMS,
)


class Credentials:
    """What people prove themselves with. Each public method says which transactions it takes."""

    def __init__(
        self,
        *,
        database: Database,
        passwords: Passwords,
        throttle: LoginThrottle,
        codes: OneTimeCodes,
        sessions: Sessions,
        clock: Clock,
        events: Events,
        notices: Notices,
    ) -> None:
        self.own = OwnPasswords(
            database=database, passwords=passwords, throttle=throttle, clock=clock, events=events
        )
        self._database = database
        self._passwords = passwords
        self._throttle = throttle
        self._codes = codes
        self._sessions = sessions
        self._clock = clock
        self._events = events
        self._notices = notices

    def prove_password(
        self,
        identifier: Identifier,
        password: str,
        client: Client,
        rule: ThrottleRule,
        *,
        target: LoginTarget = ANYWHERE,
    ) -> Proof:
        """Check a password and return the proof that opens a session.

        An unknown identifier, a wrong password and the slug of another organization cost the same work and
        get the same answer.

        Raises:
            InvalidCredentials: see above; the attempt is counted. UnknownPerson is one, for contracts that
                document another answer.
            AccountLocked: too many failed attempts with this identifier.
            AccountSuspended, OrganizationSuspended, MembershipLost, PermissionDenied: the password was right.
            Unavailable: too many passwords wait to be hashed; the attempt is not counted.

        Transaction: several short ones, none of them open while the password is being hashed; a failed
        attempt and its event are committed before it raises.
        """
        with self._passwords.admission():
            candidate = self._proven(identifier, password, client, rule, target)
        refused = candidate.refusal(target)
        if refused is not None:
            # Attempts are forgiven to whoever is let in. Where a suspended account answers like a wrong
            # password, a count that goes no further would tell that the password was right.
            self._record_failure(EventKind.LOGIN_REFUSED, identifier, candidate, client)
            raise refused
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
            Unavailable: as for `prove_password`.

        Transaction: as for `prove_password`.
        """
        with self._passwords.admission():
            standing = self.own.standing(user_id)
            self.own.check_current(standing, current, client, rule)
            if self._passwords.are_same(new, current):
                raise PasswordUnchanged
            self._store_password(standing, new, client, kept=kept)

    def set_password(self, user_id: int, new: str) -> None:
        """Replace a password on an administrator's word; every session ends, and a mail tells of it.

        Raises:
            NotFound, PasswordRefused.
        """
        self._store_password(self.own.standing(user_id), new, None)

    def issue_change_token(self, proof: Proof) -> str:
        """Return a token with which whoever gave this proof chooses another password, and nothing else.

        Like the proof it stands for, it is worth nothing once every session of the person was ended.
        """
        payload = {
            "epoch": proof.epoch,
            "organization_id": str(proof.organization_id) if proof.organization_id else None,
            "second_factor": proof.second_factor,
            "methods": list(proof.methods),
        }
        return self._database.transact(
            lambda transaction: self._codes.issue_within(
                transaction,
                CodePurpose.PASSWORD_CHANGE,
                proof.user_id,
                form=CodeForm.TOKEN,
                lifetime=_CHANGE_LIFETIME,
                payload=payload,
            )
        )

    def change_with_token(
        self,
        purpose: CodePurpose,
        token: str,
        new: str,
        client: Client,
        *,
        into_organization: bool = False,
        effect: Callable[[Transaction, Redeemed], None] | None = None,
    ) -> Proof:
        """Let whoever holds a token choose another password; every session of the person ends.

        A password that will not do does not spend the token.

        Raises:
            InvalidCode: the token is wrong, expired, used, or void since a newer one, a change or the end of
                every session; or with `into_organization` leads into none.
            PasswordUnchanged: it is the one that is due for a change.
            PasswordRefused.
            OrganizationSuspended, MembershipLost: it leads where nobody gets in; nothing is spent.
            Unavailable: too many passwords wait to be hashed; the token is not spent.

        Transaction: a read, and one in which the token is spent, the password stored and `effect` done.
        """
        holder = self._codes.holder_of(purpose, token, client, into_organization=into_organization)
        standing = self.own.standing(holder)
        with self._passwords.admission():
            hashed = self.own.hash_next(standing, new)

        def work(transaction: Transaction, redeemed: Redeemed) -> Proof | InvalidCode:
            user, payload = redeemed
            if payload.get("epoch", user.epoch) != user.epoch:
                self._events.record(
                    transaction, EventKind.CODE_REFUSED, Subject(user_id=user.id), client, purpose=purpose
                )
                return InvalidCode("sessions were ended meanwhile")
            organization_id = _held_organization(transaction, redeemed)
            if effect is not None:
                effect(transaction, redeemed)
            self.replace_within(transaction, user, hashed, client)
            return Proof(
                user_id=user.id,
                epoch=user.epoch,
                methods=tuple(payload.get("methods", ("pwd",))),
                proven_at=self._clock.now(),
                organization_id=organization_id,
                second_factor=payload.get("second_factor", False),
            )

        with self._sessions.noting_refusals(Subject(user_id=standing.person.id), client):
            proof = self._codes.redeem_token(purpose, token, work, client)
        if isinstance(proof, InvalidCode):
            raise proof
        self._notices.password_changed(standing.person)
        return proof

    def _proven(
        self,
        identifier: Identifier,
        password: str,
        client: Client,
        rule: ThrottleRule,
        target: LoginTarget,
    ) -> Candidate:
        """Count the attempt and return whose password it is."""
        try:
            self._throttle.reserve(str(identifier), client.ip_address, rule)
        except AccountLocked:
            self._record_failure(EventKind.LOGIN_LOCKED, identifier, None, client)
            raise
        candidate = self._database.transact(
            lambda transaction: find_candidate(transaction, identifier, target, self._passwords.rules)
        )
        if not self._passwords.verify(candidate.hashed_password if candidate else None, password) or (
            candidate is None
        ):
            self._record_failure(EventKind.LOGIN_FAILED, identifier, candidate, client)
            raise UnknownPerson if candidate is None else InvalidCredentials
        return candidate

    def replace_within(
        self,
        transaction: Transaction,
        user: User,
        hashed: str,
        client: Client | None,
        *,
        kept: UUID | None = None,
    ) -> None:
        """Store a new password of a person who is locked; what the old one was good for ends."""
        user.hashed_password = hashed
        user.must_change_password = False
        user.updated_at = user.password_changed_at = self._clock.now()
        void_codes(transaction, user.id, *_VOIDED)
        self._events.record(transaction, EventKind.PASSWORD_CHANGED, Subject(user_id=user.id), client)
        self._sessions.end_all_within(transaction, user.id, client, EndReason.PASSWORD_CHANGED, kept=kept)

    def _settle(self, candidate: Candidate, identifier: Identifier, password: str, client: Client) -> None:
        """Forgive the attempts, bring an old hash to today's parameters, and mark a password that expired."""
        old = candidate.hashed_password
        rehashed = self._passwords.hash(password) if old and self._passwords.is_outdated(old) else None
        expired = not candidate.person.must_change_password and candidate.password_is_due(self._clock.now())

        def work(transaction: Transaction) -> None:
            self._throttle.forgive_within(transaction, str(identifier), client.ip_address)
            if rehashed is None and not expired:
                return
            user = transaction.get(User, candidate.person.id, with_for_update=True)
            if user is None or user.hashed_password != old:
                return
            user.hashed_password = rehashed or old
            if expired:
                user.must_change_password = True
                self._events.record(transaction, EventKind.PASSWORD_EXPIRED, Subject(user_id=user.id), client)

        self._database.transact(work)

    def _store_password(
        self,
        standing: Standing,
        new: str,
        client: Client | None,
        *,
        kept: UUID | None = None,
    ) -> None:
        hashed = self.own.hash_new(standing, new)

        def work(transaction: Transaction) -> None:
            user = locked(transaction, standing.person.id)
            if client is not None and user.hashed_password != standing.hashed:
                raise CurrentPasswordIncorrect("the password was changed meanwhile")
            self.replace_within(transaction, user, hashed, client, kept=kept)

        self._database.transact(work)
        self._notices.password_changed(standing.person)

    def _record_failure(
        self, kind: EventKind, identifier: Identifier, candidate: Candidate | None, client: Client
    ) -> None:
        subject = Subject(user_id=candidate.person.id if candidate else None)
        self._database.transact(
            lambda transaction: self._events.record(
                transaction, kind, subject, client, identified_by=identifier.kind
            )
        )


def _held_organization(transaction: Transaction, redeemed: Redeemed) -> UUID | None:
    """Return the organization that a token leads to, if any, and make sure that it is open to the person."""
    organization = redeemed.payload.get("organization_id")
    organization_id = UUID(organization) if organization else None
    if organization_id is not None:
        hold_organization(transaction, redeemed.user.id, organization_id)
    return organization_id
