"""Who is calling: the address that is counted and shown, the user agent, the name of the device."""

import re

from flask import Request

from app.engine.client import Client, Transport
from app.primitives.addresses import canonical_address, counted_network

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_USER_AGENT_LENGTH = 255
_DEVICE_NAME_LENGTH = 128


def read_client(request: Request, transport: Transport) -> Client:
    """Describe the caller. The address is the socket's, or what exactly the configured proxies say.

    Line breaks and terminal codes are taken out: both texts end up in logs and on screens.
    """
    return Client(
        ip_address=canonical_address(request.remote_addr or ""),
        user_agent=_clean(request.headers.get("User-Agent"), _USER_AGENT_LENGTH),
        device_name=_clean(request.headers.get("X-Device-Name"), _DEVICE_NAME_LENGTH),
        transport=transport,
    )


def counted_address(request: Request) -> str:
    """Return what limits count by; see `counted_network`."""
    return counted_network(request.remote_addr)


def _clean(text: str | None, length: int) -> str | None:
    if text is None:
        return None
    return _UNPRINTABLE.sub(" ", text).strip()[:length] or None
