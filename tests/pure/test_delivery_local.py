"""Senders that stay on this machine, and which sender a URL means."""

import json
import multiprocessing
import stat
from pathlib import Path

import pytest

from app.delivery import (
    Channel,
    ConsoleSender,
    DeliveryFailed,
    FileSender,
    HttpGatewaySender,
    MemorySender,
    Message,
    SmtpSender,
    TlsMode,
    mail_sender,
    sms_sender,
)
from app.delivery.smtp import compose
from config.problems import Unacceptable

MESSAGE = Message(recipient="ada@example.com", subject="Your code", text="It is 493817.\nBye")


def test_repr_of_a_message_shows_no_content():
    message = Message(
        recipient="+15550100", subject="Your code", text="493817", html="x", channel=Channel.SMS
    )
    assert repr(message) == "Message(channel=<Channel.SMS: 'sms'>)"


def test_memory_keeps_messages_in_order():
    sender = MemorySender()
    second = Message(recipient="bob@example.com", subject="s", text="t")
    sender.send(MESSAGE)
    sender.send(second)
    assert sender.messages == [MESSAGE, second]


def test_console_shows_a_readable_block_on_stderr(capsys):
    ConsoleSender().send(MESSAGE)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert (
        "  | mail to ada@example.com\n  | subject: Your code\n  | \n  | It is 493817.\n  | Bye\n" in shown.err
    )


def test_console_escapes_terminal_codes_and_forged_blocks(capsys):
    forged = Message(recipient="a@example.com\nmail to b", subject="\x1b[2J", text="\x1b]0;x\x07\nmail to c")
    ConsoleSender().send(forged)
    shown = capsys.readouterr().err
    assert "\x1b" not in shown
    assert "\\x1b[2J" in shown
    assert all(line.startswith("  | ") for line in shown.splitlines() if line)


def test_file_gets_one_json_line_per_message(tmp_path):
    sender = FileSender(tmp_path / "made" / "outbox.jsonl")
    sender.send(MESSAGE)
    sender.send(Message(recipient="+15550100", subject="", text="é\ud800\n", channel=Channel.SMS))
    first, second = map(json.loads, sender.path.read_text().splitlines())
    assert first == {
        "recipient": "ada@example.com",
        "subject": "Your code",
        "text": "It is 493817.\nBye",
        "html": None,
        "channel": "mail",
    }
    assert second["channel"] == "sms"


def test_file_is_readable_by_its_owner_only(tmp_path):
    sender = FileSender(tmp_path / "outbox.jsonl")
    sender.send(MESSAGE)
    assert stat.S_IMODE(sender.path.stat().st_mode) == 0o600


def append_many(path: Path, name: str) -> None:
    sender = FileSender(path)
    for number in range(100):
        sender.send(Message(recipient=name, subject=str(number), text=name * 5000))


def test_lines_of_several_processes_stay_whole(tmp_path):
    path = tmp_path / "outbox.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=append_many, args=(path, name)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    written = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(written) == 300
    assert all(line["text"] == line["recipient"] * 5000 for line in written)


def test_unwritable_file_is_a_failed_delivery_that_does_not_name_the_path(tmp_path):
    with pytest.raises(DeliveryFailed) as failed:
        FileSender(tmp_path).send(MESSAGE)
    assert str(failed.value) == "IsADirectoryError"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:instance/mail.jsonl", "instance/mail.jsonl"),
        ("file:/var/m", "/var/m"),
        ("file:///var/m", "/var/m"),
    ],
)
def test_file_url_names_a_path(url, path):
    assert mail_sender(url, "no-reply@example.com") == FileSender(Path(path))
    assert sms_sender(url) == FileSender(Path(path))


def test_console_and_memory_serve_both_channels():
    assert isinstance(mail_sender("console:", "no-reply@example.com"), ConsoleSender)
    assert isinstance(sms_sender("console:"), ConsoleSender)
    assert isinstance(mail_sender("memory:", "no-reply@example.com"), MemorySender)
    assert isinstance(sms_sender("memory:"), MemorySender)


@pytest.mark.parametrize(
    ("url", "host", "port", "tls"),
    [
        ("smtp://mail.example.com", "mail.example.com", 587, TlsMode.STARTTLS),
        ("smtp://mail.example.com:2525/", "mail.example.com", 2525, TlsMode.STARTTLS),
        ("smtp://10.0.0.5:25", "10.0.0.5", 25, TlsMode.STARTTLS),
        ("smtp://localhost.example.com", "localhost.example.com", 587, TlsMode.STARTTLS),
        ("smtps://mail.example.com", "mail.example.com", 465, TlsMode.IMPLICIT),
        ("smtps://127.0.0.1", "127.0.0.1", 465, TlsMode.IMPLICIT),
        ("smtp://localhost", "localhost", 25, TlsMode.NONE),
        ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, TlsMode.NONE),
        ("smtp://[::1]:1025", "::1", 1025, TlsMode.NONE),
    ],
)
def test_smtp_goes_without_tls_to_loopback_only(url, host, port, tls):
    expected = SmtpSender(host=host, port=port, tls=tls, sender_address="no-reply@example.com")
    assert mail_sender(url, "no-reply@example.com") == expected


def test_smtp_user_and_password_are_percent_decoded():
    sender = mail_sender("smtp://ada%40example.com:p%2Fw%3A@mail.example.com", "no-reply@example.com")
    assert isinstance(sender, SmtpSender)
    assert (sender.user, sender.password) == ("ada@example.com", "p/w:")
    assert "p/w:" not in repr(sender)


def test_sms_gateway_takes_its_bearer_from_the_userinfo():
    sender = sms_sender("https://t0%2Fken@sms.example.com:8443/send?x=1")
    assert sender == HttpGatewaySender(url="https://sms.example.com:8443/send?x=1", bearer="t0/ken")
    assert "t0" not in repr(sender)


@pytest.mark.parametrize(
    ("build", "url"),
    [
        (lambda url: mail_sender(url, "no-reply@example.com"), "smtp://u:s3c/ret@mail.example.com"),
        (lambda url: mail_sender(url, "no-reply@example.com"), "smtp://s3cret@mail.example.com"),
        (sms_sender, "http://s3cret@sms.example.com/"),
    ],
)
def test_what_the_settings_refuse_is_refused_without_repeating_it(build, url):
    with pytest.raises(Unacceptable) as refused:
        build(url)
    assert "s3c" not in str(refused.value)


def test_sender_address_is_checked_at_once():
    with pytest.raises(Unacceptable, match="one plain mail address"):
        mail_sender("smtp://localhost", "a@b.c, d@e.f")


def test_sender_may_have_a_name():
    sender = mail_sender("smtp://localhost", "Keyturn <no-reply@example.com>")

    assert isinstance(sender, SmtpSender)
    assert (sender.sender_name, sender.sender_address) == ("Keyturn", "no-reply@example.com")
    mail = compose(MESSAGE, sender.sender_address, sender.sender_name)
    assert mail["From"] == "Keyturn <no-reply@example.com>"
