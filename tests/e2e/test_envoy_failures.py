"""The one port when things go wrong behind it, and under other settings."""

import asyncio
import json
import os
import signal
import ssl
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from tests.e2e.envoy_front import front, wait_for_hosts
from tests.e2e.test_envoy_front import echo

TLS = Path(__file__).parent / "tls"  # made for these tests; good for 127.0.0.1 only


async def test_no_core() -> None:
    with front(cores=0) as up:
        async with httpx.AsyncClient(base_url=up.url) as client:
            for path in ("/v1/echo/a", "/v1/echo/a/events"):
                reply = await client.get(path, headers={"origin": "https://shop.example"})
                assert reply.status_code == 503
                assert reply.json()["success"] is False
                assert reply.headers["retry-after"] == "1"
                assert reply.headers["content-type"] == "application/json"
                assert reply.headers["access-control-allow-origin"] == "https://shop.example"
            other = await client.get("/api/echo/a")
            assert other.json() == {
                "status": 503,
                "error": {"errorCode": "COMMON_1", "message": "later"},
            }
            assert (await client.get("/healthz")).status_code == 503
        async with grpc.aio.insecure_channel(f"127.0.0.1:{up.port}") as channel:
            request, get = echo(channel)
            with pytest.raises(grpc.aio.AioRpcError) as failed:
                await get(request(id="a"))
            assert failed.value.code() == grpc.StatusCode.UNAVAILABLE
            assert "{" not in failed.value.details()


async def test_a_frozen_core_is_left_out() -> None:
    """SIGSTOP: the socket still accepts, so only the health check can tell."""
    with front(cores=2) as up:
        os.kill(up.cores[0].pid, signal.SIGSTOP)
        wait_for_hosts(up, 1)
        async with httpx.AsyncClient(base_url=up.url) as client:
            replies = await asyncio.gather(*(client.get("/v1/echo/a") for _ in range(20)))
        assert {reply.json()["pid"] for reply in replies} == {up.cores[1].pid}


async def _read_all(up: Any, clients: int, each: int, act: Any) -> list[tuple[int, int]]:
    """(status, pid) of `clients` x `each` reads, with `act` called in their middle."""
    seen: list[tuple[int, int]] = []

    async def read(client: httpx.AsyncClient) -> None:
        for _ in range(each):
            reply = await client.get("/v1/echo/pause-0.01")
            pid = reply.json().get("pid", 0)
            seen.append((reply.status_code, pid))
            if len(seen) == clients * each // 2:
                act()

    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(base_url=up.url, limits=limits, timeout=20) as client:
        await asyncio.gather(*(read(client) for _ in range(clients)))
    return seen


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])  # USR1: kills itself
async def test_no_read_fails_when_one_of_two_cores_ends(number: Any) -> None:
    with front(cores=2) as up:
        seen = await _read_all(up, 8, 60, lambda: os.kill(up.cores[0].pid, number))
    assert [status for status, _ in seen if status != 200] == []
    assert {pid for _, pid in seen} == {core.pid for core in up.cores}


async def test_no_grpc_read_fails_when_one_of_two_cores_is_killed() -> None:
    with front(cores=2) as up:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{up.port}") as channel:
            request, get = echo(channel)
            done = 0

            async def read() -> None:
                nonlocal done
                for _ in range(40):
                    await get(request(id="pause-0.01"))
                    done += 1
                    if done == 160:
                        up.cores[0].send_signal(signal.SIGUSR1)  # kills itself

            await asyncio.gather(*(read() for _ in range(8)))
            assert done == 320
            assert up.cores[0].wait() == -signal.SIGKILL


