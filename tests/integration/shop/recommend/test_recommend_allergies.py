"""Nothing is offered against an allergy: not as an item, an ad, a coupon or at a coupon spot.

The store's products are named as stores name them, in compounds, and carry no search terms.
"""

from __future__ import annotations

import re
from pathlib import Path

import grpc
import pytest
from onegenie.recommend.v1 import recommend_pb2 as pb

from core.platform.database import Database
from core.shop.catalogue.import_catalogue import ImportCatalogue, import_catalogue
from tests.support import Shopper, add_profile, make_shopper

LISTED = [
    "두부", "애호박", "양파", "대파", "쌀", "감자", "된장", "고추장", "간장", "달걀",
    "돼지고기", "마늘", "버섯",
]  # fmt: skip
OFFERED = [
    "숯불닭꼬치 10개입", "순살닭강정", "닭개장 600g", "치킨텐더", "에그타르트 4개",
    "바닐라라떼", "딸기쉐이크", "버터갈릭새우", "치즈돈까스", "김치볶음우동", "굴튀김",
    "굴비정식", "간장게장", "게살스프", "콩국수", "검은콩두유라떼", "땅콩강정", "호두과자",
    "아몬드우유", "망고젤리", "망고 2개", "새우깡", "김부각", "흑임자라떼", "깨찰빵",
    "사과 3개", "탄산수", "콜라", "상추", "오이", "바나나 1송이", "감귤", "하이볼 350ml",
]  # fmt: skip
# An allergy as it is told, a dish, and what then may not be offered.
ALLERGIES = {
    "닭고기 알레르기 있어요. 된장찌개": "닭|치킨",
    "우유 알레르기가 있어요. 된장찌개": "라떼|쉐이크|버터|치즈|타르트|깨찰빵",
    "밀가루 알레르기. 감자 요리 추천": "돈까스|우동|튀김|텐더|타르트|과자|찰빵|국수|새우깡|부각",
    "대두 알레르기 있어요. 감자 요리": "콩|두유|간장|된장|두부|고추장",
    "갑각류 알레르기가 있어. 된장찌개": "새우|게장|게살",
    "계란 알레르기 있어요. 된장찌개": "타르트|돈까스|텐더|강정|에그",
    "조개 알레르기 있어요. 된장찌개": "굴튀김",
    "망고 알레르기 있어요. 된장찌개": "망고",
    "견과류 알레르기가 있어요. 된장찌개": "땅콩|호두|아몬드",
    "I'm allergic to milk. Doenjang stew please": "라떼|쉐이크|버터|치즈|타르트",
    "牛乳アレルギーです。テンジャンチゲ": "라떼|쉐이크|버터|치즈|타르트",
}


@pytest.fixture
async def shopper(database: Database, channel: grpc.aio.Channel, tmp_path: Path) -> Shopper:
    names = [*LISTED, *OFFERED]
    rows = [
        f"{number},{name},{1000 + 10 * number},₩,50,{'PA' if name in LISTED else 'SN'},"
        f"{name if name in LISTED else ''},{10 if number % 2 else 0}"
        for number, name in enumerate(names, 1)
    ]
    header = "id,name,price,price_unit,quantity,section_code,terms,discount_pct"
    (tmp_path / "products.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    (tmp_path / "sections.csv").write_text(
        "code,name,x,y,radius\nPA,식료품,1,1,1\nSN,간식,2,2,1\n", encoding="utf-8"
    )
    spots = [f"{spot},{names.index(name) + 1},10,1,1,1" for spot, name in enumerate(OFFERED, 1)]
    (tmp_path / "coupon_spots.csv").write_text(
        "\n".join(["spot_no,product_id,discount_value,x,y,radius", *spots, ""]), encoding="utf-8"
    )
    made = await make_shopper(database, channel)
    async with database.begin() as conn:
        await import_catalogue(conn, ImportCatalogue(made.tenant_id, tmp_path))
    return made


def offered(round_: pb.Round) -> list[str]:
    notes = round_.notifications
    return [
        *(item.product.name for item in round_.recommended_items),
        *(item.item_name for item in [*notes.ad.items, *notes.coupon, *notes.coupon_spot]),  # type: ignore[attr-defined]
    ]


@pytest.mark.parametrize("prompt", ALLERGIES)
async def test_nothing_is_offered_against_an_allergy(shopper: Shopper, prompt: str) -> None:
    last = await shopper.finish(await shopper.start(prompt))
    assert last.status == pb.ROUND_STATUS_COMPLETED, last.last_error
    names = offered(last)
    assert names
    assert [name for name in names if re.search(ALLERGIES[prompt], name)] == []
    bought = [item.product.name for item in last.todos.items]
    assert [name for name in bought if re.search(ALLERGIES[prompt], name)] == []
    ranks = [spot.rank for spot in last.notifications.coupon_spot]
    assert ranks == list(range(1, len(ranks) + 1))


async def test_spots_are_for_each_shopper(shopper: Shopper) -> None:
    plain = await shopper.finish(await shopper.start("된장찌개"))
    assert [spot.item_name for spot in plain.notifications.coupon_spot] == OFFERED
    allergic = await shopper.finish(await shopper.start("우유 알레르기 있어요. 된장찌개"))
    assert "바닐라라떼" not in offered(allergic)
    assert "하이볼 350ml" in [spot.item_name for spot in allergic.notifications.coupon_spot]
    young = await add_profile(shopper, age=15)
    theirs = await young.finish(await young.start("된장찌개"))
    assert "하이볼 350ml" not in offered(theirs)
    assert "탄산수" in [spot.item_name for spot in theirs.notifications.coupon_spot]
