"""`onegenie restart`: new processes and settings, without a call lost."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from core.cli.common import fail, visible
from core.platform.settings import Settings
from core.run.control import RestartError, ask_restart


def restart() -> None:
    """Restart what serves on DATA_DIR, a core process at a time, with changed settings.

    Settings that this command's environment has take the place of the service's; an empty one
    unsets it, all others stay. See docs/operations.md.
    """
    data = Path(os.environ.get("DATA_DIR") or "var").expanduser().resolve()
    try:
        for line in ask_restart((data / "run").resolve(), _settings()):
            print(visible(line), flush=True)
    except RestartError as error:
        for line in str(error).splitlines():
            typer.echo(f"onegenie: {visible(line)}", err=True)
        raise typer.Exit(error.code) from None
    except PermissionError:
        fail(f"{data}: it is another user who serves there")
    except OSError:
        fail(f"{data}: nothing is up there. Set DATA_DIR, or start the service with `onegenie up`.")


def _settings() -> dict[str, str]:
    """Return the settings of this environment; paths as this process understands them."""
    given = {name.upper(): value for name, value in os.environ.items()}
    found = {}
    for name, field in Settings.model_fields.items():
        if name != "data_dir" and (value := given.get(name.upper())) is not None:
            is_path = field.annotation in (Path, Path | None)
            found[name.upper()] = str(Path(value).absolute()) if is_path and value else value
    return found
