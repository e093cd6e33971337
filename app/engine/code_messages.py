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
from app.engine.login_throttle import LoginThrottle, ThrottleRule
from app.engine.one_time_codes import CodePurpose, OneTimeCodes, void_codes
from app.engine.snapshot import PersonRow

_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Whom a code is for and where it goes; no `person` where nobody has the name that was given.

    `claimed` is that name, and counts in the place of the person.
    """

    person: PersonRow | None
    claimed: str
    channel: Channel = Channel.MAIL

    @property
    def address(self) -> str | None:
        """The person's address or number for the channel."""
        if self.person is None:
            return None
        return self.person.email if self.channel is Channel.MAIL else self.person.phone

    @property
    def counted(self) -> str:
        """What messages are counted by."""
        return f"person:{self.person.id}" if self.person is not None else self.claimed


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
        self._rule = ThrottleRule(attempts=per_hour, window=_HOUR, lock=_HOUR, per_address=False)

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

        Raises:
            RateLimited: this person, or this name, has been sent enough for now.

        Transaction: one that counts the message, one that issues the code; sending comes after both.
        """
        code = self._issue(
            purpose, recipient, client, CodeForm.DIGITS, self._lifetime, payload=payload, voids=voids
        )
        values = {"purpose": str(purpose), "code": code, "minutes": self._lifetime // _MINUTE}
        self._post(recipient, "code", **values)

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
        token = self._issue(
            purpose, recipient, client, CodeForm.TOKEN, lifetime, payload=payload, voids=voids
        )
        link = f"{self._public_url}{path}{token}"
        self._post(recipient, template, link=link, minutes=lifetime // _MINUTE)

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
    ) -> str:
        try:
            self._throttle.reserve(f"message/{purpose}/{recipient.counted}", client.ip_address, self._rule)
        except AccountLocked as error:
            raise RateLimited(error.retry_after, f"messages for {purpose}") from error
        user_id = recipient.person.id if recipient.person is not None and recipient.address else None

        def work(transaction: Transaction) -> str:
            code = self._codes.issue_within(
                transaction, purpose, user_id, form=form, lifetime=lifetime, payload=payload
            )
            if voids:
                void_codes(transaction, user_id or 0, *voids)
            self._events.record(
                transaction,
                EventKind.CODE_SENT,
                Subject(user_id=user_id),
                client,
                purpose=purpose,
                channel=recipient.channel,
            )
            return code

        return self._database.transact(work)

    def _post(self, recipient: Recipient, template: str, **values: object) -> None:
        message: Message = compose(template, recipient.address or "", recipient.channel, **values)
        if recipient.address:
            self._postbox.post(message)
