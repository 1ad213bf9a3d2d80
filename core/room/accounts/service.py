"""AuthService: messages in, use cases, messages out."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import grpc
from onegenie.auth.v1 import auth_pb2 as pb
from onegenie.auth.v1 import auth_pb2_grpc as pb_grpc

from core.platform.runtime import Runtime
from core.room.accounts.address import caller_address
from core.room.accounts.codes import Codes
from core.room.accounts.identity import user
from core.room.accounts.log_in import log_in
from core.room.accounts.names import normal_name
from core.room.accounts.phone import parse_phone
from core.room.accounts.sessions import Device, Sessions
from core.room.accounts.sms import Sms
from core.room.accounts.verify_sign_up_code import as_stored, create_password, verify_code
from edge.serve.call import current_call


class AuthService(pb_grpc.AuthServiceServicer):
    """Serves onegenie.auth.v1.AuthService."""

    def __init__(
        self,
        runtime: Runtime,
        sms: Sms,
        forget_session: Callable[[uuid.UUID], None],
    ) -> None:
        """`forget_session` is told of sessions that have ended."""
        self._database = runtime.database
        self._pool = runtime.passwords
        self._clock = runtime.clock
        self._settings = runtime.settings
        self._codes = Codes(runtime, sms)
        self._sessions = Sessions(runtime, forget_session)

    async def SendSignUpCode(
        self, request: pb.SendSignUpCodeRequest, context: grpc.aio.ServicerContext
    ) -> pb.SendSignUpCodeResponse:
        phone = parse_phone(
            request.phone_number, request.country_code, self._settings.sms_countries
        )
        await self._codes.ask(phone, self._address())
        return pb.SendSignUpCodeResponse(message="성공")

    async def VerifySignUpCode(
        self, request: pb.VerifySignUpCodeRequest, context: grpc.aio.ServicerContext
    ) -> pb.VerifySignUpCodeResponse:
        tokens = await verify_code(
            self._database,
            self._pool,
            self._clock,
            self._sessions,
            self._settings.code_tries,
            self._settings.codes_per_address,
            parse_phone(request.phone_number, request.country_code),
            request.verification_code,
            normal_name(request.user_name, "userName"),
            self._address(),
            _device(request),
        )
        return pb.VerifySignUpCodeResponse(
            access_token=tokens.access_token, refresh_token=tokens.refresh_token
        )

    async def CreatePassword(
        self, request: pb.CreatePasswordRequest, context: grpc.aio.ServicerContext
    ) -> pb.CreatePasswordResponse:
        today = self._clock().astimezone(self._settings.zone).date()
        await create_password(self._database, self._pool, today, user(), request)
        return pb.CreatePasswordResponse(message="생성 완료")

    async def LogIn(
        self, request: pb.LogInRequest, context: grpc.aio.ServicerContext
    ) -> pb.LogInResponse:
        tokens = await log_in(
            self._database,
            self._pool,
            self._clock,
            self._sessions,
            as_stored(request.email),
            request.password,
            self._address(),
            _device(request),
        )
        return pb.LogInResponse(
            access_token=tokens.access_token, refresh_token=tokens.refresh_token
        )

    async def RefreshTokens(
        self, request: pb.RefreshTokensRequest, context: grpc.aio.ServicerContext
    ) -> pb.RefreshTokensResponse:
        tokens = await self._sessions.renew(request.refresh_token)
        return pb.RefreshTokensResponse(
            access_token=tokens.access_token, refresh_token=tokens.refresh_token
        )

    async def LogOut(
        self, request: pb.LogOutRequest, context: grpc.aio.ServicerContext
    ) -> pb.LogOutResponse:
        await self._sessions.end(user().session_id)
        return pb.LogOutResponse(message="성공")

    def _address(self) -> str:
        forwarded_for = current_call.get().metadata.get("x-forwarded-for", "")
        return caller_address(forwarded_for, self._settings.trusted_proxies)


def _device(request: pb.VerifySignUpCodeRequest | pb.LogInRequest) -> Device:
    app_token = request.app_token if request.HasField("app_token") else None
    return Device(request.device_id, request.provider, app_token)
