"""The command line: `onegenie`."""

from __future__ import annotations

import os

import psycopg
import typer
from rich.text import Text
from sqlalchemy.exc import DBAPIError

from core.cli import auth, credit, key, lift, mission, store, tenant
from core.cli.common import err, visible
from core.cli.recommend import recommend
from core.cli.restart import restart
from core.cli.serve import serve_meal, serve_store
from core.cli.signage import signage
from core.cli.up import up

app = typer.Typer(
    help="Shopping rounds in a store, and missions in a room.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command()(up)
app.command()(restart)
app.command()(recommend)
app.command()(signage)
app.command()(serve_store)
app.command()(serve_meal)
app.add_typer(tenant.app, name="tenant")
app.add_typer(key.app, name="key")
app.add_typer(auth.app, name="auth")
app.add_typer(credit.app, name="credit")
app.add_typer(store.app, name="store")
app.add_typer(lift.app, name="lift")
app.add_typer(mission.app, name="mission")


def main() -> None:
    """Entry point of the `onegenie` command."""
    # What it writes (logs, sockets, order lines, demo.env) is the user's own.
    os.umask(0o077)
    try:
        app()
    except (psycopg.Error, DBAPIError) as error:
        # The latter is what a migration raises.
        lines = str(getattr(error, "orig", None) or error).strip().splitlines()
        err.print(Text.assemble(("onegenie:", "red"), " the database says: ", visible(lines[0])))
        raise SystemExit(1) from None
