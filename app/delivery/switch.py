"""One postbox in front of several: each message takes the way of its channel."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from app.delivery.message import Channel, Message
from app.delivery.outbox import Postbox


@dataclass(frozen=True, slots=True)
class SwitchedPostbox:
    """A slow gateway for one channel does not hold up the other."""

    by_channel: Mapping[Channel, Postbox]

    def post(self, message: Message) -> None:
        """Hand a message to the postbox of its channel."""
        self.by_channel[message.channel].post(message)

    def drain(self, timeout: timedelta) -> bool:
        """Wait for all of them, `timeout` altogether."""
        ends_at = time.monotonic() + timeout.total_seconds()
        drained = [
            postbox.drain(timedelta(seconds=max(0.0, ends_at - time.monotonic())))
            for postbox in self.by_channel.values()
        ]
        return all(drained)
