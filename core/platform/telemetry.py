"""Write structured logs with request ids, and count Prometheus metrics."""

from __future__ import annotations

import logging
import re
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import structlog
from prometheus_client import Counter, Gauge, Histogram

from core.platform.log_lines import LogLines
from core.platform.metric_files import reserve_metric_files
from edge import ApiError, Call, reason_of

log = structlog.get_logger(__name__)

# Must run before the first metric below is made, because making a metric opens its file.
reserve_metric_files()

CALLS = Counter(
    "onegenie_calls_total",
    "Calls by method, protocol and outcome.",
    ["method", "protocol", "outcome"],
)
SECONDS = Histogram(
    "onegenie_call_seconds",
    "Time a unary call took.",
    ["method", "protocol"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
STREAMS = Gauge(
    "onegenie_open_streams", "Streams open now.", ["method"], multiprocess_mode="livesum"
)
STEPS = Counter("onegenie_round_steps_total", "Steps of rounds by outcome.", ["step", "outcome"])
STEP_SECONDS = Histogram(
    "onegenie_round_step_seconds",
    "Time a step of a round took.",
    ["step"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
LINES_LOST = Counter(
    "onegenie_log_lines_lost_total", "Log lines that could not be made or written."
)


# Postgres adds a DETAIL to an error, which can hold a row: `Failing row contains (1, +8210…`. It
# ends where the next part of the text begins.
_DETAIL = re.compile(r"^DETAIL:.*?(?=^HINT:|^CONTEXT:|^\[SQL|^\(Background|^\n|\Z)", re.M | re.S)


def hide_details(
    logger: object, name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Remove the values of rows from a logged database exception."""
    if exception := event.get("exception"):
        event["exception"] = _DETAIL.sub("DETAIL: hidden\n", exception)
    return event


# Each log line passes through these, in order. Tracebacks show no values of variables.
PROCESSORS: tuple[structlog.typing.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    hide_details,
)


_JSON = structlog.processors.JSONRenderer(ensure_ascii=False)


def render(logger: Any, name: str, event: structlog.typing.EventDict) -> str | bytes:
    """Return a log line as JSON. A line that can't be rendered is replaced by one that says so."""
    try:
        return _JSON(logger, name, event)
    except Exception as error:
        LINES_LOST.inc()
        lost = {"event": "log_line_lost", "level": name, "error": type(error).__name__}
        return _JSON(logger, name, lost)


class _Handler(logging.StreamHandler[LogLines]):
    """Counts the lines that it fails to format, and prints nothing on standard error."""

    def handleError(self, record: logging.LogRecord) -> None:
        LINES_LOST.inc()


def configure_logging(level: str) -> None:
    """Log JSON lines of `level` and above to standard output, each with the context of its call.

    Warnings of libraries go there too. Logging never raises: a line that can't be written is lost
    and counted.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    lines = LogLines(sys.stdout, LINES_LOST.inc)
    structlog.configure(
        processors=[*PROCESSORS, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(lines),  # type: ignore[arg-type]
        cache_logger_on_first_use=True,
    )
    handler = _Handler(lines)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=PROCESSORS,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    # This library logs header values that are not UTF-8, and those can be keys.
    logging.getLogger("grpc._cython.cygrpc").addFilter(
        lambda record: not record.getMessage().startswith("Invalid encoding")
    )
    # At info, libraries log their own workings: only their warnings are of use here.
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)


# The id is sent back in a header, which takes only these characters.
_SANE_ID = re.compile("[!-~]{1,128}")


@asynccontextmanager
async def request_id(call: Call) -> AsyncIterator[None]:
    """Give the call an id, and send it back in `x-request-id`.

    It is the caller's own id if that is 1 to 128 visible ASCII characters, else a new UUID.
    """
    sent = call.metadata.get("x-request-id", "")
    identifier = sent if _SANE_ID.fullmatch(sent) else str(uuid.uuid4())
    call.response_headers["x-request-id"] = identifier
    with structlog.contextvars.bound_contextvars(request_id=identifier):
        yield


@asynccontextmanager
async def log_and_metrics(call: Call) -> AsyncIterator[None]:
    """Count and time the call, and log a line about it that has none of its contents."""
    method = call.method.path
    protocol = "rest" if call.is_rest else "grpc"
    started = time.perf_counter()
    streaming = call.method.server_streaming
    if streaming:
        STREAMS.labels(method).inc()
    outcome = "OK"
    try:
        yield
    except ApiError as error:
        outcome = reason_of(call.method.surface, error).name
        raise
    except grpc.aio.AbortError:
        outcome = "ABORTED"
        raise
    except Exception:
        outcome = "INTERNAL"
        raise
    except BaseException:
        outcome = "CANCELLED"
        raise
    finally:
        seconds = time.perf_counter() - started
        CALLS.labels(method, protocol, outcome).inc()
        if streaming:
            STREAMS.labels(method).dec()
        else:
            SECONDS.labels(method, protocol).observe(seconds)
        log.debug(
            "call", method=method, protocol=protocol, outcome=outcome, ms=round(seconds * 1000, 2)
        )


def log_internal_error(call: Call, error: BaseException) -> None:
    """Log the exception that a client only sees as an internal error."""
    identifier = call.response_headers.get("x-request-id")
    log.error("call_failed", method=call.method.path, request_id=identifier, exc_info=error)
