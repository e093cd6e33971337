"""The queue between a request and a sender: a request never waits for delivery."""

import hashlib
import heapq
import logging
import os
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from app.delivery.message import DeliveryFailed, Message, Sender

_log = logging.getLogger(__name__)

_RETRY_DELAYS = (timedelta(seconds=2), timedelta(seconds=15), timedelta(seconds=60))

# Phone numbers are few enough to try them all, so an unkeyed hash would give them away.
_LOG_KEY = secrets.token_bytes(16)


class Postbox(Protocol):
    """Takes messages and sees to it that they leave; `Outbox` and `DirectOutbox` are the two kinds."""

    def post(self, message: Message) -> None:
        """Accept a message; never raises."""

    def drain(self, timeout: timedelta) -> bool:
        """Wait until nothing is left to send; False when that took longer than `timeout`."""


class DirectOutbox:
    """Sends within `post`, once: for senders that do not wait, and for tests."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def post(self, message: Message) -> None:
        """Send now; a failure is logged and not raised."""
        failure = _try_to_send(self._sender, message)
        if failure is not None:
            _log_undelivered(message, failure)

    def drain(self, timeout: timedelta) -> bool:  # noqa: ARG002 (there is never anything to wait for)
        """Answer True: nothing is ever left."""
        return True


class Outbox:
    """Sends in the background, with one thread per process, started by the first message.

    A failed message is tried again after each of `retry_delays`, without holding up
    the others, and then given up with a log line. At most `capacity` messages wait;
    more are dropped with a log line. Waiting messages live in memory only: whoever
    ends the process calls `drain` first.
    """

    def __init__(
        self, sender: Sender, *, capacity: int = 1000, retry_delays: Sequence[timedelta] = _RETRY_DELAYS
    ) -> None:
        self._sender = sender
        self._capacity = capacity
        self._retry_delays = tuple(retry_delays)
        self._backlogs: dict[int, _Backlog] = {}

    def post(self, message: Message) -> None:
        """Queue a message; never raises and never waits for the sender."""
        self._backlog().add(message)

    def drain(self, timeout: timedelta) -> bool:
        """Wait until nothing is left, retries included; False when that took longer than `timeout`."""
        return self._backlog().wait_until_empty(timeout)

    def _backlog(self) -> "_Backlog":
        # A forked child has neither its parent's thread nor a lock it can trust, and must not send what
        # the parent will send. setdefault is atomic: two first threads of a child agree on one backlog.
        pid = os.getpid()
        return self._backlogs.get(pid) or self._backlogs.setdefault(
            pid, _Backlog(self._sender, self._capacity, self._retry_delays)
        )


@dataclass(order=True, slots=True)
class _Waiting:
    due: float
    number: int
    message: Message = field(compare=False)
    failures: int = field(compare=False, default=0)


class _Backlog:
    """The messages one process has yet to send, soonest first, and the thread that sends them."""

    def __init__(self, sender: Sender, capacity: int, retry_delays: tuple[timedelta, ...]) -> None:
        self._sender = sender
        self._capacity = capacity
        self._retry_delays = retry_delays
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._is_sending = False
        self._accepted = 0
        self._thread: threading.Thread | None = None

    def add(self, message: Message) -> None:
        with self._changed:
            is_full = len(self._waiting) >= self._capacity
            if not is_full:
                self._accepted += 1
                heapq.heappush(self._waiting, _Waiting(time.monotonic(), self._accepted, message))
                self._changed.notify_all()
                self._ensure_thread()
        if is_full:
            _log.error("%s to recipient %s dropped: outbox full", message.channel, fingerprint(message))

    def wait_until_empty(self, timeout: timedelta) -> bool:
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._waiting and not self._is_sending, timeout.total_seconds()
            )

    def _ensure_thread(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # Out of threads just now: the message waits, and the next one tries to start it again.
            _log.exception("outbox thread could not be started")
        else:
            self._thread = thread

    def _run(self) -> None:
        while True:
            waiting = self._take_next()
            failure = _try_to_send(self._sender, waiting.message)
            if failure is not None:
                self._retry_or_give_up(waiting, failure)
            with self._changed:
                self._is_sending = False
                self._changed.notify_all()

    def _take_next(self) -> _Waiting:
        with self._changed:
            while not self._waiting or self._waiting[0].due > time.monotonic():
                soonest = self._waiting[0].due - time.monotonic() if self._waiting else None
                self._changed.wait(soonest)
            self._is_sending = True
            return heapq.heappop(self._waiting)

    def _retry_or_give_up(self, waiting: _Waiting, failure: DeliveryFailed) -> None:
        if failure.permanent or waiting.failures >= len(self._retry_delays):
            _log_undelivered(waiting.message, failure)
            return
        waiting.due = time.monotonic() + self._retry_delays[waiting.failures].total_seconds()
        waiting.failures += 1
        with self._changed:
            heapq.heappush(self._waiting, waiting)


def fingerprint(message: Message) -> str:
    """Name a recipient in the log: equal within one run of the service, meaningless outside it."""
    recipient = message.recipient.encode(errors="backslashreplace")
    return hashlib.blake2b(recipient, key=_LOG_KEY, digest_size=4).hexdigest()


def _try_to_send(sender: Sender, message: Message) -> DeliveryFailed | None:
    try:
        sender.send(message)
    except DeliveryFailed as failure:
        return failure
    except Exception as error:  # noqa: BLE001 (a fault in one message must not stop the others)
        return DeliveryFailed(type(error).__name__, permanent=True)
    return None


def _log_undelivered(message: Message, failure: DeliveryFailed) -> None:
    _log.error("%s to recipient %s not delivered: %s", message.channel, fingerprint(message), failure)
