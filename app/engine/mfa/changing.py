"""Changing second factors: each change asks for a recent proof, ends other sessions, and is told by mail."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session as Transaction

from app.engine.accounts import locked
from app.engine.candidates import find_own_member
from app.engine.client import Client
from app.engine.database import Database
from app.engine.errors import (
    InvalidRequest,
    PasswordChangeRequired,
    PermissionDenied,
    ReauthenticationRequired,
    SecondFactorEnabled,
    SecondFactorEnforced,
    SecondFactorMissing,
    SecondFactorNotEnabled,
    SecondFactorRequired,
)
from app.engine.events import EventKind, Events, Subject
from app.engine.mfa.factor import Holder
from app.engine.mfa.factors import Factors
from app.engine.mfa.proving import SecondFactors
from app.engine.mfa.recovery_codes import HashedCodes, RecoveryForm
from app.engine.mfa.totp import Enrolment
from app.engine.notices import Notices
from app.engine.refreshing import EndReason
from app.engine.sessions import Sessions
from app.engine.snapshot import PersonRow, SessionRow, Snapshot
from app.models import User
from app.primitives.clock import Clock
from config import FactorMethod

_DEVICE_NAME = "Authenticator app"
# As long as an address may be, so that the URI always fits into a QR code.
_LABEL_OCTETS = 254


class FactorChanges:
    """What people change about their factors. Each public method is one transaction, and one for each try."""

    def __init__(
        self,
        factors: Factors,
        second_factors: SecondFactors,
        *,
        issuer: str,
        longest_proof_age: timedelta,
        database: Database,
        clock: Clock,
        events: Events,
        notices: Notices,
        sessions: Sessions,
    ) -> None:
        self._factors = factors
        self._second_factors = second_factors
        self._issuer = issuer
        self._longest_proof_age = longest_proof_age
        self._database = database
        self._clock = clock
        self._events = events
        self._notices = notices
        self._sessions = sessions

    def set_enabled(self, snapshot: Snapshot, client: Client, *, enabled: bool) -> None:
        """Switch the second factor on or off; what is enrolled stays.

        Raises:
            SecondFactorMissing, SecondFactorEnforced, ReauthenticationRequired.
        """

        def work(transaction: Transaction, user: User) -> None:
            self.check_recent_within(transaction, snapshot.session, user)
            status = self._factors.status_within(transaction, user)
            if enabled and not status.methods:
                raise SecondFactorMissing
            if not enabled and status.is_required:
                raise SecondFactorEnforced
            user.mfa_enabled = enabled

        self._change(snapshot, client, "switched on" if enabled else "switched off", work)

    def demand_recent_proof(self, snapshot: Snapshot) -> None:
        """Demand what these changes do, for something else that a stolen session must not do by itself.

        Raises:
            ReauthenticationRequired: the session's proof is too old, or not by the person's second factor.
            PasswordChangeRequired: another password is due, and comes first.

        Transaction: one read.
        """

        def work(transaction: Transaction) -> None:
            self.check_recent_within(transaction, snapshot.session, locked(transaction, snapshot.person.id))

        self._database.transact(work)

    def begin_totp(
        self, snapshot: Snapshot, *, name: str | None, label: str | None = None, only_first: bool = False
    ) -> Enrolment:
        """Make the secret of a new authenticator app.

        A pending session may do so where a factor is asked for and the person has none yet.

        Raises:
            ReauthenticationRequired, SecondFactorRequired, InvalidRequest.
            SecondFactorNotEnabled: the deployment offers no authenticator apps.
            SecondFactorEnabled: with `only_first`, there is one already.
        """
        person = snapshot.person
        if FactorMethod.TOTP not in self._second_factors.methods:
            raise SecondFactorNotEnabled
        if label is not None and len(label.encode(errors="backslashreplace")) > _LABEL_OCTETS:
            raise InvalidRequest({"label": f"label must be at most {_LABEL_OCTETS} bytes"})

        def work(transaction: Transaction) -> str:
            user = locked(transaction, person.id)
            self._check_enrolment(transaction, user, snapshot.session, only_first=only_first)
            return self._factors.totp.begin_within(transaction, user.id, name or _DEVICE_NAME)

        return self.enrolment(person, self._database.transact(work), label=label)

    def enrolment(self, person: PersonRow, secret: str, *, label: str | None = None) -> Enrolment:
        """Return what an authenticator app is told of a secret, for whoever has to show it again.

        Raises:
            InvalidSecondFactor: it has not the form of a secret that `begin_totp` makes.
        """
        account = label or person.email or person.phone or person.username or str(person.uuid)
        return Enrolment.of(secret, account=account, issuer=self._issuer)

    def confirm_totp(
        self,
        snapshot: Snapshot,
        secret: str,
        typed: str,
        client: Client,
        *,
        with_codes: RecoveryForm | None = None,
    ) -> list[str]:
        """Let a new app count, switch the second factor on, and return new recovery codes if asked for.

        Raises:
            InvalidSecondFactor, AccountLocked, and what `begin_totp` raises. Unavailable: with codes that are
            hashed slowly, too many wait to hash something; the try is not counted.
        """
        session, only_first = snapshot.session, with_codes is not None
        recovery_codes = self._factors.recovery_codes

        def check(transaction: Transaction) -> None:
            user = locked(transaction, snapshot.person.id)
            self._check_enrolment(transaction, user, session, only_first=only_first)

        def prepare() -> HashedCodes | None:
            return recovery_codes.make(with_codes) if with_codes else None

        def effect(transaction: Transaction, user: User, codes: HashedCodes | None) -> list[str]:
            if user.mfa_enabled and (only_first or session.mfa_pending):
                raise SecondFactorEnabled("by another session, in this moment")
            user.mfa_enabled = True
            if not session.mfa_pending:
                methods = dict.fromkeys([*session.auth_methods, *self._second_factors.amr(FactorMethod.TOTP)])
                self._sessions.note_proof_within(transaction, session, methods)
            if codes is not None:
                recovery_codes.replace_within(transaction, user.id, codes)
            self.changed_within(transaction, user, client, "added", session.id)
            return codes.raw if codes is not None else []

        # Before the try, which already makes the app one that can be proven.
        self._database.transact(check)
        with recovery_codes.admission(is_short=with_codes is not None and with_codes.is_short):
            raw = self._factors.totp.confirm(
                snapshot.person.id, secret, typed, client, prepare=prepare, effect=effect
            )
        self._notices.second_factors_changed(snapshot.person, "added")
        return raw

    def remove_device(self, snapshot: Snapshot, device_id: UUID, client: Client) -> None:
        """Forget one authenticator app; with the last factor the second factor is off.

        Raises:
            NotFound, SecondFactorEnforced, ReauthenticationRequired.
        """

        def work(transaction: Transaction, user: User) -> None:
            self.check_recent_within(transaction, snapshot.session, user)
            self._factors.totp.remove_one_within(transaction, user.id, device_id)
            self._factors.settle_within(transaction, user)
            if not user.mfa_enabled and self._factors.is_required_within(transaction, user):
                raise SecondFactorEnforced

        self._change(snapshot, client, "removed", work)

    def renew_recovery_codes(self, snapshot: Snapshot, form: RecoveryForm, client: Client) -> list[str]:
        """Return new recovery codes; the former ones are worthless, and what they may have opened ends.

        Raises:
            SecondFactorNotEnabled, ReauthenticationRequired.
        """
        if not snapshot.person.mfa_enabled:
            raise SecondFactorNotEnabled

        def check(transaction: Transaction) -> User:
            user = locked(transaction, snapshot.person.id)
            self.check_recent_within(transaction, snapshot.session, user)
            return user

        def work(transaction: Transaction) -> None:
            user = check(transaction)
            self._factors.recovery_codes.replace_within(transaction, user.id, codes)
            self.changed_within(transaction, user, client, "recovery codes renewed", snapshot.session.id)

        # Nothing is hashed for whoever may not have them.
        self._database.transact(check)
        with self._factors.recovery_codes.admission(is_short=form.is_short):
            codes = self._factors.recovery_codes.make(form)
        self._database.transact(work)
        self._notices.second_factors_changed(snapshot.person, "recovery codes renewed")
        return codes.raw

    def reset_totp(self, snapshot: Snapshot, recovery_code: str, client: Client) -> None:
        """Forget all authenticator apps for a recovery code, which the session need not be finished for.

        Raises:
            SecondFactorNotEnabled, InvalidRecoveryCode, AccountLocked.
        """

        def effect(transaction: Transaction, user: User) -> None:
            self._factors.totp.remove_within(transaction, user.id)
            self._factors.settle_within(transaction, user)
            self.changed_within(transaction, user, client, "removed", snapshot.session.id)

        self._second_factors.prove(Holder.of(snapshot), None, recovery_code, effect, client)
        self._notices.second_factors_changed(snapshot.person, "removed")

    def disable(self, snapshot: Snapshot, typed: str, client: Client) -> None:
        """Switch the second factor off for a code of an authenticator app, and forget all that is enrolled.

        Raises:
            SecondFactorNotEnabled, SecondFactorEnforced, InvalidSecondFactor, AccountLocked.
        """

        def effect(transaction: Transaction, user: User) -> None:
            if self._factors.is_required_within(transaction, user):
                raise SecondFactorEnforced
            self._factors.forget_within(transaction, user)
            self.changed_within(transaction, user, client, "switched off", snapshot.session.id)

        self._second_factors.prove(Holder.of(snapshot), FactorMethod.TOTP, typed, effect, client)
        self._notices.second_factors_changed(snapshot.person, "switched off")

    def reset_member(self, snapshot: Snapshot, organization_id: UUID, person: UUID, client: Client) -> None:
        """Do what `reset` does on the word of an organization's administrator, whose session this is.

        One's own factors are not among it: whoever has only got hold of the session must not shed them.

        Raises:
            NotFound: nobody in the organization. SecondFactorNotEnabled: there is nothing to forget.
            PermissionDenied: oneself, or a person in whom other organizations have a say too.
        """
        member = self._database.transact(
            lambda transaction: find_own_member(transaction, organization_id, person)
        )
        if member.id == snapshot.person.id:
            raise PermissionDenied("one's own factors")
        self.reset(member, client, by=snapshot.person.id)

    def reset(self, person: PersonRow, client: Client | None, *, by: int | None = None) -> None:
        """Forget all of a person's factors on an administrator's word; every session ends.

        Raises:
            NotFound: there is no such person any more.
            SecondFactorNotEnabled: there is nothing to forget.
        """

        def work(transaction: Transaction) -> None:
            user = locked(transaction, person.id)
            if not self._factors.status_within(transaction, user).can_be_recovered:
                raise SecondFactorNotEnabled
            self._factors.forget_within(transaction, user)
            by_whom = {} if by is None else {"by": by}
            self.changed_within(transaction, user, client, "reset", None, **by_whom)

        self._database.transact(work)
        self._notices.second_factors_changed(person, "reset")

    def check_recent_within(self, transaction: Transaction, session: SessionRow, user: User) -> None:
        """Demand a recent proof, by the second factor where there is one: trust in a device is none.

        Raises:
            ReauthenticationRequired. PasswordChangeRequired: that comes first, and ends other sessions.

        Source: OWASP ASVS 7.5.1 and 6.4.4.
        """
        if user.must_change_password:
            raise PasswordChangeRequired
        is_recent = self._clock.now() - session.authenticated_at <= self._longest_proof_age
        status = self._factors.status_within(transaction, user)
        if not is_recent or ("mfa" not in session.auth_methods and status.guards_changes):
            raise ReauthenticationRequired

    def changed_within(
        self,
        transaction: Transaction,
        user: User,
        client: Client | None,
        what: str,
        kept: UUID | None,
        **details: object,
    ) -> None:
        """Record a change and end what began under the former factors: other sessions, trusted devices."""
        user.updated_at = self._clock.now()
        transaction.flush()
        subject = Subject(user_id=user.id)
        self._events.record(transaction, EventKind.MFA_CHANGED, subject, client, change=what, **details)
        self._sessions.end_all_within(transaction, user.id, client, EndReason.MFA_CHANGED, kept=kept)

    def _change(
        self, snapshot: Snapshot, client: Client, what: str, work: Callable[[Transaction, User], None]
    ) -> None:
        def change(transaction: Transaction) -> None:
            user = locked(transaction, snapshot.person.id)
            work(transaction, user)
            self.changed_within(transaction, user, client, what, snapshot.session.id)

        self._database.transact(change)
        self._notices.second_factors_changed(snapshot.person, what)

    def _check_enrolment(
        self, transaction: Transaction, user: User, session: SessionRow, *, only_first: bool
    ) -> None:
        """Let a pending session enrol only what is asked for: the first factor of a person without any."""
        if only_first and user.mfa_enabled:
            raise SecondFactorEnabled
        if not session.mfa_pending:
            self.check_recent_within(transaction, session, user)
        elif user.mfa_enabled or self._factors.ready_within(transaction, user):
            raise SecondFactorRequired
