"""Header values that are no text: the call is answered, and no key ends up in a log."""

from __future__ import annotations

import asyncio
import uuid

from tests.e2e.service import Service
from tests.e2e.up_process import Up


async def test_a_request_id_that_is_no_text_spoils_nothing(service: Service) -> None:
    caller = await service.caller(service.demo["SDK_KEY"])
    profile_id = await service.add_profile(caller)
    url = f"/v1/chat/{profile_id}/recommend"
    for sent in (b"\xff", "é".encode(), b"a\tb", b"x" * 300):
        headers = {**service.bearer(), "x-request-id": sent}
        reply = await service.http.post(url, json={"prompt": "카레"}, headers=headers)  # type: ignore[arg-type]
        assert reply.status_code == 202, sent
    listed = await service.http.get(url, headers=service.bearer())
    assert listed.json()["data"]["pageInfo"]["total"] == 4


async def test_a_key_beside_nonsense_is_logged_nowhere(service: Service, up: Up) -> None:
    key = service.demo["SDK_KEY"]
    sent = {"Authorization": f"Bearer {key}".encode() + b"\xff"}
    reply = await service.http.get(f"/v1/profile/{service.demo['PROFILE_ID']}", headers=sent)  # type: ignore[arg-type]
    assert reply.status_code in (400, 401)
    # A later call that is in the logs: so is the one before.
    later = str(uuid.uuid4())
    await service.http.get(f"/v1/profile/{later}", headers=service.bearer())
    async with asyncio.timeout(30):
        while later not in (up.directory / "logs" / "access.jsonl").read_text():
            await asyncio.sleep(0.05)
    for log in (up.directory / "logs").iterdir():
        assert key not in log.read_text(errors="replace"), log.name


async def test_a_key_as_long_as_headers_may_be_is_none(service: Service) -> None:
    headers = {"Authorization": "Bearer " + "a" * 30_000}
    assert (await service.http.get("/api/friend/list", headers=headers)).status_code == 401


async def test_a_version_yet_to_come_counts_as_not_seen(service: Service) -> None:
    caller = await service.caller(service.demo["SDK_KEY"])
    profile_id = await service.add_profile(caller)
    held = await service.hold_round(caller, profile_id)
    url = f"/v1/chat/{profile_id}/recommend/{held.chat_id}/{held.round_id}/events"
    headers = service.bearer() | {"Last-Event-ID": "99"}
    async with service.http.stream("GET", url, headers=headers) as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == ": keep-alive"
        await service.fail_round(caller, held, "meal_suggest failed: upstream timeout")
        async with asyncio.timeout(20):
            seen = [line async for line in lines]
    assert "id: 2" in seen


async def test_what_grpc_itself_would_fail_on_is_answered(service: Service) -> None:
    """Each was a fault of ours or an outage, and a line in the core's log that is not JSON."""
    path = "/onegenie.profile.v1.ProfileService/GetProfile"

    async def told(method: str, **headers: str) -> str | None:
        """Return the status of a call that no servicer or authenticator saw: it is in the headers.

        Over HTTP/1.1 the others' status is in trailers, which are not sent.
        """
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["content-type"] = "application/grpc"
        reply = await service.http.request(method, path, headers=sent, content=bytes(5))
        assert (reply.status_code, reply.headers["content-type"]) == (200, "application/grpc")
        status: str | None = reply.headers.get("grpc-status")
        return status

    for value in ("AAAA", "", "not base64", "AAAAAAAAAAAAAAAA"):
        assert await told("POST", te="trailers", lb_cost_bin=value) is None, value
    for method in ("DELETE", "PATCH", "PUT", "GET"):
        assert await told(method, te="trailers") == "3", method
    assert await told("POST") is None
    for te in ("gzip", "trailers, gzip", "trailers"):
        assert await told("POST", te=te) is None, te
