"""Which sender a configured URL means. No error repeats the URL: it may hold a password."""

import re
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from app.delivery.gateway import HttpGatewaySender
from app.delivery.local import ConsoleSender, FileSender, MemorySender
from app.delivery.message import Sender
from app.delivery.smtp import SmtpSender, TlsMode

_MAIL_FORMS = "console:, file:<path>, memory:, smtp://[user:password@]host[:port] or smtps://…"
_SMS_FORMS = "console:, file:<path>, memory: or https://[token@]host/path"
_NAMED = re.compile(r"(?P<name>[^<>]*[^<> ]) *<(?P<address>[^<> ]+)>")
_DEFAULT_PORTS = {TlsMode.STARTTLS: 587, TlsMode.IMPLICIT: 465, TlsMode.NONE: 25}


def mail_sender(url: str, sender: str) -> Sender:
    """Build the sender of mail; `sender` is an address, or a name with the address in angle brackets.

    `smtp://` demands STARTTLS, except towards a loopback host; `smtps://` is TLS from the start.

    Raises:
        ValueError: unknown form, or a sender address that is not one plain address.
    """
    local = _local_sender(url)
    if local is not None:
        return local
    parts = _split(url, _MAIL_FORMS)
    if parts.scheme not in {"smtp", "smtps"} or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError(f"expected {_MAIL_FORMS}; user and password percent-encoded")
    if bool(parts.username) != bool(parts.password):
        raise ValueError("give both the SMTP user and the password, or neither")
    host, tls = parts.hostname or "", _tls_mode(parts)
    name, address = _name_and_address(sender)
    return SmtpSender(
        host=host,
        port=parts.port or _DEFAULT_PORTS[tls],
        sender_address=address,
        sender_name=name,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=tls,
    )


def _name_and_address(sender: str) -> tuple[str, str]:
    found = _NAMED.fullmatch(sender)
    return (found["name"], found["address"]) if found else ("", sender)


def sms_sender(url: str) -> Sender:
    """Build the sender of SMS; the userinfo of a gateway's URL is its bearer token.

    Raises:
        ValueError: unknown form, or plain http to a host that is not loopback.
    """
    local = _local_sender(url)
    if local is not None:
        return local
    parts = _split(url, _SMS_FORMS)
    if parts.scheme not in {"http", "https"} or parts.fragment:
        raise ValueError(f"expected {_SMS_FORMS}; the token percent-encoded")
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise ValueError("codes and the token need https, except towards a loopback host")
    userinfo, _, address = parts.netloc.rpartition("@")
    bearer = unquote(userinfo)
    if not (bearer.isascii() and bearer.isprintable()) or " " in bearer:
        raise ValueError("the token of the SMS gateway must be printable ASCII without spaces")
    return HttpGatewaySender(url=parts._replace(netloc=address).geturl(), bearer=bearer or None)


def _local_sender(url: str) -> Sender | None:
    scheme, _, rest = url.partition(":")
    if url == "console:":
        return ConsoleSender()
    if url == "memory:":
        return MemorySender()
    if scheme != "file":
        return None
    # file:///var/x is /var/x; file://var/x would name a host called var.
    path = rest.removeprefix("//")
    if not path or path.endswith("/") or (path != rest and not path.startswith("/")):
        raise ValueError("expected file:<path>, or file:///<path>, of a file")
    return FileSender(Path(path))


def _split(url: str, forms: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        # The parser's own message would repeat a part of the URL.
        is_complete = False
    if not is_complete:
        raise ValueError(f"expected {forms}, with a host and a port from 1 to 65535")
    return parts


def _tls_mode(parts: SplitResult) -> TlsMode:
    if parts.scheme == "smtps":
        return TlsMode.IMPLICIT
    return TlsMode.NONE if _is_loopback(parts.hostname or "") else TlsMode.STARTTLS


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
