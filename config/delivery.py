"""Where messages leave and who sends them; `app.delivery` builds its senders from what is accepted here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from config.addresses import has_host, is_loopback_host, located
from config.kinds import Kind
from config.problems import Unacceptable

if TYPE_CHECKING:
    from urllib.parse import SplitResult

# Dot-atoms on both sides (RFC 5322 section 3.4.1, with RFC 6532's letters beyond ASCII). What the standard
# library's parser takes for an address is wider, down to lists of them. An encoded word ("=?") is
# refused: some versions of the library decode it while writing the header, line breaks included.
_ATOM = r"""[^\s\x00-\x20\x7f-\x9f@.,:;<>()\[\]\\"]+"""
ADDRESS = re.compile(rf"(?!.*=\?){_ATOM}(?:\.{_ATOM})*@{_ATOM}(?:\.{_ATOM})*")
_NAMED = re.compile(r"(?P<name>[^<>]*[^<> ]) *<(?P<address>[^<> ]+)>")


def name_and_address(sender: str) -> tuple[str, str]:
    """Split a sender into the name that people see, perhaps none, and one plain ASCII address.

    Raises:
        Unacceptable: it is neither `address` nor `Name <address>`.
    """
    found = _NAMED.fullmatch(sender)
    name, address = (found["name"], found["address"]) if found else ("", sender)
    # A line break would let the value add headers of its own to every message.
    if not (name.isprintable() and address.isascii() and ADDRESS.fullmatch(address)):
        raise Unacceptable("is not one plain mail address")
    return name, address


def _sender(text: str) -> str:
    name_and_address(text)
    return text


MAIL_SENDER = Kind("`address@example.org` or `Name <address@example.org>`", _sender)


def _is_bare(parts: SplitResult) -> None:
    if parts.netloc or parts.path or parts.query:
        raise Unacceptable("goes on after the colon")


def _is_file(parts: SplitResult) -> None:
    if parts.netloc:
        raise Unacceptable("names a host before the path: write `file:path`, or `file:///path`")
    if not parts.path or parts.path.endswith("/"):
        raise Unacceptable("names no file")


def _is_mail_server(parts: SplitResult) -> None:
    has_host(parts)
    if parts.path.strip("/") or parts.query:
        raise Unacceptable("goes on after host and port, as a user or password does that is not encoded")
    if bool(parts.username) != bool(parts.password):
        raise Unacceptable("holds a user without a password, or a password without a user")


def _is_gateway(parts: SplitResult) -> None:
    has_host(parts)
    if parts.scheme == "http" and not is_loopback_host(parts.hostname or ""):
        raise Unacceptable("would send codes in clear: only a gateway on this machine goes without https")
    token = unquote(parts.netloc.rpartition("@")[0])
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise Unacceptable("holds a token that is not printable ASCII without spaces")


MAIL_URL = located(
    "`console:`, `memory:`, `file:path`, `smtp://user:password@host:587`, `smtps://…` (user and password "
    "percent-encoded)",
    console=_is_bare,
    memory=_is_bare,
    file=_is_file,
    smtp=_is_mail_server,
    smtps=_is_mail_server,
)
SMS_URL = located(
    "`console:`, `memory:`, `file:path`, `https://token@gateway.example.org/send`, `http://localhost…`",
    console=_is_bare,
    memory=_is_bare,
    file=_is_file,
    http=_is_gateway,
    https=_is_gateway,
)
