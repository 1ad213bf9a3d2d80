"""The lift expression: exact figures on DuckDB, and the same expression on other backends."""

from typing import Any

import ibis
import pyarrow as pa
import pytest
from ibis.config import Config

from core.shop.lift.expression import lift_pairs


class SparkOptions(Config):  # type: ignore[misc]
    treat_nan_as_null: bool = False


SCHEMA = {"order_id": "int64", "customer_id": "int64", "product_id": "int64"}


# Ibis 12 still calls DuckDB by a name that DuckDB 2 has deprecated.
@pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
def test_ibis_and_its_sql_writer_fit_together() -> None:
    """Not every pair of versions does: a table is made from rows, and dropped."""
    there = ibis.duckdb.connect()
    there.create_table("lines", pa.table({"order_id": [1]}))
    assert there.table("lines").count().to_pyarrow().as_py() == 1
    there.drop_table("lines")


# Ten baskets; 1 and 2 are together in four of them, of three customers.
BASKETS = {
    1: (101, [1, 2]),
    2: (101, [1, 2, 3]),
    3: (102, [1, 2]),
    4: (103, [1, 2, 2]),
    5: (103, [1]),
    6: (104, [3]),
    7: (104, [3, 4]),
    8: (105, [3, 4]),
    9: (105, [4]),
    10: (106, [5]),
}


def table(baskets: Any = BASKETS, **more: Any) -> Any:
    rows = [
        {"order_id": order, "customer_id": customer, "product_id": product, **more}
        for order, (customer, products) in baskets.items()
        for product in products
    ]
    columns = (*SCHEMA, *more)
    return ibis.memtable(
        pa.table({name: pa.array([row[name] for row in rows], pa.int64()) for name in columns})
    )


def pairs(lines: Any, **options: Any) -> Any:
    rows = ibis.duckdb.connect().to_pyarrow(lift_pairs(lines, **options)).to_pylist()
    return {(row["product_id"], row["other_id"]): row for row in rows}


def test_figures_are_those_worked_out_by_hand() -> None:
    found = pairs(table(), min_co_count=2, min_customers=2, prior_customers=3)
    assert set(found) == {(1, 2), (2, 1), (3, 4), (4, 3)}

    there, back = found[1, 2], found[2, 1]
    # n(1) = 5, n(2) = 4, together 4 of 10 baskets: raw lift 4 * 10 / (5 * 4) = 2,
    # 3 customers: 1 + (2 - 1) * 3 / (3 + 3) = 1.5.
    assert (there["co_count"], there["customers"]) == (4, 3)
    assert there["lift"] == back["lift"] == pytest.approx(1.5)
    assert there["support"] == back["support"] == pytest.approx(0.4)
    assert there["confidence"] == pytest.approx(4 / 5)
    assert back["confidence"] == pytest.approx(4 / 4)

    # n(3) = 4, n(4) = 3, together 2: raw lift 2 * 10 / 12, 2 customers: shrunk by 2 / 5.
    assert found[3, 4]["lift"] == pytest.approx(1 + (20 / 12 - 1) * 0.4)


def test_thresholds_leave_thin_pairs_out() -> None:
    assert (2, 3) in pairs(table(), min_co_count=1, min_customers=1)
    assert (2, 3) not in pairs(table(), min_co_count=2, min_customers=1)
    assert (3, 4) not in pairs(table(), min_co_count=2, min_customers=3)


def test_one_household_counts_less_than_many() -> None:
    one = {order: (1, [1, 2]) for order in range(8)} | {9: (2, [3]), 10: (3, [3])}
    many = {order: (order, [1, 2]) for order in range(8)} | {9: (2, [3]), 10: (3, [3])}
    low = pairs(table(one), min_co_count=1, min_customers=1)[1, 2]
    high = pairs(table(many), min_co_count=1, min_customers=1)[1, 2]
    assert low["co_count"] == high["co_count"] == 8
    assert 1 < low["lift"] < high["lift"] < 10 * 8 / (8 * 8)


def test_only_the_top_of_each_product_is_kept() -> None:
    found = pairs(table(), min_co_count=1, min_customers=1, top=1)
    firsts = [product for product, _ in found]
    assert len(firsts) == len(set(firsts))
    assert (1, 2) in found


def test_returns_do_not_count() -> None:
    assert pairs(table(quantity=0), min_co_count=1, min_customers=1) == {}
    assert (1, 2) in pairs(table(quantity=2), min_co_count=1, min_customers=1)
    assert (1, 2) in pairs(table(quantity=None), min_co_count=1, min_customers=1)


def test_unknown_customers_do_not_count_as_customers() -> None:
    anonymous = {order: (None, [1, 2]) for order in range(8)} | {9: (2, [3])}
    assert pairs(table(anonymous), min_co_count=1, min_customers=1) == {}


@pytest.mark.parametrize("dialect", ["bigquery", "trino", "snowflake", "pyspark", "duckdb"])
def test_the_same_expression_compiles_elsewhere(
    dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Spark's compiler reads an option that its backend registers when its client is installed.
    monkeypatch.setattr(ibis.options, "pyspark", SparkOptions())
    sql = ibis.to_sql(lift_pairs(ibis.table(SCHEMA, name="order_lines")), dialect=dialect)
    assert "order_lines" in sql
    assert "ROW_NUMBER()" in sql.upper()
