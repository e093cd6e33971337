"""Which sender a configured URL means."""

from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from app.delivery.gateway import HttpGatewaySender
from app.delivery.local import ConsoleSender, FileSender, MemorySender
from app.delivery.message import Sender
from app.delivery.smtp import SmtpSender, TlsMode
from config.addresses import is_loopback_host
from config.delivery import MAIL_URL, SMS_URL, name_and_address

_DEFAULT_PORTS = {TlsMode.STARTTLS: 587, TlsMode.IMPLICIT: 465, TlsMode.NONE: 25}


def mail_sender(url: str, sender: str) -> Sender:
    """Build the sender of mail; `sender` is an address, or a name with the address in angle brackets.

    `smtp://` demands STARTTLS, except towards a loopback host; `smtps://` is TLS from the start.

    Raises:
        ValueError: what `KEYTURN_MAIL_URL` and `KEYTURN_MAIL_FROM` accept neither, without repeating it.
    """
    accepted = MAIL_URL.parse(url).reveal()
    parts = urlsplit(accepted)
    if parts.scheme not in {"smtp", "smtps"}:
        return _local_sender(accepted)
    tls = _tls_mode(parts)
    name, address = name_and_address(sender)
    return SmtpSender(
        host=parts.hostname or "",
        port=parts.port or _DEFAULT_PORTS[tls],
        sender_address=address,
        sender_name=name,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=tls,
    )


def sms_sender(url: str) -> Sender:
    """Build the sender of SMS; the userinfo of a gateway's URL is its bearer token.

    Raises:
        ValueError: what `KEYTURN_SMS_URL` does not accept either, without repeating it.
    """
    accepted = SMS_URL.parse(url).reveal()
    parts = urlsplit(accepted)
    if parts.scheme not in {"http", "https"}:
        return _local_sender(accepted)
    userinfo, _, address = parts.netloc.rpartition("@")
    return HttpGatewaySender(url=parts._replace(netloc=address).geturl(), bearer=unquote(userinfo) or None)


def _local_sender(url: str) -> Sender:
    scheme, _, rest = url.partition(":")
    if scheme == "console":
        return ConsoleSender()
    if scheme == "memory":
        return MemorySender()
    # file:///var/x is /var/x. What would start a query elsewhere is a part of the name here.
    return FileSender(Path(rest.removeprefix("//")))


def _tls_mode(parts: SplitResult) -> TlsMode:
    if parts.scheme == "smtps":
        return TlsMode.IMPLICIT
    return TlsMode.NONE if is_loopback_host(parts.hostname or "") else TlsMode.STARTTLS
