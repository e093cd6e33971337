"""Who is calling: the address that is counted and shown, the user agent, the name of the device."""

import ipaddress
import re
from functools import lru_cache

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
        ip_address=_canonical(request.remote_addr or ""),
        user_agent=_clean(request.headers.get("User-Agent"), _USER_AGENT_LENGTH),
        device_name=_clean(request.headers.get("X-Device-Name"), _DEVICE_NAME_LENGTH),
        transport=transport,
    )


def counted_address(request: Request) -> str:
    """Return what limits count by: an IPv4 address, or the /64 that one IPv6 customer owns."""
    address = _canonical(request.remote_addr or "")
    if address is None:
        return "unknown"
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address, _NETWORK_BITS), strict=False))


@lru_cache(maxsize=4096)
def _canonical(address: str) -> str | None:
    """Return an address in its one canonical spelling, or None for what is none."""
    try:
        parsed = ipaddress.ip_address(address)
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
