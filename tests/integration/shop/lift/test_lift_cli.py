"""`onegenie lift` against a real database."""

import asyncio
import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from core.cli.lift import app
from core.platform.database import open_database
from core.shop.lift.sql import TenantLiftPairs
from core.shop.tenants.sql import create_tenant

# Ibis 12 still calls DuckDB by a name that DuckDB 2 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

HEADER = "order_id,customer_id,product_id,ordered_at,quantity"
# Products 1 and 2 go together in 20 of 40 baskets, each of another customer.
LINES = [f"o{n},c{n},{p},2026-05-21T18:30:00+09:00,1" for n in range(20) for p in (1, 2)]
LINES += [f"p{n},c{n},{3 + n % 2},,2" for n in range(20)]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command; a tenant named "shop" is there."""
    monkeypatch.setenv("DATABASE_URL", database_url.replace("postgresql+psycopg", "postgresql"))
    monkeypatch.setenv("DATA_DIR", str(tmp_path))

    async def prepare() -> Any:
        async with open_database(database_url) as database, database.begin() as conn:
            return await create_tenant(conn, "shop", "ko")

    tenant_id = in_a_loop(prepare())

    def run(*arguments: Any) -> Any:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    run.tenant_id = tenant_id  # type: ignore[attr-defined]
    run.url = database_url  # type: ignore[attr-defined]
    return run


def in_a_loop(work: Any) -> Any:
    return asyncio.run(work)


def stored(run: Any, product: Any) -> Any:
    async def read() -> Any:
        async with open_database(run.url) as database:
            return await TenantLiftPairs(database, run.tenant_id).pairs_for([product])

    return in_a_loop(read())


def csv_file(path: Any, lines: Any, header: Any = HEADER) -> Any:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def test_import_computes_and_show_shows(run: Any, tmp_path: Path) -> None:
    result = run("import", csv_file(tmp_path / "orders.csv", LINES), "--tenant", "shop")
    assert result.exit_code == 0, result.output
    assert "60 order lines, 2 pairs" in result.output
    (pair,) = stored(run, 1)
    assert (pair.other_id, pair.co_count, pair.customers, pair.support) == (2, 20, 20, 0.5)
    # 20 * 40 / (20 * 20) = 2, shrunk by 20 / 30.
    assert pair.lift == pytest.approx(1 + 20 / 30)

    shown = run("show", 1, "--tenant", "shop")
    assert "1.67" in shown.output
    assert "100.0%" in shown.output
    assert run("show", 9, "--tenant", "shop").exit_code == 1


def test_parquet_and_recompute(run: Any, tmp_path: Path) -> None:
    source = csv_file(tmp_path / "orders.csv", LINES)
    parquet = tmp_path / "orders.parquet"
    duckdb.sql(f"COPY (FROM read_csv('{source}')) TO '{parquet}'")
    assert "2 pairs" in run("import", parquet).output
    assert "2 pairs" in run("compute").output


def test_compute_where_the_lines_are(run: Any, tmp_path: Path) -> None:
    source = csv_file(tmp_path / "orders.csv", LINES)
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as conn:
        conn.sql(f"CREATE TABLE sales AS FROM read_csv('{source}')")
    result = run("compute", "--orders-url", f"duckdb://{tmp_path}/shop.duckdb", "--table", "sales")
    assert result.exit_code == 0, result.output
    assert len(stored(run, 1)) == 1

    missing = run("compute", "--orders-url", f"duckdb://{tmp_path}/shop.duckdb", "--table", "none")
    assert missing.exit_code == 1
    assert "none" in missing.output


def test_compute_without_orders_says_so(run: Any) -> None:
    result = run("compute")
    assert result.exit_code == 1
    assert "no orders were imported" in result.output


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("o,c,abc,,1", "line 62, product_id: is not a whole number (it is 'abc')"),
        ("o,c,-1,,1", "line 62, product_id: is not a whole number"),
        (",c,1,,1", "line 62, order_id: is empty"),
        ("o,c,1,,many", "line 62, quantity: is not a number (it is 'many')"),
        ("o,c,1,,nan", "line 62, quantity: is not a number"),
        ("o,c,1,yesterday,1", "line 62, ordered_at: is not a time like"),
        ("o,c,1", "line 62: has 3 columns where the header has 5"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_imported(
    run: Any, tmp_path: Path, line: str, message: str
) -> None:
    result = run("import", csv_file(tmp_path / "orders.csv", [*LINES, line]))
    assert result.exit_code == 1
    assert message in " ".join(result.output.split())
    assert stored(run, 1) == []
    assert not (tmp_path / "orders").exists()


def test_other_wrong_files(run: Any, tmp_path: Path) -> None:
    result = run("import", csv_file(tmp_path / "o.csv", [], "order_id,product"))
    assert "line 1, customer_id: is missing from the header" in result.output
    assert "line 1, product_id: is missing from the header" in result.output
    many = run("import", csv_file(tmp_path / "o.csv", [",c,x,,1"] * 50))
    assert "and 80 more" in many.output
    (tmp_path / "o.parquet").write_text("no parquet")
    assert run("import", tmp_path / "o.parquet").exit_code == 1
    assert "neither .csv nor .parquet" in run("import", tmp_path / "o.xlsx").output
    assert run("import", tmp_path / "missing.csv").exit_code == 1
    (tmp_path / "o.csv").write_bytes(b"order_id,customer_id,product_id\n\xff,1,1\n")
    assert "can't be read" in run("import", tmp_path / "o.csv").output


@pytest.mark.parametrize("name", ["ORDERS.CSV", "orders.Csv", "orders.PARQUET", "Orders.Parquet"])
def test_upper_and_lower_case_of_suffixes(run: Any, tmp_path: Path, name: str) -> None:
    source = csv_file(tmp_path / "o.csv", LINES)
    if name.lower().endswith("parquet"):
        duckdb.sql(f"COPY (FROM read_csv('{source}')) TO '{tmp_path / name}' (FORMAT parquet)")
    else:
        source.rename(tmp_path / name)
    assert "60 order lines, 2 pairs" in run("import", tmp_path / name).output


@pytest.mark.parametrize("name", ["orders", "orders.tsv", "orders.xlsx", "orders.csv.gz", ".csv"])
def test_other_suffixes(run: Any, tmp_path: Path, name: str) -> None:
    csv_file(tmp_path / name, LINES)
    result = run("import", tmp_path / name)
    assert result.exit_code == 1
    assert "neither .csv nor .parquet: save the file as CSV UTF-8" in result.output


SPOILT = {
    "CP949": ("\n".join([HEADER, *LINES]) + "\no,홍길동,1,,1\n").encode("cp949"),
    "Shift-JIS": ("\n".join([HEADER, *LINES]) + "\no,山田,1,,1\n").encode("shift_jis"),
    "UTF-16": "\n".join([HEADER, *LINES]).encode("utf-16"),
    "sep=": "\n".join(["sep=;", HEADER, *LINES]).replace(",", ";").encode(),
    "semicolons": "\n".join([HEADER, *LINES]).replace(",", ";").encode(),
    "tabs": "\n".join([HEADER, *LINES]).replace(",", "\t").encode(),
    "formula": "\n".join([HEADER, *LINES, '="0001",c,1,,1']).encode(),
    "exponent": "\n".join([HEADER, *LINES, "2.02605E+15,c,1,,1"]).encode(),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_what_a_spreadsheet_spoilt_is_not_imported(run: Any, tmp_path: Path, kind: str) -> None:
    assert "2 pairs" in run("import", csv_file(tmp_path / "good.csv", LINES)).output
    file = tmp_path / "orders.csv"
    file.write_bytes(SPOILT[kind])
    result = run("import", file)
    assert result.exit_code == 1
    line = {"CP949": 62, "Shift-JIS": 62, "formula": 62, "exponent": 62}.get(kind, 1)
    said = " ".join(result.output.split())
    assert f"orders.csv, line {line}" in said
    assert "save the file as CSV UTF-8" in said
    assert len(stored(run, 1)) == 1


def test_no_lines_replace_no_pairs_unless_told(run: Any, tmp_path: Path) -> None:
    assert "2 pairs" in run("import", csv_file(tmp_path / "good.csv", LINES)).output
    empty = csv_file(tmp_path / "orders.csv", [])
    parquet = tmp_path / "orders.parquet"
    types = "order_id VARCHAR, customer_id VARCHAR, product_id BIGINT"
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as conn:
        conn.sql(f"CREATE TABLE sales ({types})")
        conn.sql(f"COPY sales TO '{parquet}'")
    elsewhere = ("--orders-url", f"duckdb://{tmp_path}/shop.duckdb", "--table", "sales")
    commands = [("import", empty), ("import", parquet), ("compute", *elsewhere)]
    for command in commands:
        result = run(*command)
        assert (result.exit_code, "--allow-empty" in result.output) == (1, True)
        assert len(stored(run, 1)) == 1
    for command in commands:
        result = run(*command, "--allow-empty")
        assert result.exit_code == 0, result.output
        assert stored(run, 1) == []


def test_times_with_an_offset_are_kept_in_utc(tmp_path: Path) -> None:
    from core.shop.lift.compute import read_orders

    table = read_orders(csv_file(tmp_path / "o.csv", LINES[:1]))
    assert table["ordered_at"].to_pylist() == [datetime.datetime(2026, 5, 21, 9, 30)]
