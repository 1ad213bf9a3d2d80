"""Co-purchase lift as one Ibis expression: the same on DuckDB, Spark, BigQuery, Trino, Snowflake …

Only a one-shot process imports this module: Ibis and its friends weigh some 100 MB in memory.

For N baskets, of which n(a) hold product a, n(b) hold b and n(a, b) hold both, c distinct
customers standing behind the n(a, b):

    support    = n(a, b) / N
    confidence = n(a, b) / n(a)
    raw lift   = n(a, b) · N / (n(a) · n(b))
    lift       = 1 + (raw lift - 1) · c / (c + prior_customers)

The last line pulls a pair that few customers made towards 1, "no link": one household that buys
the same two things every week is a habit, not a pattern of the store. It is the usual shrinkage of
an estimate towards its prior by sample size, with the customers as the sample: at
c = prior_customers half of the distance from 1 is left.
"""

import ibis
import ibis.expr.types as ir

from core.shop.lift.port import MIN_CO_COUNT, MIN_CUSTOMERS, PRIOR_CUSTOMERS, TOP


def lift_pairs(
    lines: ir.Table,
    *,
    min_co_count: int = MIN_CO_COUNT,
    min_customers: int = MIN_CUSTOMERS,
    prior_customers: int = PRIOR_CUSTOMERS,
    top: int = TOP,
) -> ir.Table:
    """Directed pairs from order lines.

    lines: order_id, customer_id, product_id; other columns are not read, but for `quantity`:
    where there is one, lines of 0 or less (returns) do not count, empty means 1. A product
    counts once a basket. A line without a customer counts as a basket, but adds no customer.

    Returns product_id, other_id, lift, support, confidence, co_count, customers (see
    core.shop.lift.port.Pair): pairs of at least min_co_count baskets and min_customers customers,
    the `top` highest lifts of each product.
    """
    if "quantity" in lines.columns:
        lines = lines.filter(lines.quantity.fill_null(1) > 0)
    lines = lines.select("order_id", "customer_id", "product_id").distinct()
    baskets = lines.aggregate(baskets=lines.order_id.nunique())
    bought = lines.group_by("product_id").aggregate(bought=lines.order_id.nunique())

    left, right = lines, lines.view()
    # Each pair is counted once, small id first, and turned round afterwards: half of the join.
    together = (
        left.join(right, [left.order_id == right.order_id, left.product_id < right.product_id])
        .select(
            order_id=left.order_id,
            customer_id=left.customer_id,
            product_id=left.product_id,
            other_id=right.product_id,
        )
        .group_by("product_id", "other_id")
        .aggregate(
            co_count=lambda t: t.order_id.nunique(), customers=lambda t: t.customer_id.nunique()
        )
        .filter(lambda t: (t.co_count >= min_co_count) & (t.customers >= min_customers))
    )
    turned = together.select(
        product_id=together.other_id,
        other_id=together.product_id,
        co_count=together.co_count,
        customers=together.customers,
    )
    directed = ibis.union(together, turned)
    of_product = bought.select(product_id=bought.product_id, n_product=bought.bought)
    of_other = bought.select(other_id=bought.product_id, n_other=bought.bought)
    counted = (
        directed.inner_join(of_product, "product_id")
        .inner_join(of_other, "other_id")
        .cross_join(baskets)
        .mutate(raw=lambda t: t.co_count.cast("float64") * t.baskets / (t.n_product * t.n_other))
    )
    figures = counted.select(
        product_id=counted.product_id,
        other_id=counted.other_id,
        lift=1 + (counted.raw - 1) * counted.customers / (counted.customers + prior_customers),
        support=counted.co_count.cast("float64") / counted.baskets,
        confidence=counted.co_count.cast("float64") / counted.n_product,
        co_count=counted.co_count,
        customers=counted.customers,
    )
    best = ibis.window(
        group_by="product_id",
        order_by=[ibis.desc("lift"), ibis.desc("co_count"), "other_id"],
    )
    return (
        figures.mutate(place=ibis.row_number().over(best))
        .filter(lambda t: t.place < top)  # row_number counts from 0
        .drop("place")
    )
