"""Who is calling, as far as the transport can tell."""

from dataclasses import dataclass
from enum import StrEnum


class Transport(StrEnum):
    """How tokens travel to one client."""

    HEADER = "header"
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The caller of one request; for the session list, the audit trail and nothing that decides.

    `client_id` names the registered application that acts for the person (RFC 6749 section 2.2), if one does.
    """

    ip_address: str | None
    user_agent: str | None
    device_name: str | None = None
    client_id: str | None = None
    transport: Transport = Transport.HEADER
