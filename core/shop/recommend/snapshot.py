"""What polls and streams show of a round: its row and the store's coupon spots, put together.

A serialised message is the concatenation of its parts (protobuf: "Updating By Merging"), so each
step appends its bytes to the row and a poll only joins and parses them once. So use cases return
the row and the spots as they are, and the servicer fills its message from both.
"""

from __future__ import annotations

from dataclasses import dataclass

from onegenie.recommend.v1 import recommend_pb2 as pb

from core.shop.recommend.coupon_spots import Spots
from core.shop.recommend.sql import RoundRow
from core.shop.recommend.state import state_part


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A round as it is now."""

    row: RoundRow
    spots: Spots

    def fill(self, message: pb.Round) -> None:
        """Fill an empty Round."""
        row = self.row
        message.ParseFromString(
            state_part(row.status, row.steps_done) + row.results + self.spots.part(row)
        )
        message.round_no = row.round_no
        message.round_id = str(row.id)
        message.prompt = row.prompt
        message.created_at.FromDatetime(row.created_at)
        message.updated_at.FromDatetime(row.updated_at)
        if row.last_error is not None:
            message.last_error = row.last_error
