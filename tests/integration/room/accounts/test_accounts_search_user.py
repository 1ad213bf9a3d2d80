"""UserService on a core process."""

import unicodedata
from datetime import UTC, datetime

import grpc
import pytest
from onegenie.user.v1 import user_pb2 as pb
from onegenie.user.v1 import user_pb2_grpc as pb_grpc

from core.platform.database import Database
from tests.support import Person, fields_of, make_person, reason_of, running_core


async def search(person: Person, name: str) -> pb.SearchUserResponse:
    return await pb_grpc.UserServiceStub(person.channel).SearchUser(
        pb.SearchUserRequest(name=name), metadata=person.metadata, timeout=20
    )


async def test_search_by_name(database: Database, database_url: str) -> None:
    async with running_core(database_url) as channel:
        newer = await make_person(
            database, channel, "테스트유저", created_at=datetime(2026, 2, 1, tzinfo=UTC)
        )
        oldest = await make_person(
            database, channel, "테스트유저", created_at=datetime(2026, 1, 1, tzinfo=UTC)
        )
        me = await make_person(database, channel, "Kim")

        found = pb.SearchUserResponse(user_id=str(oldest.id), user_name="테스트유저")
        assert await search(me, "테스트유저") == found
        assert await search(newer, "테스트유저") == found
        assert (await search(me, "Kim")).user_id == str(me.id)
        # As some keyboards and file systems write it, and with a space too many.
        assert await search(me, unicodedata.normalize("NFD", " 테스트유저 ")) == found

        for same in ("\u200bKi\u200bm\ufeff", "\u202eKim\u202c", "K\u00adim\u2060", "\u3000Kim\t"):
            assert (await search(newer, same)).user_id == str(me.id)

        # The whole name, as it is written; nothing in it is a pattern.
        for name in ("테스트", "없는유저", "kim", "%", "테스트_저", "' OR name <> '"):
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await search(me, name)
            assert reason_of(error.value) == "USER_NOT_FOUND"

        for name in ("", "  ", "가" * 51, "테스트\0", "\u200b", "\u202e \u3164"):
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await search(me, name)
            assert reason_of(error.value) == "INVALID_REQUEST"
            assert fields_of(error.value) == ["name"]
