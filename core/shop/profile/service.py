"""ProfileService: shoppers as their tenant describes them."""

from __future__ import annotations

from typing import Any

import grpc
from onegenie.profile.v1 import profile_pb2 as pb
from onegenie.profile.v1 import profile_pb2_grpc as pb_grpc

from core.platform.plain import fill, plain
from core.platform.runtime import Runtime
from core.shop.profile.get_profile import get_profile
from core.shop.profile.put_profile import PutProfile, put_profile
from core.shop.profile.sql import Profile
from core.shop.tenants.identity import caller

_SCALARS = ("name", "gender", "age", "locale", "persona")


class ProfileService(pb_grpc.ProfileServiceServicer):
    """Serves onegenie.profile.v1.ProfileService."""

    def __init__(self, runtime: Runtime) -> None:
        self._database = runtime.database

    async def GetProfile(
        self, request: pb.GetProfileRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetProfileResponse:
        profile = await get_profile(self._database, caller(), request.profile_id)
        return pb.GetProfileResponse(profile=_message(profile))

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
        command = PutProfile(request.profile_id, values)
        return pb.PutProfileResponse(
            profile=_message(await put_profile(self._database, caller(), command))
        )


def _message(profile: Profile) -> pb.Profile:
    message = pb.Profile(
        profile_id=str(profile.id), **{name: getattr(profile, name) for name in _SCALARS}
    )
    if profile.extra is not None:
        fill(message.extra, profile.extra)
    message.created_at.FromDatetime(profile.created_at)
    message.updated_at.FromDatetime(profile.updated_at)
    return message
