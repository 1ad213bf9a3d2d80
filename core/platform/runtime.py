"""Make what a core process has once, and define what each wing builds on it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import grpc

from core.platform.calls_first import CallsFirst
from core.platform.clock import Clock
from core.platform.database import Database, open_database
from core.platform.events import Changes
from core.platform.jobs import Jobs
from core.platform.pool import WorkPool
from core.platform.settings import Settings
from core.platform.signing import Signer
from edge import Authenticator


@dataclass(frozen=True, slots=True)
class Runtime:
    """What every servicer may need. `stopping` is set when the process must end."""

    settings: Settings
    database: Database
    jobs: Jobs
    changes: Changes
    clock: Clock
    signer: Signer
    pictures: WorkPool
    passwords: WorkPool
    calls: CallsFirst = field(default_factory=CallsFirst)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which a day begins and ends."""
        return self.settings.zone

    def day_of(self, moment: datetime) -> date:
        """Return the day, in that zone, in which a moment lies."""
        return moment.astimezone(self.zone).date()


@contextlib.asynccontextmanager
async def open_runtime(
    settings: Settings, database_url: str, clock: Clock
) -> AsyncIterator[Runtime]:
    """Open what a process has: database, jobs, pools. Close all of it when the block ends."""
    async with (
        open_database(database_url, settings.database_pool) as database,
        Jobs(database_url, settings.job_concurrency) as jobs,
    ):
        with (
            contextlib.closing(WorkPool(settings.picture_workers, 32)) as pictures,
            # A pool of its own: a picture takes seconds and a password hundredths of one, so
            # that no log-in waits for pictures.
            contextlib.closing(WorkPool(settings.picture_workers, 32)) as passwords,
        ):
            yield Runtime(
                settings=settings,
                database=database,
                jobs=jobs,
                changes=Changes(database_url),
                clock=clock,
                signer=Signer(settings.token_keys_file, clock),
                pictures=pictures,
                passwords=passwords,
            )


@dataclass(frozen=True, slots=True)
class Wing:
    """A wing that is ready to serve.

    `authenticators` check its callers, by access level. `background` names the tasks that must run
    as long as the process lives.
    """

    servicers: Sequence[object]
    authenticators: Mapping[str, Authenticator]
    background: Mapping[str, Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=dict)


def service_name(servicer: object) -> str:
    """Return the full name of a servicer's service, for example "onegenie.meal.v1.MealService"."""
    base = _generated(servicer)
    return f"{base.__module__.rpartition('.')[0]}.{base.__name__.removesuffix('Servicer')}"


def register(servicers: Iterable[object], server: grpc.aio.Server) -> None:
    """Add every servicer to a server."""
    for servicer in servicers:
        base = _generated(servicer)
        add = getattr(sys.modules[base.__module__], f"add_{base.__name__}_to_server")
        add(servicer, server)


def _generated(servicer: object) -> type:
    """Return the generated class that a servicer derives from."""
    bases = type(servicer).__mro__
    return next(base for base in bases if base.__module__.endswith("_pb2_grpc"))
