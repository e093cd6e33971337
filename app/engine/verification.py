"""Proving that an e-mail address or a phone number is one's own."""

from sqlalchemy.orm import Session as Transaction

from app.delivery import Channel
from app.engine.client import Client
from app.engine.code_messages import CodeMessages, Recipient
from app.engine.errors import AddressMissing, AlreadyVerified
from app.engine.events import EventKind, Events, Subject
from app.engine.one_time_codes import CodePurpose, OneTimeCodes, Redeemed
from app.engine.snapshot import PersonRow
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

    def __init__(self, *, codes: OneTimeCodes, messages: CodeMessages, clock: Clock, events: Events) -> None:
        self._codes = codes
        self._messages = messages
        self._clock = clock
        self._events = events

    def send(self, person: PersonRow, channel: Channel, client: Client) -> None:
        """Send a code by mail or SMS.

        Raises:
            AddressMissing, AlreadyVerified: there is nothing to prove.
            RateLimited: enough has been sent for now.
        """
        _check(person, channel)
        recipient = Recipient(person=person, claimed="", channel=channel)
        self._messages.send_code(_PURPOSES[channel], recipient, client)

    def confirm(self, person: PersonRow, channel: Channel, code: str, client: Client) -> None:
        """Take the code back, and note that the address is the person's.

        A code that was sent to an older address is worthless: a change of address voids it.

        Raises:
            AddressMissing, AlreadyVerified: there is nothing to prove.
            InvalidCode, CodeExpired, AccountLocked: see `OneTimeCodes.redeem`.
        """
        _check(person, channel)

        def work(transaction: Transaction, redeemed: Redeemed) -> None:
            self.note_within(transaction, redeemed.user, channel, client)

        self._codes.redeem(_PURPOSES[channel], person.id, code, work, client)

    def note_within(self, transaction: Transaction, user: User, channel: Channel, client: Client) -> None:
        """Note that what was sent to a person by this channel has come back, unless that is known."""
        column = f"{_COLUMNS[channel]}_verified_at"
        if getattr(user, column) is not None:
            return
        user.updated_at = self._clock.now()
        setattr(user, column, user.updated_at)
        self._events.record(transaction, _EVENTS[channel], Subject(user_id=user.id), client)


def _check(person: PersonRow, channel: Channel) -> None:
    if getattr(person, _COLUMNS[channel]) is None:
        raise AddressMissing
    if getattr(person, f"{_COLUMNS[channel]}_verified_at") is not None:
        raise AlreadyVerified
