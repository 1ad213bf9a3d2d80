"""`make check`: format, lint, types, the contract's lint and breaking changes, gen/ up to date."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent
# The contract as clients in the field have it: buf compares against it.
RELEASED = "tests/data/released-contract.binpb"


def main() -> int:
    """Run every check, also after one failed; the number of failures."""
    python, buf = sys.executable, str(BIN / "buf")
    checks = {
        "format": [python, "-m", "ruff", "format", "--check", "--quiet", "."],
        "lint": [python, "-m", "ruff", "check", "--quiet", "."],
        "types": [python, "-m", "mypy"],
        "contract lint": [buf, "lint"],
        "contract breaking": [buf, "breaking", "proto", "--against", RELEASED],
        "contract format": [buf, "format", "--diff", "--exit-code", "proto"],
        "gen up to date": [python, "-m", "edge.gen", "--pyi", "--check"],
    }
    failed = [name for name, command in checks.items() if not _passes(name, command)]
    print(f"{len(checks) - len(failed)} passed, {len(failed)} failed")
    if failed:
        print("failed: " + ", ".join(failed))
    return len(failed)


def _passes(name: str, command: list[str]) -> bool:
    started = time.monotonic()
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    mark = "ok" if result.returncode == 0 else "FAILED"
    print(f"{mark:>6}  {name} ({time.monotonic() - started:.1f} s)", flush=True)
    if result.returncode:
        print(result.stdout + result.stderr)
    return result.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
