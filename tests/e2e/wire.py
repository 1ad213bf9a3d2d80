"""HTTP/1.1 without a client: bytes into a socket, and what comes back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from http.client import HTTPResponse
from urllib.parse import urlsplit

import httpx


async def send(url: str, *pieces: bytes, times: int = 1) -> httpx.Response:
    """The answer to a request that is given as its bytes, each piece in a packet of its own.

    Sent so many `times`, one after another over one connection, it is the last one's answer.
    """
    return await asyncio.to_thread(_send, url, pieces, times)


def _send(url: str, pieces: Sequence[bytes], times: int) -> httpx.Response:
    to = urlsplit(url)
    assert to.hostname is not None
    verb = pieces[0].split(b" ", 1)[0].decode()
    with socket.create_connection((to.hostname, to.port or 80), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(times):
            for piece in pieces:
                connection.sendall(piece)
            with HTTPResponse(connection, method=verb) as answer:
                answer.begin()
                content = answer.read()
    return httpx.Response(answer.status, headers=answer.getheaders(), content=content)
