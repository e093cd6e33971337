"""Codes and links on their way to a person.

Everything is done alike for somebody and for nobody, up to the hand-over to the postbox, which does not wait.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session as Transaction

from app.delivery import Channel, Message, Postbox, compose
from app.engine.client import Client
from app.engine.code_forms import CodeForm
from app.engine.database import Database
from app.engine.errors import AccountLocked, RateLimited
from app.engine.events import EventKind, Events, Subject
from app.engine.login_throttle import LoginThrottle, hourly_rule
from app.engine.one_time_codes import LETS_IN, CodePurpose, OneTimeCodes, void_codes
from app.engine.proof import NOBODY, lock_active
from app.engine.snapshot import PersonRow

_MINUTE = timedelta(minutes=1)
_COLUMNS = {Channel.MAIL: "email", Channel.SMS: "phone"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Whom a code is for and where it goes; no `person` where nobody has the name that was given.

    `claimed` is that name; it is empty where a signed-in person asks for themselves.
    """

    person: PersonRow | None
    claimed: str
    channel: Channel = Channel.MAIL

    @property
    def address(self) -> str | None:
        """The person's address or number for the channel."""
        address: str | None = getattr(self.person, _COLUMNS[self.channel], None)
        return address

    @property
    def counted(self) -> str:
        """What messages are counted by: the name if one was given, so that the count tells nothing of it."""
        return self.claimed or (f"person:{self.person.id}" if self.person is not None else "")


class CodeMessages:
    """Sends codes that are typed, and links. At most so many an hour to one person for one purpose."""

    def __init__(
        self,
        *,
        database: Database,
        codes: OneTimeCodes,
        throttle: LoginThrottle,
        events: Events,
        postbox: Postbox,
        public_url: str,
        lifetime: timedelta,
        per_hour: int,
    ) -> None:
        self._database = database
        self._codes = codes
        self._throttle = throttle
        self._events = events
        self._postbox = postbox
        self._public_url = public_url
        self._lifetime = lifetime
        self._rule = hourly_rule(per_hour)

    def send_code(
        self,
        purpose: CodePurpose,
        recipient: Recipient,
        client: Client,
        *,
        payload: dict[str, Any] | None = None,
        voids: tuple[CodePurpose, ...] = (),
    ) -> None:
        """Send six digits; the person's codes for `voids` become worthless.

        The channel is stored with the `payload`.

        Raises:
            RateLimited: this person, or this name, has been sent enough for now.

        Transaction: one that counts the message, one that issues the code; sending comes after both.
        """
        code, address = self._issue(
            purpose, recipient, client, CodeForm.DIGITS, self._lifetime, payload=payload, voids=voids
        )
        values = {"purpose": str(purpose), "code": code, "minutes": self._lifetime // _MINUTE}
        self._post(address, recipient.channel, "code", **values)

    def send_link(
        self,
        purpose: CodePurpose,
        recipient: Recipient,
        client: Client,
        *,
        template: str,
        path: str,
        lifetime: timedelta,
        payload: dict[str, Any] | None = None,
        voids: tuple[CodePurpose, ...] = (),
    ) -> None:
        """Send a link below the configured public address, which ends in the token.

        Raises:
            RateLimited, Transaction: as for `send_code`.
        """
        token, address = self._issue(
            purpose, recipient, client, CodeForm.TOKEN, lifetime, payload=payload, voids=voids
        )
        link = f"{self._public_url}{path}{token}"
        self._post(address, recipient.channel, template, link=link, minutes=lifetime // _MINUTE)

    def _issue(
        self,
        purpose: CodePurpose,
        recipient: Recipient,
        client: Client,
        form: CodeForm,
        lifetime: timedelta,
        *,
        payload: dict[str, Any] | None,
        voids: tuple[CodePurpose, ...],
    ) -> tuple[str, str | None]:
        """Return the code and where it goes, which is nowhere if there is nobody to send it to."""
        try:
            self._throttle.reserve(f"message/{purpose}/{recipient.counted}", client.ip_address, self._rule)
        except AccountLocked as error:
            raise RateLimited(error.retry_after, f"messages for {purpose}") from error

        def work(transaction: Transaction) -> tuple[str, str | None]:
            user_id = _reached(transaction, purpose, recipient)
            code = self._codes.issue_within(
                transaction,
                purpose,
                user_id,
                form=form,
                lifetime=lifetime,
                payload={**(payload or {}), "channel": recipient.channel},
            )
            if voids:
                void_codes(transaction, user_id or NOBODY, *voids)
            self._events.record(
                transaction,
                EventKind.CODE_SENT,
                Subject(user_id=user_id),
                client,
                purpose=purpose,
                channel=recipient.channel,
            )
            return code, recipient.address if user_id is not None else None

        return self._database.transact(work)

    def _post(self, address: str | None, channel: Channel, template: str, **values: object) -> None:
        message: Message = compose(template, address or "", channel, **values)
        if address:
            self._postbox.post(message)


def _reached(transaction: Transaction, purpose: CodePurpose, recipient: Recipient) -> int | None:
    """Return whose code it may be: nobody's, where the address has become another since it was read.

    Nor is one made that lets somebody in by an address that is not proven while another of the account is:
    whoever signed up with a stranger's address left one of their own behind, and would get the account back.

    From here to the end the person is locked. A change or a proof that comes later makes the code worthless;
    one that came before must not have it sent to where the person is no more.
    """
    known = recipient.person if recipient.address else None
    user = lock_active(transaction, known.id if known is not None else None)
    if user is None or getattr(user, _COLUMNS[recipient.channel]) != recipient.address:
        return None
    proven = [channel for channel, column in _COLUMNS.items() if getattr(user, f"{column}_verified_at")]
    is_safe = purpose not in LETS_IN or not proven or recipient.channel in proven
    return user.id if is_safe else None
