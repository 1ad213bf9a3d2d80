"""Do a call's work once, however often the call comes with the same idempotency key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message

from core.platform.database import Connection, Database
from core.platform.idempotency import check_key, used_for_another_request
from core.shop.tenants.sql import Caller
from core.shop.trigger import sql

Reply = TypeVar("Reply", bound=Message)


@dataclass(frozen=True, slots=True)
class OnceKey:
    """An idempotency key, and the digest of the request that it came with.

    Raises INVALID_REQUEST for a key that is not 1 to 255 visible ASCII characters.
    """

    key: str
    request: bytes

    def __post_init__(self) -> None:
        check_key(self.key)


async def once(
    database: Database,
    caller: Caller,
    key: OnceKey | None,
    *,
    reply: Reply,
    work: Callable[[Connection], Awaitable[None]],
) -> Reply:
    """Do `work` in one transaction and return `reply`.

    When the key was used before, do nothing and return the first reply: it is stored as the
    message that it is. Raises INVALID_REQUEST when the key was used for another request.
    """
    async with database.begin() as conn:
        if key is not None:
            call = sql.Call(key.request, reply.SerializeToString())
            first = await sql.remember_call(conn, caller.key_id, key.key, call)
            if first is not None:
                if first.request != key.request:
                    raise used_for_another_request()
                return type(reply).FromString(first.response)
        await work(conn)
    return reply
