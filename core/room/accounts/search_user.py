"""UserService: finding people."""

from __future__ import annotations

import grpc
from onegenie.error.v1.reasons import AppReason
from onegenie.user.v1 import user_pb2 as pb
from onegenie.user.v1 import user_pb2_grpc as pb_grpc
from sqlalchemy import Text, bindparam, select

from core.platform.database import Database
from core.room.accounts.names import normal_name
from core.room.accounts.tables import users
from edge.reply.errors import ApiError

_OLDEST_OF_NAME = (
    select(users.c.id, users.c.name)
    .where(users.c.name == bindparam("name", type_=Text))
    .order_by(users.c.created_at, users.c.id)
    .limit(1)
)


class UserService(pb_grpc.UserServiceServicer):
    """Serves onegenie.user.v1.UserService."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def SearchUser(
        self, request: pb.SearchUserRequest, context: grpc.aio.ServicerContext
    ) -> pb.SearchUserResponse:
        rows = await self._database.fetch(_OLDEST_OF_NAME, {"name": normal_name(request.name)})
        if not rows:
            raise ApiError(AppReason.USER_NOT_FOUND)
        return pb.SearchUserResponse(user_id=str(rows[0].id), user_name=rows[0].name)
