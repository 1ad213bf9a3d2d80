"""From a number to a complete account."""

from __future__ import annotations

from tests.integration.auth.auth_help import Phone, another, outcome


async def test_a_person_signs_up_and_logs_in(phone: Phone) -> None:
    tokens = await phone.verify(await phone.code())
    await phone.create_password(tokens.access_token, "Someone@Example.com")
    again = await phone.log_in(" someone@example.com")
    renewed = await phone.refresh(again.refresh_token)
    await phone.call("LogOut", renewed.access_token)
    assert await outcome(phone.call("LogOut", renewed.access_token)) == "COMMON_3"
    assert another("999999") == "000000"
