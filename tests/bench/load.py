"""A load generator for HTTP/1.1: keep-alive connections, each sending its next request at once.

`python -m tests.bench.load` is a process of its own, so that it shares no interpreter with what it
measures. It reads a Load as JSON on standard input and prints a Result as JSON. It looks at the
status line and the length only: parsing bodies would measure the generator.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import cast


@dataclass(frozen=True)
class Load:
    """What to send: `requests` in turn, over `connections`, for `seconds` or `count` requests.

    Each connection waits `pause` seconds between an answer and its next request.
    """

    port: int
    requests: list[str]
    seconds: float
    connections: int = 32
    count: int = 1_000_000
    pause: float = 0.0


@dataclass
class Result:
    """What came back: statuses, milliseconds of each answer in order, and bytes of the last."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    ms: list[float] = field(default_factory=list)
    bytes: int = 0
    cpu: float = 0.0  # share of one core that the generator itself took

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.ms) / self.seconds if self.seconds else 0.0

    def percentile(self, percent: float) -> float:
        """Milliseconds within which so many per cent were answered."""
        return percentile(self.ms, percent)


def percentile(values: list[float], percent: float) -> float:
    """The nearest-rank percentile; NaN of nothing."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def request(
    verb: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> str:
    """An HTTP/1.1 request as it goes over the wire."""
    lines = [f"{verb} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines) + "\r\n\r\n" + (body or b"").decode()


class _Connection(asyncio.Protocol):
    """One connection: sends, waits for the whole answer, sends again."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._buffer = b""
        self._left = -1  # bytes of the body still to come; -1 while the head is read, -2 chunked
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def _send(self) -> None:
        data = self._run.next()
        if data is None:
            self._transport.close()
            return
        self._buffer, self._left, self._size = b"", -1, 0
        self._began = time.perf_counter()
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._size += len(data)
        if self._left == -1:
            self._buffer += data
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head, data = self._buffer[:end].lower(), self._buffer[end + 4 :]
            self._buffer, self._status = b"", int(head[9:12])
            start = head.find(b"content-length:")
            self._left = -2 if start < 0 else int(head[start + 15 :].split(b"\r\n", 1)[0])
        if self._left == -2:
            # No pipelining: the last bytes of a chunked answer are its end.
            self._buffer = (self._buffer + data)[-7:]
            if not self._buffer.endswith(b"0\r\n\r\n"):
                return
        else:
            self._left -= len(data)
            if self._left > 0:
                return
        self._run.answered(self._status, time.perf_counter() - self._began, self._size)
        if self._run.pause:
            asyncio.get_running_loop().call_later(self._run.pause, self._send)
        else:
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set_result(None)


class _Run:
    def __init__(self, load: Load) -> None:
        self._load = load
        self.pause = load.pause
        self._requests = [text.encode() for text in load.requests]
        self._sent = 0
        self._stop = False
        self._statuses: Counter[int] = Counter()
        self.result = Result()

    def next(self) -> bytes | None:
        if self._stop or self._sent >= self._load.count:
            return None
        self._sent += 1
        return self._requests[self._sent % len(self._requests)]

    def answered(self, status: int, seconds: float, size: int) -> None:
        self._statuses[status] += 1
        self.result.ms.append(seconds * 1000)
        self.result.bytes = size

    async def __call__(self) -> Result:
        loop = asyncio.get_running_loop()
        began, cpu = time.perf_counter(), time.process_time()
        connections = []
        for _ in range(self._load.connections):
            _, connection = await loop.create_connection(
                lambda: _Connection(self), "127.0.0.1", self._load.port
            )
            connections.append(connection.ended)
        _, late = await asyncio.wait(connections, timeout=self._load.seconds)
        self.result.seconds = time.perf_counter() - began
        self._stop = True
        if late:  # what is under way is awaited, but not counted into the rate
            counted = len(self.result.ms)
            await asyncio.wait(late, timeout=5)
            del self.result.ms[counted:]
        self.result.cpu = (time.process_time() - cpu) / (time.perf_counter() - began)
        self.result.statuses = dict(self._statuses)
        return self.result


async def run(load: Load) -> Result:
    """Put the load on from a process of its own. Raises RuntimeError when that fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.load",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(load.seconds + 15):
            output, _ = await process.communicate(json.dumps(asdict(load)).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError("the load generator failed")
    answer = json.loads(output)
    answer["statuses"] = {int(status): n for status, n in answer["statuses"].items()}
    return Result(**answer)


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(_Run(Load(**json.load(sys.stdin)))()))))
