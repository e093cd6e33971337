"""Proving that an e-mail address or a phone number is one's own.

What is proven may count as a second factor. Whoever reads an account's mail, or has only got hold of a
session or a password, must not add one to those that guard the account.
"""

from sqlalchemy.orm import Session as Transaction

from app.delivery import Channel
from app.engine.accounts import locked
from app.engine.client import Client
from app.engine.code_messages import CodeMessages, Recipient
from app.engine.database import Database
from app.engine.errors import AddressMissing, AlreadyVerified
from app.engine.events import EventKind, Events, Subject
from app.engine.mfa import FactorChanges, Factors
from app.engine.notices import Notices
from app.engine.one_time_codes import LETS_IN, CodePurpose, OneTimeCodes, Redeemed, void_codes
from app.engine.snapshot import SessionRow, Snapshot
from app.models import User
from app.primitives.clock import Clock

_PURPOSES = {
    Channel.MAIL: CodePurpose.EMAIL_VERIFICATION,
    Channel.SMS: CodePurpose.PHONE_VERIFICATION,
}
_COLUMNS = {Channel.MAIL: "email", Channel.SMS: "phone"}
_EVENTS = {Channel.MAIL: EventKind.EMAIL_VERIFIED, Channel.SMS: EventKind.PHONE_VERIFIED}


class Verification:
    """Sends a code to the address that a person has given, and takes it back."""

    def __init__(
        self,
        *,
        database: Database,
        codes: OneTimeCodes,
        messages: CodeMessages,
        factors: Factors,
        factor_changes: FactorChanges,
        clock: Clock,
        events: Events,
        notices: Notices,
    ) -> None:
        self._database = database
        self._codes = codes
        self._messages = messages
        self._factors = factors
        self._factor_changes = factor_changes
        self._clock = clock
        self._events = events
        self._notices = notices

    def send(self, snapshot: Snapshot, channel: Channel, client: Client) -> None:
        """Send a code by mail or SMS.

        Raises:
            AddressMissing, AlreadyVerified: there is nothing to prove.
            ReauthenticationRequired, PasswordChangeRequired: the code would add a factor to those that guard
                the account, which takes the proof that every change of them does.
            RateLimited: enough has been sent for now.
        """
        self._check(snapshot, channel)
        recipient = Recipient(person=snapshot.person, claimed="", channel=channel)
        self._messages.send_code(_PURPOSES[channel], recipient, client)

    def confirm(self, snapshot: Snapshot, channel: Channel, code: str, client: Client) -> None:
        """Take the code back, and note that the address is the person's.

        A code that was sent to an older address is worthless: a change of address voids it. Where it adds a
        factor to those that guard the account, other sessions and all trust in devices end, and a mail tells.

        Raises:
            AddressMissing, AlreadyVerified, ReauthenticationRequired, PasswordChangeRequired: as for `send`.
            InvalidCode, CodeExpired, AccountLocked: see `OneTimeCodes.redeem`.
        """
        self._check(snapshot, channel)
        change = f"{channel} added"

        def work(transaction: Transaction, redeemed: Redeemed) -> bool:
            user, session = redeemed.user, snapshot.session
            joins = self._joins_within(transaction, user, session, channel)
            if joins:
                self._factor_changes.changed_within(transaction, user, client, change, session.id)
            self._note(transaction, user, channel, client)
            return joins

        if self._codes.redeem(_PURPOSES[channel], snapshot.person.id, code, work, client):
            self._notices.second_factors_changed(snapshot.person, change)

    def note_within(self, transaction: Transaction, user: User, channel: Channel, client: Client) -> None:
        """Note that what was sent to a person by this channel has come back, from wherever.

        Nothing is noted where it would add a factor to those that guard the account: that takes a session,
        see `confirm`.
        """
        if not self._factors.joins_within(transaction, user, channel):
            self._note(transaction, user, channel, client)

    def _note(self, transaction: Transaction, user: User, channel: Channel, client: Client) -> None:
        column = f"{_COLUMNS[channel]}_verified_at"
        if getattr(user, column) is not None:
            return
        user.updated_at = self._clock.now()
        setattr(user, column, user.updated_at)
        # What is under way to another one, which is not proven, must not let anybody in from now on.
        void_codes(transaction, user.id, *LETS_IN)
        self._events.record(transaction, _EVENTS[channel], Subject(user_id=user.id), client)

    def _check(self, snapshot: Snapshot, channel: Channel) -> None:
        person, session = snapshot.person, snapshot.session
        if getattr(person, _COLUMNS[channel]) is None:
            raise AddressMissing
        if getattr(person, f"{_COLUMNS[channel]}_verified_at") is not None:
            raise AlreadyVerified
        self._database.transact(
            lambda transaction: self._joins_within(
                transaction, locked(transaction, person.id), session, channel
            )
        )

    def _joins_within(
        self, transaction: Transaction, user: User, session: SessionRow, channel: Channel
    ) -> bool:
        """Tell whether a factor is added where one guards, and demand a session in which that may be."""
        joins = self._factors.joins_within(transaction, user, channel)
        if joins:
            self._factor_changes.check_recent_within(transaction, session, user)
        return joins
