"""Background jobs on the Postgres queue of procrastinate.

A job is deferred in the transaction that makes it necessary, runs at least once, and is fenced
by its own code so that its effect happens once. What a killed process had begun is taken over
by any living one. Each queue has workers of its own, so that none waits for what another one
waits for (docs/decisions/0031-queues-and-turns.md).
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

HEARTBEAT_SECONDS = 2.0
STALLED_AFTER_SECONDS = 8.0
SWEEP_EVERY_SECONDS = 2.0

# Rounds that are to begin, and what is left of those that have begun.
BEGIN, ROUNDS = "begin", "rounds"
CODES = "codes"
# What nobody waits for: reports to stores, and tidying up.
ERRANDS = "errands"
# Where earlier versions put everything.
_EARLIER = "default"


@dataclass(frozen=True, slots=True)
class _Worker:
    """Works on the jobs of some queues, `concurrency` at a time.

    It is told of new jobs if it `listens`. Of retries, and of jobs whose lock was released, it
    hears only by looking, every `look_seconds`.
    """

    queues: tuple[str, ...]
    concurrency: int
    look_seconds: float = 0.25
    listens: bool = True


def _workers(concurrency: int) -> tuple[_Worker, ...]:
    return (
        # A round that has begun has the higher priority: it is finished before another begins.
        _Worker((BEGIN, ROUNDS, _EARLIER), concurrency),
        # When all of those wait for a meal engine, the rounds that have their meal go on.
        _Worker((ROUNDS,), max(1, concurrency // 4), listens=False),
        _Worker((CODES,), 4, look_seconds=0.5),
        _Worker((ERRANDS,), 8, look_seconds=1.0),
    )


class RetryAlways(BaseRetryStrategy):
    """Retry whatever happened, later each time, at most ten seconds later.

    A job decides itself when to give up: it sees `context.job.attempts`.
    """

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        # The power of a few thousand attempts is no float any more.
        wait = min(0.2 * 2 ** min(job.attempts, 10), 10.0)
        log.warning("job_retried", task=job.task_name, attempts=job.attempts, exc_info=exception)
        return RetryDecision(retry_in={"seconds": wait})


class _Manager(JobManager):
    """Says when the end of a job could not be written down.

    Such a job is "doing" for as long as its worker lives, and nobody's.
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
    """The queue: tasks are registered on it, deferred through it and run by it.

    `concurrency` is how many steps of rounds run at a time; the other queues have a few workers
    each beside them.
    """

    def __init__(self, database_url: str, concurrency: int) -> None:
        self._workers = _workers(concurrency)
        # Of each worker that runs: set when it is to make room for a new one.
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

        Of a queue's jobs those of a higher priority are taken first.
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
        """Put a job on the queue in the transaction of `conn`.

        `queue` and `priority` are those of the task where they are not given.
        Jobs of one lock run one at a time, in the order they were put there; one that is to be
        retried holds up those after it. With `after` it is taken no earlier than that from now.
        Raises psycopg.Error.
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
            # It is the caller's transaction: what the database said is for the caller.
            raise error.__cause__ or error from None

    async def __aenter__(self) -> Jobs:
        await self.app.open_async()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.app.close_async()

    async def run(self, stop: asyncio.Event) -> None:
        """Work off jobs until `stop` is set; what then still runs goes back to the queue."""
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

        It ends with an error when the database was away, when another process took it for
        dead, or when it could not write down that a job is done: the caller then starts a new
        one, and the sweep puts the jobs of the old one back.
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
        """Put the jobs of dead workers back on the queue, until cancelled."""
        this = asyncio.current_task()
        assert this is not None
        # A database call that is cancelled may end in another error, or as if nothing had been.
        while not this.cancelling():
            await asyncio.sleep(SWEEP_EVERY_SECONDS)
            try:
                stalled = await self.app.job_manager.get_stalled_jobs(
                    seconds_since_heartbeat=STALLED_AFTER_SECONDS
                )
            except Exception as error:
                # The database is away: the next sweep sees.
                log.info("job_sweep_failed", error=type(error).__name__)
                continue
            for job in stalled:
                try:
                    # Not ours: that one fails is no reason to renew our workers.
                    await JobManager.retry_job(self.app.job_manager, job)
                    log.warning("job_taken_over", task=job.task_name, job_id=job.id)
                except Exception as error:
                    # Another replica was first, or the database is away.
                    log.info("job_not_taken_over", job_id=job.id, error=type(error).__name__)


def _make_pool(**options: Any) -> AsyncConnectionPool:
    """The queue's connections.

    Each of its statements is a transaction, and the driver asks before each whether the
    connection lives: four round trips where one will do.
    """

    async def check(conn: psycopg.AsyncConnection[Any]) -> None:
        if hung_up(conn):
            await conn.close()
            # One by one, each dead connection would be waited for longer than the one before.
            await pool.check()
            raise psycopg.OperationalError("the server has ended the connection")

    ours = {"min_size": 1, "max_size": 4, "timeout": 10, "reconnect_timeout": 2, "check": check}
    pool = AsyncConnectionPool(**{**options, **ours})
    return pool


async def _autocommit(conn: Any) -> None:
    await conn.set_autocommit(True)
