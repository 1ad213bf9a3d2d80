"""Compute a tenant's pairs from order lines, wherever these are.

Only a one-shot process imports this module (Ibis, DuckDB, pyarrow).
"""

from __future__ import annotations

import csv
import math
import re
from datetime import UTC, datetime
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from core.lift.expression import lift_pairs
from core.lift.port import Pair
from core.store.importer import Problem

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
    """The orders can't be used. The message says why, one problem a line."""


def pairs_from_url(url: str, table: str) -> list[Pair]:
    """The pairs of a table of order lines in any database Ibis connects to.

    url: an Ibis connection string, for example duckdb:///data/shop.duckdb or
    bigquery://project/dataset. The lines stay there: only the pairs travel.
    """
    try:
        lines = ibis.connect(url).table(table)
    except Exception as error:  # each backend raises its own
        raise OrdersError(f"{table} of {url.split('://')[0]}: {error}") from error
    return _run(lines, f"table {table}")


def pairs_from_parquet(path: Path) -> list[Pair]:
    """The pairs of a Parquet file of order lines."""
    return _run(ibis.duckdb.connect().read_parquet(path), path.name)


def _run(lines: ir.Table, what: str) -> list[Pair]:
    if missing := [name for name in NEEDED if name not in lines.columns]:
        raise OrdersError(f"{what}: no column {', '.join(missing)}")
    if not lines.product_id.type().is_integer():
        raise OrdersError(f"{what}: column product_id holds no whole numbers")
    return [Pair(**row) for row in lift_pairs(lines).to_pyarrow().to_pylist()]


def read_orders(path: Path) -> pa.Table:
    """Order lines from a .csv or .parquet file, checked.

    Columns: order_id, customer_id (may be empty), product_id (the store's number); optional
    ordered_at (ISO 8601) and quantity (0 or less: a return). Other columns are left out.
    Raises OrdersError that names every problem, in CSV by line and column; of many the first 20.
    """
    if path.suffix == ".csv":
        return _read_csv(path)
    if path.suffix != ".parquet":
        raise OrdersError(f"{path.name}: neither .csv nor .parquet")
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
    return pa.table(columns)


def _read_csv(path: Path) -> pa.Table:
    problems: list[Problem] = []

    def wrong(message: str, column: str | None = None, value: str | None = None) -> None:
        problems.append(Problem(path.name, reader.line_num, column, value, message))

    try:
        file = path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise OrdersError(f"{path.name}: {error.strerror}") from error
    with file:
        reader = csv.reader(file, strict=True)
        columns: dict[str, list[object]] = {}
        try:
            header = next(reader, [])
            for name in NEEDED:
                if name not in header:
                    wrong("the column is missing", name)
            columns = {name: [] for name in SCHEMA.names if name in header}
            for row in () if problems else reader:
                if not row:
                    continue
                if len(row) != len(header):
                    wrong(f"{len(row)} values for {len(header)} columns")
                    continue
                values = dict(zip(header, row, strict=True))
                for name, column in columns.items():
                    try:
                        column.append(_value(name, values[name].strip()))
                    except ValueError as error:
                        wrong(str(error), name, values[name])
        except (csv.Error, UnicodeDecodeError) as error:
            wrong(f"can't be read: {error}")
    if problems:
        more = len(problems) - MOST_PROBLEMS
        tail = [f"… and {more} more"] if more > 0 else []
        raise OrdersError("\n".join([*map(str, problems[:MOST_PROBLEMS]), *tail]))
    return pa.table(
        {name: pa.array(column, SCHEMA.field(name).type) for name, column in columns.items()}
    )


def _value(name: str, text: str) -> object:
    """A CSV value as SCHEMA wants it; ValueError says what is wrong with it."""
    if name == "order_id" and not text:
        raise ValueError("is empty")
    if name in ("order_id", "customer_id"):
        return text or None
    if name == "product_id":
        if not re.fullmatch(r"[0-9]{1,18}", text):
            raise ValueError("is not a whole number")
        return int(text)
    if not text:
        return None
    if name == "quantity":
        try:
            quantity = float(text)
        except ValueError:
            quantity = math.nan
        if not math.isfinite(quantity):
            raise ValueError("is not a number")
        return quantity
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a time like 2026-05-21T18:30:00") from None
    return when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when
