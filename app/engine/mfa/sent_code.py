"""What the factors whose code is sent have in common; the code belongs to the session it was sent for."""

from typing import ClassVar

from sqlalchemy.orm import Session as Transaction

from app.delivery import Channel
from app.engine.client import Client
from app.engine.code_messages import CodeMessages, Recipient
from app.engine.errors import InvalidCode
from app.engine.mfa.factor import Effect, Holder, Result
from app.engine.one_time_codes import CodePurpose, OneTimeCodes, Redeemed, void_codes

_FOR = "for"


class SentCode:
    """Six digits by one channel."""

    purpose: ClassVar[CodePurpose]
    channel: ClassVar[Channel]

    def __init__(self, codes: OneTimeCodes, messages: CodeMessages) -> None:
        self._codes = codes
        self._messages = messages

    def challenge(self, holder: Holder, client: Client) -> None:
        """Send a code; the one before it is worthless."""
        person = holder.person
        self._messages.send_code(
            self.purpose,
            Recipient(person=person, claimed="", channel=self.channel),
            client,
            payload={_FOR: holder.purpose},
        )

    def prove(self, holder: Holder, typed: str, effect: Effect[Result], client: Client) -> Result:
        """Spend the code."""

        def if_sent_for_this(transaction: Transaction, redeemed: Redeemed) -> Result:
            if redeemed.payload.get(_FOR) != holder.purpose:
                raise InvalidCode("it was sent for another session or login")
            return effect(transaction, redeemed.user)

        return self._codes.redeem(self.purpose, holder.person.id, typed, if_sent_for_this, client)

    def remove_within(self, transaction: Transaction, user_id: int) -> int:
        """Make a code that is under way worthless; the address stays the person's."""
        void_codes(transaction, user_id, self.purpose)
        return 0
