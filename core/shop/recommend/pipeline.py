"""The four steps of a round, each a job: work outside, then one transaction.

A step may run more than once (a killed process, a lost connection); its transaction is fenced on
the state the round must be in, so its effect happens once.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from onegenie.recommend.v1 import recommend_pb2 as pb
from procrastinate import JobContext

from core.platform.calls_first import CallsFirst
from core.platform.database import Connection, Database
from core.platform.events import publish
from core.platform.jobs import BEGIN, ROUNDS, Jobs
from core.platform.telemetry import STEP_SECONDS, STEPS
from core.shop.catalogue.port import Stores, StoreUnavailable
from core.shop.lift.port import LiftPairs
from core.shop.meal.models import Meal
from core.shop.meal.port import MealEngine, MealError
from core.shop.recommend import sql
from core.shop.recommend.choosing.exclusions import excluded_words
from core.shop.recommend.state import IN_PROGRESS, LAST_STEP, STEP_NAMES
from core.shop.recommend.steps.items import suggest_items
from core.shop.recommend.steps.meal import suggest_meal
from core.shop.recommend.steps.offers import make_offers
from core.shop.recommend.steps.todos import make_todos
from core.shop.tenants.sql import refund_credit

log = structlog.get_logger(__name__)

STEP_DEADLINE_SECONDS = 60.0
# Attempts, the first included, before an unexpected failure ends the round.
MAX_ATTEMPTS = 4
# After so many attempts that ended with their process, the step is taken for the cause.
MAX_INTERRUPTIONS = 20
# Turns are counted from 2025-01-01, so that they fit the queue's 32 bits until 2093.
_TURNS_SINCE = 1_735_689_600


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step adds to its round."""

    part: pb.Round
    meal: dict[str, Any] | None = None
    analyst_comments: dict[str, str] = field(default_factory=dict)


def round_topic(round_id: uuid.UUID | str) -> str:
    """Name the topic on which changes of a round are published."""
    return f"round:{round_id}"


class Pipeline:
    """Runs rounds: `defer` puts a step on the queue, the queue calls `run_step`."""

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        *,
        calls: CallsFirst,
        engine: MealEngine,
        stores: Stores,
        lift: Callable[[uuid.UUID], LiftPairs],
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._calls = calls
        self._engine = engine
        self._stores = stores
        self._lift = lift
        self._task = jobs.task("recommend.step", self.run_step, ROUNDS)
        self._steps: dict[int, Callable[[sql.Work], Awaitable[StepResult]]] = {
            1: self._suggest_meal,
            2: self._make_todos,
            3: self._suggest_items,
            4: self._make_offers,
        }

    async def defer(
        self, conn: Connection, round_id: uuid.UUID, step: int, in_flight: int = 0
    ) -> None:
        """Put a step of a round on the queue, in the transaction of `conn`.

        in_flight: how many other rounds of the tenant were under way when this one came.
        """
        queue, priority = (BEGIN, _turn(in_flight)) if step == 1 else (ROUNDS, step)
        await self._jobs.defer(
            conn,
            self._task,
            queue=queue,
            priority=priority,
            round_id=str(round_id),
            step=step,
        )

    async def run_step(self, context: JobContext, round_id: str, step: int) -> None:
        """Run a step unless its result is there already, then defer the next one."""
        await self._calls.give_way()
        identifier = uuid.UUID(round_id)
        row = await sql.read_work(self._database, identifier)
        if row is None or row.status != IN_PROGRESS or row.steps_done != step - 1:
            return
        started = time.perf_counter()
        try:
            if context.job.attempts > MAX_INTERRUPTIONS:
                raise StepFailed("interrupted too often")
            result = await self._work(row, step, context.job.attempts)
        except StepFailed as failure:
            await self._fail(identifier, row.tenant_id, step, failure.reason)
            return
        if await self._save(identifier, step, result):
            STEPS.labels(STEP_NAMES[step], "done").inc()
            STEP_SECONDS.labels(STEP_NAMES[step]).observe(time.perf_counter() - started)

    async def _work(self, row: sql.Work, step: int, attempts: int) -> StepResult:
        try:
            async with asyncio.timeout(STEP_DEADLINE_SECONDS):
                return await self._steps[step](row)
        except MealError as error:
            raise StepFailed(error.reason) from error
        except StoreUnavailable as error:
            raise StepFailed(str(error)) from error
        except TimeoutError as error:
            raise StepFailed("upstream timeout") from error
        except Exception as error:
            if attempts + 1 < MAX_ATTEMPTS:
                raise
            log.exception("round_step_failed", step=STEP_NAMES[step])
            raise StepFailed("internal error") from error

    async def _save(self, round_id: uuid.UUID, step: int, result: StepResult) -> bool:
        async with self._database.begin() as conn:
            saved = await sql.save_step(
                conn,
                round_id,
                step,
                part=result.part.SerializeToString(),
                meal=result.meal,
                analyst_comments=result.analyst_comments,
            )
            if saved:
                if step < LAST_STEP:
                    await self.defer(conn, round_id, step + 1)
                await publish(conn, round_topic(round_id))
        return saved

    async def _fail(
        self, round_id: uuid.UUID, tenant_id: uuid.UUID, step: int, reason: str
    ) -> None:
        """End the round in error and give its credit back."""
        error = f"{STEP_NAMES[step]} failed: {reason}"
        async with self._database.begin() as conn:
            if await sql.fail_round(conn, round_id, step, error):
                await refund_credit(conn, tenant_id, round_id)
                await publish(conn, round_topic(round_id))
                STEPS.labels(STEP_NAMES[step], "error").inc()
                log.warning("round_failed", round_id=str(round_id), error=error)

    async def _suggest_meal(self, row: sql.Work) -> StepResult:
        history = await sql.read_history(self._database, row.chat_id, row.round_no)
        meal = await suggest_meal(self._engine, row, history)
        return StepResult(pb.Round(), meal=meal.model_dump(mode="json"))

    async def _make_todos(self, row: sql.Work) -> StepResult:
        todos = await make_todos(
            Meal.model_validate(row.meal), self._stores.of_tenant(row.tenant_id)
        )
        return StepResult(pb.Round(todos=todos))

    async def _suggest_items(self, row: sql.Work) -> StepResult:
        suggestions = await suggest_items(
            todos=pb.Round.FromString(row.results).todos,
            lift=self._lift(row.tenant_id),
            store=self._stores.of_tenant(row.tenant_id),
            excluded_terms=_excluded(row),
        )
        return StepResult(
            pb.Round(recommended_items=suggestions.items),
            analyst_comments=suggestions.analyst_comments,
        )

    async def _make_offers(self, row: sql.Work) -> StepResult:
        so_far = pb.Round.FromString(row.results)
        offers = await make_offers(
            todos=so_far.todos,
            recommended=so_far.recommended_items,
            lift=self._lift(row.tenant_id),
            store=self._stores.of_tenant(row.tenant_id),
            excluded_terms=_excluded(row),
        )
        return StepResult(
            pb.Round(notifications=offers.notifications), analyst_comments=offers.analyst_comments
        )


def _turn(in_flight: int) -> int:
    """Return the priority of a first step: below every other step's, the lower the later it came.

    Each round of its tenant that is under way counts as if this one had come a second later: a
    tenant with a backlog lets others pass, but nobody for ever.
    """
    return -(int(time.time()) - _TURNS_SINCE + in_flight)


def _excluded(row: sql.Work) -> frozenset[str]:
    return excluded_words(Meal.model_validate(row.meal).constraints, row.age)


class StepFailed(Exception):
    """The round can't go on. `reason` is safe to show to a client."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
