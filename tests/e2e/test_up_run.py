"""`onegenie up`, whole: what `make run` gives on a fresh machine, and again on the same data."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.up_process import Up, wait_until

KEYS = ["BASE_URL", "SDK_KEY", "PROFILE_ID", "ADMIN_TOKEN", "SIGNAGE_KEY", "SIGNAGE_ID"]


def read_demo(directory: Path) -> dict[str, str]:
    lines = (directory / "demo.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="og-up-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


def test_first_start_and_a_second_on_the_same_data(data_dir: Path) -> None:
    with Up(data_dir) as up:
        up.ready()
        assert (data_dir / "demo.env").stat().st_mode & 0o777 == 0o600
        demo = read_demo(data_dir)
        assert list(demo) == KEYS
        assert demo["BASE_URL"] == up.url
        url = f"{up.url}/v1/chat/{demo['PROFILE_ID']}/recommend"
        key = {"Authorization": f"Bearer {demo['SDK_KEY']}"}
        started = httpx.post(url, json={"prompt": "오늘 저녁 카레 땡기는데"}, headers=key)
        assert started.status_code == 202
        ids = started.json()["data"]
        round_url = f"{url}/{ids['chat_id']}/{ids['round_id']}"

        def read() -> dict[str, Any]:
            return httpx.get(round_url, headers=key).json()["data"]

        wait_until(lambda: read()["status"] != "in_progress", 60)
        assert read()["status"] == "completed", read()["last_error"]
        secrets = [demo["SDK_KEY"], demo["ADMIN_TOKEN"], demo["SIGNAGE_KEY"]]
        code = up.stop()
    assert code == 0
    assert up.left() == []
    logs = "".join(log.read_text() for log in (data_dir / "logs").iterdir())
    assert "/v1/chat/" in logs
    assert not any(secret in logs for secret in secrets)

    with Up(data_dir) as up:
        up.ready()
        again = read_demo(data_dir)
        assert again == demo | {"BASE_URL": up.url}
        kept = httpx.get(round_url.replace(demo["BASE_URL"], up.url), headers=key)
        assert kept.json()["data"]["status"] == "completed"


async def test_calls_in_flight_end_well_when_it_stops(data_dir: Path) -> None:
    """Nothing that Envoy took is cut: each call gets its answer."""
    with Up(data_dir) as up:
        up.ready()
        demo = read_demo(data_dir)
        key = {"Authorization": f"Bearer {demo['SDK_KEY']}"}
        url = f"{up.url}/v1/chat/{demo['PROFILE_ID']}/recommend"
        statuses: list[int] = []
        stopping = asyncio.Event()

        async def keep_reading(client: httpx.AsyncClient) -> None:
            while True:
                try:
                    reply = await client.get(url)
                except (httpx.ConnectError, httpx.ReadError):
                    # Refused, or reset: the kernel had taken the connection, Envoy not yet.
                    assert stopping.is_set()
                    return
                statuses.append(reply.status_code)

        async with httpx.AsyncClient(headers=key, timeout=20) as client:
            readers = [asyncio.create_task(keep_reading(client)) for _ in range(4)]
            while len(statuses) < 20:
                await asyncio.sleep(0.01)
            stopping.set()
            code = await asyncio.to_thread(up.stop)
            await asyncio.gather(*readers)
        assert code == 0
        assert set(statuses) == {200}


def test_a_bad_database_url(tmp_path: Path) -> None:
    nowhere = f"postgresql://nobody@/nothing?host={tmp_path}"
    with Up(tmp_path / "data", DATABASE_URL=nowhere) as up:
        up.until("onegenie: the database could not be prepared")
        assert up.process.wait() == 1
