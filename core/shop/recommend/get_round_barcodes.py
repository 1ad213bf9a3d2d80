"""GetRoundBarcodes: a round's products as the round holds them; the store is not asked again."""

from __future__ import annotations

from onegenie.recommend.v1 import recommend_pb2 as pb

from core.platform.database import Database
from core.shop.recommend.get_round import existing_round
from core.shop.recommend.sql import RoundIds
from core.shop.tenants.sql import Caller


async def get_round_barcodes(database: Database, caller: Caller, ids: RoundIds) -> pb.Round:
    """Read what a round of the caller's key has so far. Raises NOT_FOUND.

    A message, because that is the form in which results are stored.
    """
    row = await existing_round(database, caller, ids)
    return pb.Round.FromString(row.results)
