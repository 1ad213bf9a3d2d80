"""`onegenie auth`: what signs people in."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from core.cli.common import fail, out
from core.platform.clock import utc_now
from core.platform.settings import load_settings
from core.platform.signing import add_key, check

app = typer.Typer(help="Keys that sign access tokens and links.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keys that sign access tokens and links."""


@app.command("rotate-key")
def rotate_key(
    minutes: Annotated[
        int,
        typer.Option(
            "--in",
            min=0,
            max=10_080,
            help="Minutes until it signs: time to bring the file to the other machines.",
        ),
    ] = 0,
) -> None:
    """Put a new key first in the set; what the old ones signed still works."""
    path = load_settings().token_keys_file
    try:
        check(path)
        kid = add_key(path, utc_now() + timedelta(minutes=minutes) if minutes else None)
    except FileNotFoundError:
        fail(f"{path}: no such file; the first start makes it")
    except ValueError as error:
        fail(f"{path}: {error}")
    when = f" in {minutes} minutes" if minutes else ""
    out.print(f"key {kid} signs{when}")
