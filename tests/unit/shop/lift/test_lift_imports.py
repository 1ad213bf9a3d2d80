"""What the core's processes import of lift stays light."""

import subprocess
import sys

HEAVY = ("ibis", "duckdb", "pandas", "pyarrow", "numpy", "sqlglot")


def test_serving_and_the_command_line_import_no_data_frames() -> None:
    modules = (
        "core.shop.lift.sql, core.shop.lift.tables, core.shop.recommend.steps.offers, core.cli.lift"
    )
    code = f"import sys, {modules}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
