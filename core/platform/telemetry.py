"""Structured logs with request ids, and Prometheus metrics."""

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
from edge.reply.errors import ApiError, reason_of
from edge.serve.call import Call

log = structlog.get_logger(__name__)

# Before the first metric is made: each opens its file then.
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


# What Postgres adds to an error can hold a row: `Failing row contains (1, +8210…`. It goes on
# until the next part of the text.
_DETAIL = re.compile(r"^DETAIL:.*?(?=^HINT:|^CONTEXT:|^\[SQL|^\(Background|^\n|\Z)", re.M | re.S)


def hide_details(
    logger: object, name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Take the rows out of a logged exception of the database."""
    if exception := event.get("exception"):
        event["exception"] = _DETAIL.sub("DETAIL: hidden\n", exception)
    return event


# What a line goes through before it is written. Tracebacks are without the values of variables.
PROCESSORS: tuple[structlog.typing.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    hide_details,
)


_JSON = structlog.processors.JSONRenderer(ensure_ascii=False)


def render(logger: Any, name: str, event: structlog.typing.EventDict) -> str | bytes:
    """A line as JSON; one that can't be made only says so."""
    try:
        return _JSON(logger, name, event)
    except Exception as error:
        LINES_LOST.inc()
        lost = {"event": "log_line_lost", "level": name, "error": type(error).__name__}
        return _JSON(logger, name, lost)


class _Handler(logging.StreamHandler[LogLines]):
    """Counts the lines that it fails to make, and says nothing on standard error."""

    def handleError(self, record: logging.LogRecord) -> None:
        LINES_LOST.inc()


def configure_logging(level: str) -> None:
    """JSON lines on standard output, the libraries' too, the context of the call in each.

    No line ever raises: where it can't be written it is lost, and counted.
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
    # It writes down header values that are no UTF-8, keys among them.
    logging.getLogger("grpc._cython.cygrpc").addFilter(
        lambda record: not record.getMessage().startswith("Invalid encoding")
    )
    # Libraries tell of their own workings at info: only their warnings are ours.
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)


# It goes back in a header, which takes nothing else.
_SANE_ID = re.compile("[!-~]{1,128}")


@asynccontextmanager
async def request_id(call: Call) -> AsyncIterator[None]:
    """Give the call an id, that of the caller when it sent a sane one, and answer with it."""
    sent = call.metadata.get("x-request-id", "")
    identifier = sent if _SANE_ID.fullmatch(sent) else str(uuid.uuid4())
    call.response_headers["x-request-id"] = identifier
    with structlog.contextvars.bound_contextvars(request_id=identifier):
        yield


@asynccontextmanager
async def log_and_metrics(call: Call) -> AsyncIterator[None]:
    """Count and time the call, and write a line for it. Nothing of its contents is logged."""
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
    """Write down what a client only hears of as an internal error."""
    identifier = call.response_headers.get("x-request-id")
    log.error("call_failed", method=call.method.path, request_id=identifier, exc_info=error)
