"""GrantCredit: the operator gives a tenant credit, or takes some away."""

from __future__ import annotations

import structlog
from onegenie.error.v1.reasons import SdkReason

from core.platform.database import Database
from core.platform.idempotency import check_key, used_for_another_request
from core.shop.tenants import grant_credit as credit
from core.shop.tenants.grant_credit import GrantCredit, UsedForAnotherGrant
from edge import ApiError, FieldViolation, invalid

log = structlog.get_logger(__name__)


async def grant_credit(database: Database, command: GrantCredit) -> int:
    """Change a tenant's credit and return the new balance.

    A grant that has come before under its idempotency key changes nothing. Raises NOT_FOUND, and
    INVALID_REQUEST, which names the amount or the idempotency key.
    """
    if command.amount == 0:
        raise invalid(FieldViolation("amount", "must not be 0"))
    check_key(command.idempotency_key)
    try:
        async with database.begin() as conn:
            balance = await credit.grant_credit(conn, command)
    except LookupError:
        raise ApiError(SdkReason.NOT_FOUND, "There is no such tenant.") from None
    except ValueError as error:
        raise invalid(FieldViolation("amount", str(error))) from None
    except UsedForAnotherGrant:
        raise used_for_another_request() from None
    log.info("credit_granted", tenant_id=str(command.tenant_id), amount=command.amount)
    return balance
