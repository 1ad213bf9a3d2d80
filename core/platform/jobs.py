"""Run background jobs from the Postgres queue of procrastinate.

A job is deferred in the transaction that makes it necessary. It runs at least once; its own code
fences it, so that its effect happens once. If its process is killed, any living process takes it
over. Each queue has workers of its own, so that no queue waits for another one's upstream
(docs/decisions/0031-queues-and-turns.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import procrastinate
import psycopg
import structlog
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from procrastinate.tasks import Task
from psycopg_pool import AsyncConnectionPool

from core.platform.database import Connection, hung_up, libpq_url

log = structlog.get_logger(__name__)

# Seconds between two signs of life of a worker.
HEARTBEAT_SECONDS = 2.0
# Seconds without a sign of life after which a worker's jobs are taken over.
STALLED_AFTER_SECONDS = 8.0
# Seconds between two looks for jobs of dead workers.
SWEEP_EVERY_SECONDS = 2.0

# The first step of rounds, and the steps after it.
BEGIN, ROUNDS = "begin", "rounds"
CODES = "codes"
# Jobs that nobody waits for: reports to stores, and tidying up.
ERRANDS = "errands"
# The queue in which earlier versions put every job.
_EARLIER = "default"


@dataclass(frozen=True, slots=True)
class _Worker:
    """Works on the jobs of some queues, `concurrency` at a time.

    A worker that `listens` is notified of new jobs. It finds retries, and jobs whose lock was
    released, only by looking, every `look_seconds`.
    """

    queues: tuple[str, ...]
    concurrency: int
    look_seconds: float = 0.25
    listens: bool = True


def _workers(concurrency: int) -> tuple[_Worker, ...]:
    return (
        # A round that has begun has higher priority: it is finished before another one begins.
        _Worker((BEGIN, ROUNDS, _EARLIER), concurrency),
        # While all of those wait for a meal engine, the rounds that have their meal go on here.
        _Worker((ROUNDS,), max(1, concurrency // 4), listens=False),
        _Worker((CODES,), 4, look_seconds=0.5),
        _Worker((ERRANDS,), 8, look_seconds=1.0),
    )


class RetryAlways(BaseRetryStrategy):
    """Retry after any exception, with a growing wait of at most ten seconds.

    A job itself decides when to give up: it sees `context.job.attempts`.
    """

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        # Bounded, because 2 to the power of a few thousand attempts overflows a float.
        wait = min(0.2 * 2 ** min(job.attempts, 10), 10.0)
        log.warning("job_retried", task=job.task_name, attempts=job.attempts, exc_info=exception)
        return RetryDecision(retry_in={"seconds": wait})


class _Manager(JobManager):
    """Calls `unwritten` when the end of a job could not be written to the database.

    Such a job stays in the status "doing" while its worker lives, though nobody works on it.
    """

    def __init__(
        self, connector: procrastinate.BaseConnector, unwritten: Callable[[], None]
    ) -> None:
        super().__init__(connector)
        self._unwritten = unwritten

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        try:
            await super().finish_job(job, status, delete_job)
        except BaseException:
            self._unwritten()
            raise

    async def retry_job(self, job: Job, *args: Any, **options: Any) -> None:
        try:
            await super().retry_job(job, *args, **options)
        except BaseException:
            self._unwritten()
            raise


class Jobs:
    """The queue: register tasks on it, defer jobs through it, and let it run them.

    `concurrency` is the number of steps of rounds that run at a time. Each other queue has a few
    workers in addition.
    """

    def __init__(self, database_url: str, concurrency: int) -> None:
        self._workers = _workers(concurrency)
        # One event for each running worker; setting it makes the worker end for a new one.
        self._renew: set[asyncio.Event] = set()
        connector = procrastinate.PsycopgConnector(
            pool_factory=_make_pool, conninfo=libpq_url(database_url), configure=_autocommit
        )
        self.app = procrastinate.App(connector=connector)
        self.app.job_manager = _Manager(connector, self._renew_workers)

    def task(
        self, name: str, function: Callable[..., Awaitable[None]], queue: str, priority: int = 0
    ) -> Task[Any, Any, Any]:
        """Register an async function `(context, **arguments)` as a task that is always retried.

        A worker takes jobs of higher priority first.
        """
        return self.app.task(
            name=name, queue=queue, pass_context=True, retry=RetryAlways(), priority=priority
        )(function)

    async def defer(
        self,
        conn: Connection,
        task: Task[Any, Any, Any],
        *,
        queue: str | None = None,
        priority: int | None = None,
        lock: str | None = None,
        after: timedelta | None = None,
        **arguments: Any,
    ) -> None:
        """Put a job on the queue, in the transaction of `conn`.

        `queue` and `priority` default to the task's. Jobs with the same `lock` run one at a time,
        in the order in which they were deferred; a job that waits for its retry holds up those
        after it. The job runs no earlier than `after` from now. Raises psycopg.Error.
        """
        configured = task.configure(
            connection=conn.driver,
            queue=queue,
            priority=priority,
            lock=lock,
            schedule_in={"seconds": int(after.total_seconds())} if after else None,
        )
        try:
            await configured.defer_async(**arguments)
        except procrastinate.exceptions.ConnectorException as error:
            # The transaction is the caller's, so the caller gets the database's own error.
            raise error.__cause__ or error from None

    async def __aenter__(self) -> Jobs:
        await self.app.open_async()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.app.close_async()

    async def run(self, stop: asyncio.Event) -> None:
        """Run jobs until `stop` is set. Jobs that still run then go back to the queue."""
        async with asyncio.TaskGroup() as group:
            sweeper = group.create_task(self._sweep())
            await asyncio.wait(
                [group.create_task(self._keep(worker, stop)) for worker in self._workers]
            )
            sweeper.cancel()

    async def _keep(self, worker: _Worker, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._work(worker, stop)

    async def _work(self, worker: _Worker, stop: asyncio.Event) -> None:
        """Run one worker until `stop` is set or the worker ends by itself.

        A worker ends by itself when the database is away, when another process took it for dead,
        or when it could not write to the database that a job is done. The caller then starts a
        new worker, and the sweep puts the old one's jobs back on the queue.
        """
        renew = asyncio.Event()
        running = asyncio.create_task(
            self.app.run_worker_async(
                queues=list(worker.queues),
                concurrency=worker.concurrency,
                listen_notify=worker.listens,
                install_signal_handlers=False,
                fetch_job_polling_interval=worker.look_seconds,
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=STALLED_AFTER_SECONDS,
                shutdown_graceful_timeout=1.0,
                delete_jobs="successful",
            )
        )
        reasons = [asyncio.create_task(event.wait()) for event in (stop, renew)]
        self._renew.add(renew)
        try:
            await asyncio.wait({running, *reasons}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._renew.discard(renew)
            for reason in reasons:
                reason.cancel()
            running.cancel()
            await asyncio.wait({running})
        error = None if running.cancelled() else running.exception()
        if not stop.is_set():
            log.error("job_worker_ended", queues=worker.queues, exc_info=error)
            await asyncio.sleep(0.5)

    def _renew_workers(self) -> None:
        for renew in self._renew:
            renew.set()

    async def _sweep(self) -> None:
        """Put the jobs of dead workers back on the queue, again and again until cancelled."""
        this = asyncio.current_task()
        assert this is not None
        # A cancelled database call may raise another error, or return as if nothing had happened.
        while not this.cancelling():
            await asyncio.sleep(SWEEP_EVERY_SECONDS)
            try:
                stalled = await self.app.job_manager.get_stalled_jobs(
                    seconds_since_heartbeat=STALLED_AFTER_SECONDS
                )
            except Exception as error:
                # The database is away: the next sweep tries again.
                log.info("job_sweep_failed", error=type(error).__name__)
                continue
            for job in stalled:
                try:
                    # The base class's method: if this fails, our own workers need not be renewed.
                    await JobManager.retry_job(self.app.job_manager, job)
                    log.warning("job_taken_over", task=job.task_name, job_id=job.id)
                except Exception as error:
                    # Another process was first, or the database is away.
                    log.info("job_not_taken_over", job_id=job.id, error=type(error).__name__)


def _make_pool(**options: Any) -> AsyncConnectionPool:
    """Make the pool of the queue's connections.

    By default each statement would take four round trips: the driver begins and ends a transaction
    around it and first asks whether the connection lives. With autocommit and a `check` that asks
    only the kernel, one round trip is enough.
    """

    async def check(conn: psycopg.AsyncConnection[Any]) -> None:
        if hung_up(conn):
            await conn.close()
            # Check all at once: one by one, the wait would grow with each dead connection.
            await pool.check()
            raise psycopg.OperationalError("the server has ended the connection")

    ours = {"min_size": 1, "max_size": 4, "timeout": 10, "reconnect_timeout": 2, "check": check}
    pool = AsyncConnectionPool(**{**options, **ours})
    return pool


async def _autocommit(conn: Any) -> None:
    await conn.set_autocommit(True)
