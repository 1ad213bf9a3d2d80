"""Pairs in Postgres: replaced as a whole, kept apart by tenant; and the demo's seed."""

import asyncio
import dataclasses
import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from core.platform.database import Database
from core.shop.catalogue.embedded import EmbeddedStores
from core.shop.catalogue.import_catalogue import ImportCatalogue, import_catalogue
from core.shop.lift.orders import read_catalogue
from core.shop.lift.port import Pair
from core.shop.lift.seed import CATALOGUE, orders_file, orders_of_demo_store, seed_demo_lift
from core.shop.lift.sql import TenantLiftPairs, replace_pairs
from core.shop.meal.models import Constraints
from core.shop.recommend.choosing.exclusions import excluded_words
from core.shop.recommend.steps.items import suggest_items
from core.shop.recommend.steps.offers import make_offers
from core.shop.tenants.sql import create_tenant
from tests.support import tables
from tests.unit.shop.recommend.lift_fakes import todos

# Ibis 12 still calls DuckDB by a name that DuckDB 2 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

A = Pair(1, 2, lift=2.5, support=0.1, confidence=0.5, co_count=10, customers=7)
B = Pair(1, 3, lift=3.5, support=0.2, confidence=0.25, co_count=20, customers=9)
C = Pair(2, 1, lift=2.5, support=0.1, confidence=0.4, co_count=10, customers=7)


async def put(database: Database, tenant_id: uuid.UUID, *pairs: Any) -> Any:
    async with database.begin() as conn:
        return await replace_pairs(conn, tenant_id, pairs)


async def test_pairs_come_back_as_stored_the_highest_lift_first(
    database: Database, tenant: Any
) -> None:
    lift = TenantLiftPairs(database, tenant.id)
    assert await lift.pairs_for([1]) == []
    assert await put(database, tenant.id, A, B, C) == 3
    assert await lift.pairs_for([1]) == [B, A]
    assert await lift.pairs_for([2, 1, 99]) == [B, A, C]
    assert await lift.pairs_for([]) == []


async def test_new_pairs_take_the_place_of_all_old_ones(database: Database, tenant: Any) -> None:
    await put(database, tenant.id, A, B)
    fresh = dataclasses.replace(A, lift=9.0)
    assert await put(database, tenant.id, fresh) == 1
    assert await TenantLiftPairs(database, tenant.id).pairs_for([1]) == [fresh]
    assert await put(database, tenant.id) == 0
    assert await TenantLiftPairs(database, tenant.id).pairs_for([1]) == []


async def test_a_failed_replacement_leaves_the_old_pairs(database: Database, tenant: Any) -> None:
    await put(database, tenant.id, A)
    with pytest.raises(Exception, match="duplicate key"):
        await put(database, tenant.id, B, B)
    assert await TenantLiftPairs(database, tenant.id).pairs_for([1]) == [A]


async def test_two_replacements_at_once_take_turns(database: Database, tenant: Any) -> None:
    await asyncio.gather(*(put(database, tenant.id, A, B, C) for _ in range(4)))
    assert len(await TenantLiftPairs(database, tenant.id).pairs_for([1, 2])) == 3


async def test_tenants_do_not_see_each_others_pairs(database: Database, tenant: Any) -> None:
    async with database.begin() as conn:
        other = await create_tenant(conn, "other", "ko")
    await put(database, tenant.id, A)
    await put(database, other, B)
    assert await TenantLiftPairs(database, tenant.id).pairs_for([1]) == [A]
    assert await TenantLiftPairs(database, other).pairs_for([1]) == [B]
    async with tables(database) as conn:
        await conn.execute(text("DELETE FROM tenants WHERE id = :id"), {"id": other})
    assert await TenantLiftPairs(database, other).pairs_for([1]) == []


@pytest.fixture
async def demo(database: Database, tenant: Any, tmp_path: Path) -> Any:
    """The demo store with its lift: (store, lift)."""
    async with database.begin() as conn:
        await import_catalogue(conn, ImportCatalogue(tenant.id, CATALOGUE.parent))
    count = await seed_demo_lift(database, tenant.id, tmp_path)
    assert count > 10_000
    assert orders_file(tmp_path, tenant.id).is_file()
    return EmbeddedStores(database).of_tenant(tenant.id), TenantLiftPairs(database, tenant.id)


async def test_the_demo_store_suggests_what_was_planted(demo: Any) -> None:
    store, lift = demo
    planted = {
        (pair.product_id, pair.other_id): pair.lift for pair in orders_of_demo_store().planted
    }
    catalogue = read_catalogue(CATALOGUE)
    curry, onion = (
        next(i.id for i in catalogue if term in i.terms) for term in ("고형 카레", "양파")
    )
    listed = todos(*await store.batch_get_products([curry, onion]))

    found = await suggest_items(todos=listed, lift=lift, store=store)
    cross = [item.product.id for item in found.items if item.reason == "cross-sell"]
    partners = {other for product, other in planted if product == curry}
    assert partners
    assert partners <= set(cross)
    assert {item.reason for item in found.items} == {"cross-sell", "upsell", "impulse"}
    assert 5 <= len(found.items) <= 6

    offers = await make_offers(todos=listed, recommended=found.items, lift=lift, store=store)
    made = offers.notifications
    assert len(made.ad.items) == 3
    assert made.ad.HasField("signage")
    assert made.ad.items[0].method == "copurchase_lift"
    assert made.ad.items[0].zone_name
    assert made.coupon
    assert all(coupon.HasField("location") for coupon in made.coupon)


async def test_what_is_excluded_is_found_by_the_stores_search(demo: Any) -> None:
    store, lift = demo
    spaghetti = next(i.id for i in read_catalogue(CATALOGUE) if "스파게티면" in i.terms)
    listed = todos(*await store.batch_get_products([spaghetti]))
    sections = {}
    for terms in ([], ["레드와인"]):
        found = await suggest_items(todos=listed, lift=lift, store=store, excluded_terms=terms)
        sections[bool(terms)] = {item.product.name for item in found.items}
    assert any("카베르네" in name for name in sections[False])
    assert not any("카베르네" in name for name in sections[True])


async def test_a_chat_without_alcohol_is_offered_none(demo: Any) -> None:
    store, lift = demo
    belly = next(i.id for i in read_catalogue(CATALOGUE) if "삼겹살" in i.terms)
    options = {
        "todos": todos(*await store.batch_get_products([belly])),
        "lift": lift,
        "store": store,
    }

    async def sections(words: Any) -> Any:
        found = await suggest_items(**options, excluded_terms=words)
        offers = await make_offers(**options, recommended=found.items, excluded_terms=words)
        made = offers.notifications
        return {i.product.section_code for i in [*found.items, *made.ad.items, *made.coupon]}  # type: ignore[attr-defined]

    assert "AL" in await sections(())
    words = excluded_words(Constraints(excluded=("group:alcohol",)))
    assert "AL" not in await sections(words)
