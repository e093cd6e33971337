"""The queue in front of a sender: never waits, never raises, is bounded, tries again, survives a fork."""

import logging
import os
import socket
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from app.delivery import (
    Channel,
    DeliveryFailed,
    DirectOutbox,
    FileSender,
    MemorySender,
    Message,
    Outbox,
    Postbox,
    SmtpSender,
    TlsMode,
)

# Long enough for any machine; whatever is waited for comes at once.
SOON = timedelta(seconds=60)
# For which a sender waits for a word of its server.
SILENCE = timedelta(seconds=5)
AT_ONCE = (timedelta(0), timedelta(0), timedelta(0))


def message(name: str = "grace") -> Message:
    return Message(recipient=f"{name}@example.com", subject="Your code", text="493817")


@dataclass
class GatedSender:
    """Holds every message until the gate opens."""

    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)
    sent: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> None:
        self.entered.set()
        self.gate.wait(60)
        self.sent.append(message)


@dataclass
class FailingSender:
    """Fails for one recipient with the given errors in turn, then accepts; nothing passes a closed gate."""

    errors: list[Exception]
    recipient: str = "grace@example.com"
    attempts: int = 0
    sent: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def send(self, message: Message) -> None:
        self.gate.wait(60)
        if message.recipient == self.recipient:
            self.attempts += 1
            if self.errors:
                raise self.errors.pop(0)
        self.sent.append(message.recipient)


def assert_log_is_discreet(text: str) -> None:
    for secret in ("grace", "example.com", "493817", "Your code"):
        assert secret not in text


def test_messages_leave_in_order_in_the_background():
    sender = MemorySender()
    outbox = Outbox(sender)
    posted = [message(str(number)) for number in range(50)]
    for each in posted:
        outbox.post(each)
    assert outbox.drain(SOON)
    assert sender.messages == posted


def test_no_thread_runs_before_the_first_message():
    # By name and not by number: a thread of an earlier test may end meanwhile.
    before = set(threading.enumerate())
    outbox = Outbox(MemorySender())
    assert outbox.drain(timedelta(0))
    assert set(threading.enumerate()) <= before
    for _ in range(3):
        outbox.post(message())
    assert outbox.drain(SOON)
    assert len(set(threading.enumerate()) - before) == 1


def test_post_does_not_wait_for_a_hanging_smtp_server():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        sender = SmtpSender(
            host="127.0.0.1",
            port=port,
            tls=TlsMode.NONE,
            sender_address="a@example.com",
            timeout=SILENCE,
        )
        outbox = Outbox(sender, retry_delays=())
        started = time.monotonic()
        for _ in range(100):
            outbox.post(message())
        assert time.monotonic() - started < SILENCE.total_seconds()
        assert not outbox.drain(timedelta(seconds=0.05))
    assert outbox.drain(SOON)


def test_full_outbox_drops_with_a_discreet_log_line(caplog):
    sender = GatedSender()
    outbox = Outbox(sender, capacity=2)
    outbox.post(message())
    assert sender.entered.wait(5)
    for _ in range(5):
        outbox.post(message())
    sender.gate.set()
    assert outbox.drain(SOON)
    assert len(sender.sent) == 3
    dropped = [record.getMessage() for record in caplog.records]
    assert len(dropped) == 3
    assert len(set(dropped)) == 1
    assert dropped[0].startswith("mail to recipient ")
    assert dropped[0].endswith(" dropped: outbox full")
    assert_log_is_discreet(caplog.text.replace(__file__, ""))


def test_failed_message_is_tried_three_times_more():
    sender = FailingSender([DeliveryFailed("busy")] * 3)
    outbox = Outbox(sender, retry_delays=AT_ONCE)
    outbox.post(message())
    assert outbox.drain(SOON)
    assert (sender.attempts, sender.sent) == (4, ["grace@example.com"])


