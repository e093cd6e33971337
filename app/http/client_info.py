"""Who is calling: the address that is counted and shown, the user agent, the name of the device."""

import ipaddress
import re

from flask import Request

from app.engine.client import Client, Transport

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_USER_AGENT_LENGTH = 255
_DEVICE_NAME_LENGTH = 128
_NETWORK_BITS = 64


def read_client(request: Request, transport: Transport) -> Client:
    """Describe the caller. The address is the socket's, or what exactly the configured proxies say.

    Line breaks and terminal codes are taken out: both texts end up in logs and on screens.
    """
    return Client(
        ip_address=_address(request),
        user_agent=_clean(request.headers.get("User-Agent"), _USER_AGENT_LENGTH),
        device_name=_clean(request.headers.get("X-Device-Name"), _DEVICE_NAME_LENGTH),
        transport=transport,
    )


def counted_address(request: Request) -> str:
    """Return what limits count by: an IPv4 address, or the /64 that one IPv6 customer owns."""
    address = _address(request)
    if address is None:
        return "unknown"
    parsed = ipaddress.ip_address(address)
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, _NETWORK_BITS), strict=False))


def _address(request: Request) -> str | None:
    """Return the caller's address in its one canonical spelling."""
    try:
        parsed = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        parsed = ipaddress.IPv6Address(parsed.packed)
    return str(parsed)


def _clean(text: str | None, length: int) -> str | None:
    if text is None:
        return None
    return _UNPRINTABLE.sub(" ", text).strip()[:length] or None
