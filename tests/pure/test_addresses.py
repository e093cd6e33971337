"""Addresses have one spelling, and limits count what one customer owns."""

import pytest

from app.primitives.addresses import canonical_address, counted_network


@pytest.mark.parametrize(
    ("written", "canonical", "counted"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0:1::2", "2001:db8::1:0:0:2", "2001:db8::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::1", "fe80::/64"),
        ("not an address", None, "unknown"),
        ("", None, "unknown"),
    ],
)
def test_address_is_spelt_and_counted_in_one_way(written: str, canonical: str | None, counted: str):
    assert canonical_address(written) == canonical
    assert counted_network(written) == counted


def test_no_address_is_counted_as_unknown():
    assert counted_network(None) == "unknown"