def test_message_is_given_up_after_the_last_retry_with_a_discreet_log_line(caplog):
    sender = FailingSender([DeliveryFailed("busy")] * 9)
    outbox = Outbox(sender, retry_delays=AT_ONCE)
    outbox.post(message())
    assert outbox.drain(SOON)
    assert (sender.attempts, sender.sent) == (4, [])
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().endswith(" not delivered: busy")
    assert record.exc_info is None
    assert_log_is_discreet(record.getMessage())


def test_permanent_failure_is_not_tried_again(caplog):
    sender = FailingSender([DeliveryFailed("no such box", permanent=True)] * 9)
    outbox = Outbox(sender, retry_delays=AT_ONCE)
    outbox.post(message())
    assert outbox.drain(SOON)
    assert sender.attempts == 1
    assert len(caplog.records) == 1


def test_waiting_retry_does_not_hold_up_the_others():
    sender = FailingSender([DeliveryFailed("busy")])
    sender.gate.clear()
    outbox = Outbox(sender, retry_delays=(timedelta(seconds=0.3),))
    outbox.post(message("grace"))
    outbox.post(message("bob"))
    sender.gate.set()
    assert outbox.drain(SOON)
    assert sender.sent == ["bob@example.com", "grace@example.com"]


def test_fault_in_a_sender_stops_neither_the_thread_nor_leaks_its_text(caplog):
    sender = FailingSender([RuntimeError("cannot send 493817 to grace@example.com")])
    outbox = Outbox(sender, retry_delays=AT_ONCE)
    outbox.post(message("grace"))
    outbox.post(message("bob"))
    assert outbox.drain(SOON)
    assert sender.sent == ["bob@example.com"]
    [record] = caplog.records
    assert record.getMessage().endswith(" not delivered: RuntimeError")
    assert_log_is_discreet(record.getMessage())


def test_drain_reports_what_it_could_not_wait_for():
    sender = GatedSender()
    outbox = Outbox(sender)
    outbox.post(message())
    assert not outbox.drain(timedelta(seconds=0.05))
    sender.gate.set()
    assert outbox.drain(SOON)


def test_many_threads_post_at_once():
    sender = MemorySender()
    outbox = Outbox(sender)
    threads = [threading.Thread(target=lambda: [outbox.post(message()) for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outbox.drain(SOON)
    assert len(sender.messages) == 400


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forked_child_sends_its_own_messages_and_none_of_its_parent(tmp_path):
    sender = FileSender(tmp_path / "outbox.jsonl")
    gated = GatedSender()

    class Relay:
        def send(self, message: Message) -> None:
            if message.recipient.startswith("parent"):
                gated.send(message)
            sender.send(message)

    outbox = Outbox(Relay())
    outbox.post(message("parent-1"))
    outbox.post(message("parent-2"))
    assert gated.entered.wait(5)
    child = os.fork()
    if child == 0:
        outbox.post(message("child"))
        os._exit(0 if outbox.drain(SOON) else 1)
    assert os.waitpid(child, 0)[1] == 0
    gated.gate.set()
    assert outbox.drain(SOON)
    lines = sender.path.read_text().splitlines()
    assert [line.split("@")[0].rpartition('"')[2] for line in lines] == ["child", "parent-1", "parent-2"]


def test_direct_outbox_has_sent_when_post_returns():
    sender = MemorySender()
    outbox: Postbox = DirectOutbox(sender)
    outbox.post(message())
    assert sender.messages == [message()]
    assert outbox.drain(timedelta(0))


@pytest.mark.parametrize("error", [DeliveryFailed("busy"), RuntimeError("grace@example.com")])
def test_direct_outbox_logs_a_failure_and_does_not_raise(caplog, error):
    sender = FailingSender([error], recipient="\ud800")
    DirectOutbox(sender).post(Message(recipient="\ud800", subject="", text="493817", channel=Channel.SMS))
    [record] = caplog.records
    assert record.getMessage().startswith("sms to recipient ")
    assert_log_is_discreet(record.getMessage())
