"""Make a trigger's events, for the round as it is now."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from typing import Any

from core.shop.trigger.find_round import RoundNow
from core.shop.trigger.items import Item, counted_as
from core.shop.trigger.sql import TriggerEvent


def make_event(
    round_: RoundNow,
    item: Item,
    base: Item,
    *,
    id: str,
    kind: str,
    signage_ids: Sequence[str] = (),
    forgotten: list[Any] | None = None,
) -> TriggerEvent:
    """Make an event of an item.

    base: the round's own item, which says what the event is counted under where `item` doesn't.
    """
    return TriggerEvent(
        id=id,
        kind=kind,
        profile_id=round_.profile_id,
        chat_id=round_.chat_id,
        round_id=round_.round_id,
        item=item,
        # There is none for an item that is not the round's.
        analyst_comment=round_.analyst_comments.get(item.get("rec_id", "")),
        counted_as=counted_as(item, base),
        signage_ids=signage_ids,
        forgotten=forgotten,
    )


def new_id(prefix: str) -> str:
    """Make an id such as evt_…: 26 characters of base 32, from a random UUID."""
    return prefix + base64.b32encode(uuid.uuid4().bytes).decode().rstrip("=").lower()
