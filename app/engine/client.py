"""Who is calling, as far as the transport can tell."""

from dataclasses import dataclass
from enum import StrEnum


class Transport(StrEnum):
    """How tokens travel to one client."""

    HEADER = "header"
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The caller of one request; for the session list, the audit trail and nothing that decides."""

    ip_address: str | None
    user_agent: str | None
    device_name: str | None = None
    transport: Transport = Transport.HEADER
