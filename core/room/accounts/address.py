"""Where a call comes from, for limits per address."""

from __future__ import annotations

import ipaddress
import re

# Stands in for calls that came by no proxy, and so for all of them together.
UNKNOWN = "unknown"
# Some load balancers add the port.
_WITH_PORT = re.compile(r"\[([^]]*)\](?::[0-9]+)?|([0-9.]+):[0-9]+")


def caller_address(forwarded_for: str, trusted_proxies: int) -> str:
    """Return the caller's IP address by X-Forwarded-For; of an IPv6 address its /64.

    The last entry is whom Envoy spoke to. `trusted_proxies` entries from the right are proxies of
    ours; what stands before the caller's entry is the caller's own invention.
    """
    hops = [hop.strip() for hop in forwarded_for.split(",")]
    hop = hops[max(0, len(hops) - 1 - trusted_proxies)]
    if match := _WITH_PORT.fullmatch(hop):
        hop = match[1] or match[2]
    try:
        address = ipaddress.ip_address(hop)
    except ValueError:
        return UNKNOWN
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            # A household or a host has a /64 at least: single addresses of it cost nothing.
            return str(ipaddress.IPv6Network((int(address), 64), strict=False))
        address = address.ipv4_mapped
    return str(address)
