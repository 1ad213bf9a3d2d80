"""AuthService and UserService: messages in, use cases, messages out."""

from __future__ import annotations

from datetime import date

import grpc
from onegenie.auth.v1 import auth_pb2 as pb
from onegenie.auth.v1 import auth_pb2_grpc as pb_grpc
from onegenie.user.v1 import user_pb2, user_pb2_grpc

from core.platform.runtime import Runtime
from core.room.accounts.address import caller_address
from core.room.accounts.codes import Codes
from core.room.accounts.create_password import CreatePassword, create_password
from core.room.accounts.email_address import normal_email, parse_email
from core.room.accounts.identity import Sessions, user
from core.room.accounts.log_in import LogIn, log_in
from core.room.accounts.log_out import log_out
from core.room.accounts.names import normal_name
from core.room.accounts.phone import parse_phone
from core.room.accounts.refresh_tokens import refresh_tokens
from core.room.accounts.search_user import search_user
from core.room.accounts.send_sign_up_code import SendSignUpCode, send_sign_up_code
from core.room.accounts.sessions import Device
from core.room.accounts.sms import Sms
from core.room.accounts.verify_sign_up_code import VerifySignUpCode, verify_sign_up_code
from edge import FieldViolation, current_call, invalid


class AuthService(pb_grpc.AuthServiceServicer):
    """Serves onegenie.auth.v1.AuthService."""

    def __init__(self, runtime: Runtime, sms: Sms, sessions: Sessions) -> None:
        """Tell `sessions` which sessions have ended."""
        self._runtime = runtime
        self._codes = Codes(runtime, sms)
        self._sessions = sessions

    async def SendSignUpCode(
        self, request: pb.SendSignUpCodeRequest, context: grpc.aio.ServicerContext
    ) -> pb.SendSignUpCodeResponse:
        countries = self._runtime.settings.sms_countries
        command = SendSignUpCode(
            phone=parse_phone(request.phone_number, request.country_code, countries),
            address=self._address(),
        )
        await send_sign_up_code(self._runtime, self._codes, command)
        return pb.SendSignUpCodeResponse(message="성공")

    async def VerifySignUpCode(
        self, request: pb.VerifySignUpCodeRequest, context: grpc.aio.ServicerContext
    ) -> pb.VerifySignUpCodeResponse:
        command = VerifySignUpCode(
            phone=parse_phone(request.phone_number, request.country_code),
            code=request.verification_code,
            name=normal_name(request.user_name, "userName"),
            address=self._address(),
            device=_device(request),
        )
        tokens = await verify_sign_up_code(self._runtime, self._sessions, command)
        return pb.VerifySignUpCodeResponse(
            access_token=tokens.access_token, refresh_token=tokens.refresh_token
        )

    async def CreatePassword(
        self, request: pb.CreatePasswordRequest, context: grpc.aio.ServicerContext
    ) -> pb.CreatePasswordResponse:
        command = CreatePassword(
            email=parse_email(request.email),
            birth=_birth(request.birth),
            password=request.password,
        )
        await create_password(self._runtime, user(), command)
        return pb.CreatePasswordResponse(message="생성 완료")

    async def LogIn(
        self, request: pb.LogInRequest, context: grpc.aio.ServicerContext
    ) -> pb.LogInResponse:
        command = LogIn(
            email=normal_email(request.email),
            password=request.password,
            address=self._address(),
            device=_device(request),
        )
        tokens = await log_in(self._runtime, self._sessions, command)
        return pb.LogInResponse(
            access_token=tokens.access_token, refresh_token=tokens.refresh_token
        )

    async def RefreshTokens(
        self, request: pb.RefreshTokensRequest, context: grpc.aio.ServicerContext
    ) -> pb.RefreshTokensResponse:
        tokens = await refresh_tokens(self._runtime, self._sessions, request.refresh_token)
        return pb.RefreshTokensResponse(
            access_token=tokens.access_token, refresh_token=tokens.refresh_token
        )

    async def LogOut(
        self, request: pb.LogOutRequest, context: grpc.aio.ServicerContext
    ) -> pb.LogOutResponse:
        await log_out(self._runtime.database, self._sessions, user())
        return pb.LogOutResponse(message="성공")

    def _address(self) -> str:
        forwarded_for = current_call.get().metadata.get("x-forwarded-for", "")
        return caller_address(forwarded_for, self._runtime.settings.trusted_proxies)


class UserService(user_pb2_grpc.UserServiceServicer):
    """Serves onegenie.user.v1.UserService."""

    def __init__(self, runtime: Runtime) -> None:
        self._database = runtime.database

    async def SearchUser(
        self, request: user_pb2.SearchUserRequest, context: grpc.aio.ServicerContext
    ) -> user_pb2.SearchUserResponse:
        found = await search_user(self._database, normal_name(request.name))
        return user_pb2.SearchUserResponse(user_id=str(found.id), user_name=found.name)


def _device(request: pb.VerifySignUpCodeRequest | pb.LogInRequest) -> Device:
    app_token = request.app_token if request.HasField("app_token") else None
    return Device(request.device_id, request.provider, app_token)


def _birth(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise invalid(FieldViolation("birth", "must be a date of the calendar")) from None
