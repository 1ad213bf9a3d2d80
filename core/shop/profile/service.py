"""ProfileService: shoppers as their tenant describes them."""

from __future__ import annotations

from typing import Any

import grpc
from onegenie.error.v1.reasons import SdkReason
from onegenie.profile.v1 import profile_pb2 as pb
from onegenie.profile.v1 import profile_pb2_grpc as pb_grpc

from core.platform.plain import fill, plain
from core.platform.runtime import Runtime
from core.shop.profile import sql
from core.shop.tenants.identity import caller
from edge.reply.errors import ApiError

_SCALARS = ("name", "gender", "age", "locale", "persona")


class ProfileService(pb_grpc.ProfileServiceServicer):
    """Serves onegenie.profile.v1.ProfileService."""

    def __init__(self, runtime: Runtime) -> None:
        self._database = runtime.database

    async def GetProfile(
        self, request: pb.GetProfileRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetProfileResponse:
        row = await sql.read_profile(self._database, caller().tenant_id, request.profile_id)
        if row is None:
            raise ApiError(SdkReason.NOT_FOUND, "There is no such profile.")
        return pb.GetProfileResponse(profile=_message(row))

    async def PutProfile(
        self, request: pb.PutProfileRequest, context: grpc.aio.ServicerContext
    ) -> pb.PutProfileResponse:
        values: dict[str, Any] = {
            name: getattr(request, name) if request.HasField(name) else None  # type: ignore[arg-type]
            for name in _SCALARS
        }
        values["extra"] = plain(request.extra) if request.HasField("extra") else None
        if request.HasField("update_mask"):
            values = {name: values[name] for name in request.update_mask.paths}
        async with self._database.begin() as conn:
            row = await sql.put_profile(conn, caller().tenant_id, request.profile_id, values)
        return pb.PutProfileResponse(profile=_message(row))


def _message(row: sql.Profile) -> pb.Profile:
    message = pb.Profile(profile_id=str(row.id), **{name: getattr(row, name) for name in _SCALARS})
    if row.extra is not None:
        fill(message.extra, row.extra)
    message.created_at.FromDatetime(row.created_at)
    message.updated_at.FromDatetime(row.updated_at)
    return message
