"""Whom a call counts for."""

from __future__ import annotations

import pytest

from core.room.accounts.address import UNKNOWN, caller_address


@pytest.mark.parametrize(
    ("forwarded_for", "trusted_proxies", "address"),
    [
        ("203.0.113.7", 0, "203.0.113.7"),
        ("10.0.0.1, 203.0.113.7", 0, "203.0.113.7"),  # what the caller made up is passed over
        ("198.51.100.1, 203.0.113.7, 10.0.0.1", 1, "203.0.113.7"),
        ("203.0.113.7,10.0.0.2,10.0.0.1", 2, "203.0.113.7"),
        ("203.0.113.7", 2, "203.0.113.7"),  # fewer proxies than there should be
        ("2001:db8:1:2:3:4:5:6", 0, "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", 0, "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", 0, "203.0.113.7"),
        ("203.0.113.7:49152, 10.0.0.1", 1, "203.0.113.7"),  # as some load balancers write it
        ("[2001:db8:1:2::1]:49152, 10.0.0.1", 1, "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1], 10.0.0.1", 1, "2001:db8:1:2::/64"),
        ("", 0, UNKNOWN),
        ("203.0.113.7, unix:socket", 0, UNKNOWN),
    ],
)
def test_the_address_is_the_one_our_own_proxies_saw(
    forwarded_for: str, trusted_proxies: int, address: str
) -> None:
    assert caller_address(forwarded_for, trusted_proxies) == address
