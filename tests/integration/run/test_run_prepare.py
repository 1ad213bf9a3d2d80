"""What stops the preparation of the database says so in a line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.envoy_front import free_port


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    url = f"postgresql://user:hunter2@127.0.0.1:{free_port()}/db"
    ran = subprocess.run(
        [sys.executable, "-m", "core.run.prepare"],
        env=os.environ | {"DATABASE_URL": url, "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    (line,) = ran.stderr.splitlines()
    assert line.startswith("DATABASE_URL: the database says: connection failed")
    assert "hunter2" not in line
