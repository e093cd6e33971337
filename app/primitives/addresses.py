"""Network addresses: one spelling for each, and what of them is counted."""

import ipaddress
from functools import lru_cache

_NETWORK_BITS = 64
_UNKNOWN = "unknown"


@lru_cache(maxsize=4096)
def canonical_address(address: str) -> str | None:
    """Return an address in its one canonical spelling, or None for what is none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        # Without the zone, which whoever writes the address may choose.
        parsed = ipaddress.IPv6Address(parsed.packed)
    return str(parsed)


@lru_cache(maxsize=4096)
def counted_network(address: str | None) -> str:
    """Return what every limit counts by: an IPv4 address, or the /64 that one IPv6 customer owns."""
    canonical = canonical_address(address or "")
    if canonical is None or ":" not in canonical:
        return canonical or _UNKNOWN
    return str(ipaddress.ip_network((canonical, _NETWORK_BITS), strict=False))
