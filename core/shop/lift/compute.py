"""Compute a tenant's pairs from order lines, wherever these are.

Only a one-shot process imports this module (Ibis, DuckDB, pyarrow).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from core.platform.csv import (
    ADVICE,
    NO_ROWS,
    Bad,
    Column,
    Problems,
    each_row,
    parse_decimal,
    parse_text,
)
from core.shop.lift.expression import lift_pairs
from core.shop.lift.port import Pair

SCHEMA = pa.schema(
    [
        ("order_id", pa.string()),
        ("customer_id", pa.string()),
        ("product_id", pa.int64()),
        ("ordered_at", pa.timestamp("us")),
        ("quantity", pa.float64()),
    ]
)
NEEDED = ("order_id", "customer_id", "product_id")
MOST_PROBLEMS = 20


class OrdersError(Exception):
    """The orders cannot be used. The message names each problem, one a line."""


def pairs_from_url(url: str, table: str, *, allow_empty: bool = False) -> list[Pair]:
    """Compute the pairs of a table of order lines in any database that Ibis connects to.

    url: an Ibis connection string, for example duckdb:///data/shop.duckdb or
    bigquery://project/dataset. The lines stay there: only the pairs travel. Raises OrdersError.
    """
    try:
        lines = ibis.connect(url).table(table)
    except Exception as error:  # each backend raises its own
        raise OrdersError(f"{table} of {url.split('://')[0]}: {error}") from error
    return _run(lines, f"table {table}", allow_empty)


def pairs_from_parquet(path: Path, *, allow_empty: bool = False) -> list[Pair]:
    """Compute the pairs of a Parquet file of order lines. Raises OrdersError."""
    return _run(ibis.duckdb.connect().read_parquet(path), path.name, allow_empty)


def _run(lines: ir.Table, what: str, allow_empty: bool) -> list[Pair]:
    if missing := [name for name in NEEDED if name not in lines.columns]:
        raise OrdersError(f"{what}: no column {', '.join(missing)}")
    if not lines.product_id.type().is_integer():
        raise OrdersError(f"{what}: column product_id holds no whole numbers")
    pairs = [Pair(**row) for row in lift_pairs(lines).to_pyarrow().to_pylist()]
    if not pairs and not allow_empty and not lines.count().to_pyarrow().as_py():
        raise OrdersError(f"{what}: {NO_ROWS}")
    return pairs


def read_orders(path: Path, *, allow_empty: bool = False) -> pa.Table:
    """Read and check the order lines of a .csv or .parquet file.

    Columns: order_id, customer_id (may be empty), product_id (the store's number); optional
    ordered_at (ISO 8601) and quantity (0 or less: a return). Other columns are left out.
    Raises OrdersError that names the first 20 problems, those of a CSV file by line and column;
    also for a file without a line, unless `allow_empty`.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _read_csv(path, allow_empty)
    if suffix != ".parquet":
        raise OrdersError(f"{path.name}: neither .csv nor .parquet: {ADVICE}")
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise OrdersError(f"{path.name}: {error}") from error
    if missing := [name for name in NEEDED if name not in table.column_names]:
        raise OrdersError(f"{path.name}: no column {', '.join(missing)}")
    columns = {}
    for field in SCHEMA:
        if field.name in table.column_names:
            try:
                columns[field.name] = table[field.name].cast(field.type)
            except pa.ArrowException as error:
                raise OrdersError(f"{path.name}: column {field.name}: {error}") from error
            if field.name in ("order_id", "product_id") and columns[field.name].null_count:
                raise OrdersError(f"{path.name}: column {field.name}: has empty values")
    if not table.num_rows and not allow_empty:
        raise OrdersError(f"{path.name}: {NO_ROWS}")
    return pa.table(columns)


def _read_csv(path: Path, allow_empty: bool) -> pa.Table:
    problems = Problems()
    columns: dict[str, list[object]] = {name: [] for name in SCHEMA.names}
    for row in each_row(path, _COLUMNS, problems, allow_empty=allow_empty, allow_others=True):
        for name, values in columns.items():
            values.append(row.values[name])
    if problems.total:
        more = problems.total - MOST_PROBLEMS
        tail = [f"… and {more} more"] if more > 0 else []
        head = f"{path.name} can't be read, nothing was imported:"
        raise OrdersError("\n".join([head, *map(str, problems.kept[:MOST_PROBLEMS]), *tail]))
    return pa.table({name: pa.array(columns[name], SCHEMA.field(name).type) for name in columns})


def _product_id(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text):
        parse_text(text)
        raise Bad("is not a whole number")
    return int(text)


def _time(text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text)
        return when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when
    except (ValueError, OverflowError):
        raise Bad("is not a time like 2026-05-21T18:30:00") from None


_COLUMNS = (
    Column("order_id", required=True),
    # The column must be there, its values need not.
    Column("customer_id", required=True, may_be_empty=True),
    Column("product_id", _product_id, required=True),
    Column("ordered_at", _time),
    Column("quantity", parse_decimal(-1e9, 1e9)),
)