async def test_too_many_requests() -> None:
    with front(rate_limit=20) as up:
        async with httpx.AsyncClient(base_url=up.url) as client:
            replies = await asyncio.gather(*(client.get("/v1/echo/a") for _ in range(80)))
            refused = [reply for reply in replies if reply.status_code == 429]
            assert refused
            assert refused[0].json()["error"]["code"] == "RATE_LIMITED"
            assert refused[0].headers["retry-after"] == "1"
            others = await asyncio.gather(*(client.get("/api/echo/a") for _ in range(80)))
            refused = [reply for reply in others if reply.status_code == 429]
            assert refused[0].json()["error"]["errorCode"] == "COMMON_6"
            health = await asyncio.gather(*(client.get("/healthz") for _ in range(40)))
            assert {reply.status_code for reply in health} == {200}
        async with grpc.aio.insecure_channel(f"127.0.0.1:{up.port}") as channel:
            request, get = echo(channel)
            calls = [get(request(id="a")) for _ in range(80)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            codes = {e.code() for e in results if isinstance(e, grpc.aio.AioRpcError)}
            assert codes == {grpc.StatusCode.RESOURCE_EXHAUSTED}


async def test_each_address_has_a_share() -> None:
    """Of one that asks too often the others notice nothing; this machine's own has no share."""
    with front(rate_limit_per_address=20) as up:

        def client(address: str) -> httpx.AsyncClient:
            transport = httpx.AsyncHTTPTransport(local_address=address)
            return httpx.AsyncClient(base_url=up.url, transport=transport)

        async with (
            client("127.0.0.1") as local,
            client("127.0.0.2") as greedy,
            client("127.0.0.3") as other,
        ):
            for _ in range(3):
                calls = [greedy.get("/v1/echo/a") for _ in range(80)]
                replies = await asyncio.gather(*calls, other.get("/v1/echo/a"))
                assert {reply.status_code for reply in replies[:80]} == {200, 429}
                assert replies[80].status_code == 200
            replies = await asyncio.gather(*(local.get("/v1/echo/a") for _ in range(80)))
            assert {reply.status_code for reply in replies} == {200}


async def test_behind_a_proxy_the_callers_address_counts() -> None:
    with front(rate_limit_per_address=20, trusted_proxies=1) as up:
        async with httpx.AsyncClient(base_url=up.url) as proxy:

            async def call(address: str, count: int) -> set[int]:
                # The first was the caller's own word for it.
                sent = {"X-Forwarded-For": f"10.9.9.{count}, {address}"}
                calls = (proxy.get("/v1/echo/a", headers=sent) for _ in range(count))
                return {reply.status_code for reply in await asyncio.gather(*calls)}

            assert await call("203.0.113.7", 80) == {200, 429}
            assert await call("203.0.113.8", 10) == {200}
            assert 429 in await call("2001:db8:0:7::1", 80)
            assert await call("2001:db8:0:8::1", 10) == {200}


async def test_only_named_origins_may_call() -> None:
    with front(cors_origins=("https://shop.example",)) as up:
        async with httpx.AsyncClient(base_url=up.url) as client:
            asked = {"access-control-request-method": "GET"}
            for origin, allowed in [
                ("https://shop.example", True),
                ("https://evil.example", False),
            ]:
                preflight = await client.options("/v1/echo/a", headers={"origin": origin} | asked)
                reply = await client.get("/v1/echo/a", headers={"origin": origin})
                for answer in (preflight, reply):
                    assert ("access-control-allow-origin" in answer.headers) is allowed


async def test_tls_for_rest_and_grpc() -> None:
    certificate = TLS / "certificate.pem"
    with front(tls_certificate=certificate, tls_key=TLS / "key.pem") as up:
        context = ssl.create_default_context(cafile=certificate)
        async with httpx.AsyncClient(base_url=up.url, verify=context) as client:
            reply = await client.get("/v1/echo/a")
            assert reply.status_code == 200
            assert reply.json()["sent"]["x-forwarded-proto"] == "https"
            assert reply.headers["strict-transport-security"] == "max-age=31536000"
        credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
        async with grpc.aio.secure_channel(f"127.0.0.1:{up.port}", credentials) as channel:
            request, get = echo(channel)
            assert json.loads((await get(request(id="a"))).text)["id"] == "a"
        for protocol in ("h2", "http/1.1"):
            chosen = ssl.create_default_context(cafile=certificate)
            chosen.set_alpn_protocols([protocol])
            _, writer = await asyncio.open_connection("127.0.0.1", up.port, ssl=chosen)
            assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == protocol
            writer.close()
        old = ssl.create_default_context(cafile=certificate)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        async with httpx.AsyncClient(base_url=up.url, verify=old) as client:
            assert (await client.get("/v1/echo/a")).status_code == 200
