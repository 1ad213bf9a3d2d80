"""Background jobs on the Postgres queue of procrastinate.

A job is deferred in the transaction that makes it necessary, runs at least once, and is fenced
by its own code so that its effect happens once. What a killed process had begun is taken over
by any living one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import procrastinate
import structlog
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from sqlalchemy.ext.asyncio import AsyncConnection

from core.platform.database import driver_connection, libpq_url

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 2.0
STALLED_AFTER_SECONDS = 8.0
SWEEP_EVERY_SECONDS = 2.0


class RetryAlways(BaseRetryStrategy):
    """Retry whatever happened, later each time, at most ten seconds later.

    A job decides itself when to give up: it sees `context.job.attempts`.
    """

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        wait = min(0.2 * 2**job.attempts, 10.0)
        log.warning("job_retried", task=job.task_name, attempts=job.attempts, exc_info=exception)
        return RetryDecision(retry_in={"seconds": wait})


class Jobs:
    """The queue: tasks are registered on it, deferred through it and run by it."""

    def __init__(self, database_url: str, concurrency: int) -> None:
        self._concurrency = concurrency
        self.app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=libpq_url(database_url), min_size=1, max_size=4
            )
        )

    def task(
        self, name: str, function: Callable[..., Awaitable[None]], priority: int = 0
    ) -> procrastinate.tasks.Task:
        """Register an async function `(context, **arguments)` as a task that is always retried.

        Jobs of a higher priority are taken first.
        """
        return self.app.task(name=name, pass_context=True, retry=RetryAlways(), priority=priority)(
            function
        )

    async def defer(
        self,
        conn: AsyncConnection,
        task: procrastinate.tasks.Task,
        *,
        lock: str | None = None,
        after: timedelta | None = None,
        **arguments: Any,
    ) -> None:
        """Put a job on the queue in the transaction of `conn`.

        Jobs of one lock run one at a time, in the order they were put there; one that is to be
        retried holds up those after it. With `after` it is taken no earlier than that from now.
        """
        connection = await driver_connection(conn)
        configured = task.configure(
            connection=connection,
            lock=lock,
            schedule_in={"seconds": int(after.total_seconds())} if after else None,
        )
        await configured.defer_async(**arguments)

    async def __aenter__(self) -> Jobs:
        await self.app.open_async()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.app.close_async()

    async def run(self, stop: asyncio.Event) -> None:
        """Work off jobs until `stop` is set; what then still runs goes back to the queue."""
        sweeper = asyncio.create_task(self._sweep())
        try:
            while not stop.is_set():
                await self._work(stop)
        finally:
            sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sweeper

    async def _work(self, stop: asyncio.Event) -> None:
        """Run one worker until `stop` is set or the worker ends by itself.

        It ends with an error when the database was away, or when another process took it for
        dead: the caller then starts a new one.
        """
        worker = asyncio.create_task(
            self.app.run_worker_async(
                concurrency=self._concurrency,
                install_signal_handlers=False,
                fetch_job_polling_interval=0.25,
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=STALLED_AFTER_SECONDS,
                shutdown_graceful_timeout=1.0,
                delete_jobs="successful",
            )
        )
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({worker, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not worker.done():
            worker.cancel()
        try:
            await worker
        except asyncio.CancelledError:
            if not stop.is_set():
                raise
        except Exception:
            log.exception("job_worker_ended")
            await asyncio.sleep(0.5)
        finally:
            stopping.cancel()

    async def _sweep(self) -> None:
        """Put the jobs of dead workers back on the queue, until cancelled."""
        this = asyncio.current_task()
        assert this is not None
        # A database call that is cancelled may end in another error, or as if nothing had been.
        while not this.cancelling():
            await asyncio.sleep(SWEEP_EVERY_SECONDS)
            try:
                for job in await self.app.job_manager.get_stalled_jobs(
                    seconds_since_heartbeat=STALLED_AFTER_SECONDS
                ):
                    log.warning("job_taken_over", task=job.task_name, job_id=job.id)
                    await self.app.job_manager.retry_job(job)
            except Exception as error:
                # Another replica may have been first, or the database is away: the next sweep sees.
                log.info("job_sweep_failed", error=type(error).__name__)
