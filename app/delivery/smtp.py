"""Mail over SMTP, with verified TLS and headers that cannot be injected into."""

import smtplib
import ssl
import unicodedata
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from enum import StrEnum

from app.delivery.message import DeliveryFailed, Message
from config.delivery import ADDRESS

# From this reply code on the refusal is final (RFC 5321 section 4.2.1).
_FIRST_PERMANENT_REPLY = 500


class TlsMode(StrEnum):
    """How a connection is protected; both TLS modes verify the server's certificate and name."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSender:
    """Sends each message over a connection of its own.

    `sender_address` is a bare ASCII address; people see it with `sender_name`.
    Certificates are checked against the system's authorities, or those of
    `SSL_CERT_FILE`.
    """

    host: str
    port: int
    sender_address: str
    sender_name: str = ""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: TlsMode = TlsMode.STARTTLS
    timeout: timedelta = timedelta(seconds=10)

    def send(self, message: Message) -> None:
        """Send now; the timeout holds for each step of the conversation.

        Raises:
            DeliveryFailed: malformed message, no verified TLS, server away or refusing.
        """
        mail = compose(message, self.sender_address, self.sender_name)
        # The cause is cut off: replies of mail servers repeat the recipient's address.
        try:
            with closing(self._connect()) as client:
                client.send_message(mail, self.sender_address, [message.recipient])
                # The server has accepted the mail: a failing goodbye must not have it sent twice.
                with suppress(smtplib.SMTPException, OSError):
                    client.quit()
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise _failure(error) from None

    def _connect(self) -> smtplib.SMTP:
        name = parse_address(self.sender_address).domain
        seconds = self.timeout.total_seconds()
        if self.tls is TlsMode.IMPLICIT:
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, name, timeout=seconds, context=ssl.create_default_context()
            )
        else:
            client = smtplib.SMTP(self.host, self.port, name, timeout=seconds)
        try:
            self._secure_and_login(client)
        except BaseException:
            client.close()
            raise
        return client

    def _secure_and_login(self, client: smtplib.SMTP) -> None:
        if self.tls is TlsMode.STARTTLS:
            client.starttls(context=ssl.create_default_context())
        client.ehlo_or_helo_if_needed()
        if self.user is not None and self.password is not None:
            client.login(self.user, self.password)


def compose(message: Message, sender_address: str, sender_name: str = "") -> EmailMessage:
    """Build the mail.

    Raises:
        DeliveryFailed: the recipient is not exactly one address, a header holds control
            characters, or the text cannot be encoded.
    """
    mail = EmailMessage(policy=SMTP)
    try:
        sender = parse_address(sender_address)
        mail["From"] = Address(sender_name, sender.username, sender.domain)
        mail["To"] = parse_address(message.recipient)
        mail["Subject"] = message.subject
        mail["Date"] = formatdate(usegmt=True)
        mail["Message-ID"] = make_msgid(domain=parse_address(sender_address).domain)
        mail["Auto-Submitted"] = "auto-generated"  # Keeps holiday replies away (RFC 3834 section 5).
        mail.set_content(message.text)
        if message.html is not None:
            mail.add_alternative(message.html, subtype="html")
    except (ValueError, MessageError):
        raise DeliveryFailed("malformed message", permanent=True) from None
    # The policy refuses bare line breaks; one hidden in an encoded word shows only after parsing.
    if any(unicodedata.category(char) == "Cc" for header in mail.values() for char in str(header)):
        raise DeliveryFailed("control character in a header", permanent=True)
    return mail


def parse_address(text: str) -> Address:
    """Read exactly one bare address: no display name, comment, quoting or address literal.

    Raises:
        DeliveryFailed: it is none, or more than one.
    """
    if not ADDRESS.fullmatch(text):
        raise DeliveryFailed("malformed address", permanent=True)
    username, _, domain = text.partition("@")
    return Address(username=username, domain=domain)


def _failure(error: Exception) -> DeliveryFailed:
    code = _reply_code(error)
    reason = type(error).__name__ if code is None else f"{type(error).__name__} {code}"
    permanent = code is not None and code >= _FIRST_PERMANENT_REPLY
    return DeliveryFailed(reason, permanent=permanent)


def _reply_code(error: Exception) -> int | None:
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max(code for code, _ in error.recipients.values())
    return None
