"""Mail through a real SMTP server on loopback: content, TLS, refusals, header injection."""

import contextlib
import email
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.policy import SMTP
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.delivery import DeliveryFailed, Message, SmtpSender, TlsMode
from tests.reliability.server import free_port

MESSAGE = Message(
    recipient="ada@example.com", subject="Grüße", text="It is 493817.\n.\n", html="<b>493817</b>"
)


class Mailbox:
    """Server side: keeps what arrives, or refuses each recipient with `refusal`."""

    def __init__(self, refusal: str | None = None) -> None:
        self.envelopes: list[Envelope] = []
        self.refusal = refusal

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 (aiosmtpd's name)
        if self.refusal:
            return f"{self.refusal} <{address}> is not welcome"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 (aiosmtpd's name)
        self.envelopes.append(envelope)
        return "250 OK"


@contextlib.contextmanager
def smtp_server(mailbox: Mailbox, **options) -> Iterator[SmtpSender]:
    """Run a server; yields a sender that talks to it in clear."""
    server = Controller(mailbox, hostname="127.0.0.1", port=free_port(), ready_timeout=60, **options)
    server.start()
    try:
        yield SmtpSender(
            host="localhost",
            port=server.port,
            tls=TlsMode.NONE,
            sender_address="no-reply@example.com",
            timeout=timedelta(seconds=30),
        )
    finally:
        server.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """Make one file with key and self-signed certificate for `localhost`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    clear = serialization.NoEncryption()
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, clear) + signed.public_bytes(pem)
    )
    return path


@pytest.fixture
def server_tls(certificate) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate, monkeypatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


def test_mail_arrives_with_text_html_and_headers():
    mailbox = Mailbox()
    with smtp_server(mailbox) as sender:
        sender.send(MESSAGE)
    [envelope] = mailbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@example.com", ["ada@example.com"])
    mail = email.message_from_bytes(envelope.content, policy=SMTP)
    assert (mail["From"], mail["To"]) == ("no-reply@example.com", "ada@example.com")
    assert (mail["Subject"], mail["Auto-Submitted"]) == ("Grüße", "auto-generated")
    assert mail["Message-ID"].endswith("@example.com>")
    assert mail["Date"].datetime.tzinfo is not None
    assert mail.get_body(("plain",)).get_content().splitlines() == ["It is 493817.", "."]
    assert mail.get_body(("html",)).get_content().strip() == "<b>493817</b>"


def test_address_beyond_ascii_arrives_where_the_server_supports_it():
    mailbox = Mailbox()
    with smtp_server(mailbox, enable_SMTPUTF8=True) as sender:
        sender.send(replace(MESSAGE, recipient="zoë@bücher.example"))
    assert mailbox.envelopes[0].rcpt_tos == ["zoë@bücher.example"]
    assert "To: zoë@bücher.example\r\n".encode() in mailbox.envelopes[0].content


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example.com, eve@example.com",
        "ada@example.com,eve",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\n",
        "ada@example.com\x00",
        "Ada <ada@example.com>",
        "eve@example.com(ada@example.com)",
        '"a\r\nBcc: eve@example.com"@example.com',
        "=?utf-8?q?a=0D=0ABcc:eve?=@example.com",
        "a@=?utf-8?q?b=0D=0ABcc:eve?=",
        "a@b@example.com",
        "<ada@example.com> SIZE=1\r\nRCPT TO:<eve@example.com>",
        "\ud800@example.com",
    ],
)
def test_recipient_that_is_not_one_address_is_refused(recipient):
    mailbox = Mailbox()
    with smtp_server(mailbox) as sender, pytest.raises(DeliveryFailed):
        sender.send(replace(MESSAGE, recipient=recipient))
    assert mailbox.envelopes == []


@pytest.mark.parametrize(
    "subject",
    [
        "hi\r\nBcc: eve@example.com",
        "hi\nX: 1",
        "hi\rX: 1",
        "=?utf-8?q?hi=0D=0ABcc:_eve@example.com?=",
        "=?utf-8?b?aGkKQmNjOiBldmU=?=",
        "hi\x00",
    ],
)
def test_subject_cannot_add_a_header(subject):
    mailbox = Mailbox()
    with smtp_server(mailbox) as sender, pytest.raises(DeliveryFailed) as failed:
        sender.send(replace(MESSAGE, subject=subject))
    assert failed.value.permanent
    assert mailbox.envelopes == []


@pytest.mark.parametrize(
    "text", ["\r\n.\r\nMAIL FROM:<eve@example.com>\r\n", "Bcc: eve@example.com\n\nx", ".\n.\n"]
)
def test_text_stays_text(text):
    mailbox = Mailbox()
    with smtp_server(mailbox) as sender:
        sender.send(replace(MESSAGE, text=text, html=None))
    [envelope] = mailbox.envelopes
    mail = email.message_from_bytes(envelope.content, policy=SMTP)
    assert "Bcc" not in mail
    assert mail.get_content().splitlines() == text.splitlines()


@pytest.mark.usefixtures("trusted")
def test_starttls_and_login_with_a_certificate_that_verifies(server_tls):
    seen = []

    def authenticate(_server, session, _envelope, _mechanism, data):
        seen.append((session.ssl is not None, data.login, data.password))
        return AuthResult(success=True)

    mailbox = Mailbox()
    with smtp_server(
        mailbox, tls_context=server_tls, authenticator=authenticate, auth_required=True
    ) as sender:
        replace(sender, tls=TlsMode.STARTTLS, user="ada", password="s3cret").send(MESSAGE)
    assert seen == [(True, b"ada", b"s3cret")]
    assert len(mailbox.envelopes) == 1


@pytest.mark.usefixtures("trusted")
def test_starttls_is_never_skipped_when_the_server_does_not_offer_it():
    mailbox = Mailbox()
    with smtp_server(mailbox) as sender, pytest.raises(DeliveryFailed, match="SMTPNotSupportedError"):
        replace(sender, tls=TlsMode.STARTTLS).send(MESSAGE)
    assert mailbox.envelopes == []


@pytest.mark.usefixtures("trusted")
def test_implicit_tls_with_a_certificate_that_verifies(server_tls):
    mailbox = Mailbox()
    with smtp_server(mailbox, ssl_context=server_tls) as sender:
        replace(sender, tls=TlsMode.IMPLICIT).send(MESSAGE)
    assert len(mailbox.envelopes) == 1


@pytest.mark.parametrize("tls", [TlsMode.STARTTLS, TlsMode.IMPLICIT])
def test_certificate_of_an_unknown_authority_is_refused(server_tls, tls):
    mailbox = Mailbox()
    options = {"tls_context": server_tls} if tls is TlsMode.STARTTLS else {"ssl_context": server_tls}
    with (
        smtp_server(mailbox, **options) as sender,
        pytest.raises(DeliveryFailed, match="SSLCertVerification"),
    ):
        replace(sender, tls=tls).send(MESSAGE)
    assert mailbox.envelopes == []


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("tls", [TlsMode.STARTTLS, TlsMode.IMPLICIT])
def test_certificate_for_another_name_is_refused(server_tls, tls):
    mailbox = Mailbox()
    options = {"tls_context": server_tls} if tls is TlsMode.STARTTLS else {"ssl_context": server_tls}
    with (
        smtp_server(mailbox, **options) as sender,
        pytest.raises(DeliveryFailed, match="SSLCertVerification"),
    ):
        replace(sender, tls=tls, host="127.0.0.1").send(MESSAGE)
    assert mailbox.envelopes == []


@pytest.mark.parametrize(("refusal", "permanent"), [("450", False), ("550", True)])
def test_refused_recipient_fails_without_naming_the_address(refusal, permanent):
    with smtp_server(Mailbox(refusal)) as sender, pytest.raises(DeliveryFailed) as failed:
        sender.send(MESSAGE)
    assert str(failed.value) == f"SMTPRecipientsRefused {refusal}"
    assert failed.value.permanent is permanent
    assert failed.value.__suppress_context__


def test_absent_server_is_a_failed_delivery():
    sender = SmtpSender(
        host="127.0.0.1", port=free_port(), tls=TlsMode.NONE, sender_address="no-reply@example.com"
    )
    with pytest.raises(DeliveryFailed, match="ConnectionRefusedError"):
        sender.send(MESSAGE)


def test_hanging_server_fails_after_the_timeout():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sender = SmtpSender(
            host="127.0.0.1",
            port=silent.getsockname()[1],
            tls=TlsMode.NONE,
            sender_address="no-reply@example.com",
            timeout=timedelta(seconds=0.2),
        )
        with pytest.raises(DeliveryFailed):
            sender.send(MESSAGE)


def test_failing_goodbye_after_acceptance_is_no_failure():
    answers = ["250 me", "250 ok", "250 ok", "354 go on", "250 accepted"]

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb", buffering=0) as line:
            line.write(b"220 me\r\n")
            for answer in answers:
                if answer == "250 accepted":
                    while line.readline() != b".\r\n":
                        pass
                else:
                    line.readline()
                line.write(f"{answer}\r\n".encode())
            line.readline()
            line.write(b"451 cannot say goodbye\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        port = listener.getsockname()[1]
        SmtpSender(host="127.0.0.1", port=port, tls=TlsMode.NONE, sender_address="a@example.com").send(
            MESSAGE
        )
        server.join(5)
