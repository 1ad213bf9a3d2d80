"""HTTP/2 as frames, for what no client library would send."""

from __future__ import annotations

import struct
from collections.abc import Mapping


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame (RFC 9113, 4.1)."""
    head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream)
    return head + payload


def header_block(fields: Mapping[bytes, bytes]) -> bytes:
    """Headers of up to 126 bytes each, literally and without indexing (RFC 7541, 6.2.2)."""
    return b"".join(
        b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value
        for name, value in fields.items()
    )


# What a client begins with: the preface and empty settings.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)
