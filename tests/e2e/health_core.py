"""The smallest core process, health only: `health_core.py <socket>`.

CORE_FAULT=exit ends at once, CORE_FAULT=deaf does not hear SIGTERM. OPENAI_MODEL=health-core-exits
ends at once too: that is a setting, which a restart may change.
"""

import asyncio
import os
import signal
import sys

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


async def main(socket: str) -> None:
    model = os.environ.get("OPENAI_MODEL")
    if os.environ.get("CORE_FAULT") == "exit" or model == "health-core-exits":
        sys.exit("nothing works")
    print(f"DATABASE_URL={os.environ['DATABASE_URL']}", flush=True)
    server = grpc.aio.server()
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    stop = asyncio.Event()
    if os.environ.get("CORE_FAULT") == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
