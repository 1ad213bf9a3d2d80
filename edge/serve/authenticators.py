"""Who may call: an authenticator for each access level that the contract's methods name.

It fails closed. A contract with a level that nobody checks is not served, and what an
authenticator does not vouch for never reaches a servicer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from edge.contract.model import PUBLIC, Contract, ContractError
from edge.reply.errors import ApiError
from edge.serve.call import Call
from edge.v1 import annotations_pb2 as rest

Authenticator = Callable[[Call], Awaitable[object | None]]
"""Returns who makes the call, which becomes `call.identity`; None when it can't tell."""


class Authentication:
    """Asks the authenticator of a call's access level."""

    def __init__(self, contract: Contract, authenticators: Mapping[str, Authenticator]) -> None:
        """Raise ContractError naming each method that nobody would check."""
        problems = [
            f"{method.path[1:]}: no authenticator for access {method.access!r}"
            for method in contract.methods.values()
            if method.access != PUBLIC and method.access not in authenticators
        ]
        if PUBLIC in authenticators:
            problems.append(f"an authenticator for {PUBLIC!r} would never be asked")
        if problems:
            raise ContractError(problems)
        self._authenticators = dict(authenticators)

    async def check(self, call: Call) -> None:
        """Set `call.identity`. Raise the surface's reason for a missing credential."""
        if call.method.access == PUBLIC:
            return
        call.identity = await self._authenticators[call.method.access](call)
        if call.identity is None:
            raise ApiError(rest.CONDITION_UNAUTHENTICATED)
