"""What is sent, and the one promise every sender makes."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Channel(StrEnum):
    """The way a message reaches its recipient."""

    MAIL = "mail"
    SMS = "sms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to one recipient: an e-mail address or a phone number, by channel.

    SMS carries `text` only. The repr shows the channel and nothing else, so that
    no traceback or careless log call prints a code or an address.
    """

    recipient: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(default=None, repr=False)
    channel: Channel = Channel.MAIL


class DeliveryFailed(Exception):
    """A message did not leave.

    The reason is written to the log: it never holds message content or an address.
    A `permanent` failure would fail again in the same way, so nobody retries it.
    """

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent


class Sender(Protocol):
    """Hands one message to the outside world and returns when it was accepted there."""

    def send(self, message: Message) -> None:
        """Send now, blocking.

        Raises:
            DeliveryFailed: the message was not accepted.
        """
