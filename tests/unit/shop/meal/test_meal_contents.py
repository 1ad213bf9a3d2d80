"""What products' names imply that they contain."""

import csv
from pathlib import Path

import pytest
import yaml

from core.shop.meal import catalogue as catalogue_module
from core.shop.meal.catalogue import catalogue
from core.shop.meal.contents import contents, named

DEMO = Path(__file__).parents[4] / "core/shop/catalogue/demo/products.csv"

# An allergy or wish, names that have it, names that only look so.
NAMES = {
    "allergen:chicken": (
        "닭강정 300g|춘천 닭갈비맛 볶음밥 210g|닭발 편육|치킨너겟|숯불 닭꼬치|Chicken Nuggets|"
        "Buffalo Wings|鶏の唐揚げ|焼き鳥缶|とりそぼろ|깐풍기|팝콘치킨",
        "게살볶음밥|두부 300g|소고기 장조림|Hen of the Woods Mushrooms|とりあえず ビール|서양 대파",
    ),
    "allergen:milk": (
        "카페라떼 300ml|크림브륄레 2개|연유라떼|팥빙수 아이스바|밀크티|밀키스|까르보나라 소스|"
        "로제떡볶이|버터갈릭 감자|Iced Latte|Creme Brulee|Cheesy Fries|カフェラテ|抹茶オレ ミルク|"
        "クリームシチュー|カルピス|딸기 쉐이크|Whey Protein",
        "아몬드우유 190ml|코코넛 밀크 400ml|두유 950ml|귀리우유|땅콩버터|Creamy Peanut Butter|"
        "Coconut Milk|Oat Milk|Eggplant|Butternut Squash|Cocoa Butter|豆乳|ココナッツミルク|"
        "アーモンドミルク|밀키트 부대찌개용 채소|탄산수|핸드크림|비건 치즈",
    ),
    "allergen:wheat": (
        "통등심 돈까스 480g|매운 볶음면 5개입|굴튀김 200g|치킨너겟|새우튀김|김부각|야끼우동|"
        "칼국수|"
        "호떡|밀떡 500g|진간장 500ml|Pork Cutlet|Udon Noodles|Shrimp Tempura|とんかつ|焼きそば|"
        "エビフライ|唐揚げ|たこ焼き|수제비|고로케",
        "쌀국수 400g|메밀차|이천 쌀 1kg|자른 당면 300g|밀폐용기|글루텐프리 간장|Rice Noodles|"
        "Gluten-Free Bread Mix|フライパン|パイナップル|サイダー|감자전분|우유 1L|밀키스|"
        "고등어 통조림",
    ),
    "allergen:soy": (
        "검은콩조림 150g|된장 500g|간장 500ml|두부 300g|콩나물 300g|콩국수|두유라떼|인절미|쌈장|"
        "Soy Latte|Edamame|Miso Soup|麻婆豆腐|きなこ餅|枝豆|豆乳|춘장",
        "강낭콩 통조림|완두콩 300g|병아리콩|땅콩 200g|커피콩|홍콩 밀크티잔|탄산수|卵豆腐|"
        "Green Beans",
    ),
    "allergen:egg": (
        "계란말이|에그샌드위치|마요네즈|카스텔라|오므라이스|새우튀김|Egg Salad|Mayonnaise|"
        "Meringue|"
        "だし巻き玉子|マヨネーズ|オムライス|チキンカツ|親子丼",
        "두부|Eggplant 3ct|감자 1kg|어린잎 샐러드 채소|サラダ油|달래 100g",
    ),
    "allergen:shrimp": (
        "새우튀김 300g|감바스|쉬림프 피자|포기김치|똠얌 라면|Prawn Cocktail|Ebi Fry|エビフライ|"
        "海老天|かき揚げ 天丼|해물파전|새우깡",
        "애호박|어린잎|えびすビール|비건 김치|대파",
    ),
    "allergen:crab": (
        "게살볶음밥 210g|양념게장|꽃게탕|대게 딱지장|크래미|Crab Cake|蟹チャーハン|"
        "カニクリームコロッケ",
        "찌게용 두부|스텐 집게|바게트|게토레이|스파게티 소스|Crab Apple|たかのつめ|번데기",
    ),
    "allergen:mollusc": (
        "굴튀김 200g|생굴 150g|오징어볶음|낙지젓|조개탕|굴소스|Fried Calamari|Oysters|カキフライ|"
        "いか焼き|たこ焼き|바지락칼국수",
        "굴비 2마리|얼굴 마스크팩|すいか|いかが 茶|Oyster Mushrooms|우동사리 채소",
    ),
    "allergen:fish": (
        "굴비 2마리|참치마요|어묵탕|멸치볶음|연어장|생선까스|포기김치|Fish and Chips|"
        "Tuna Sandwich|"
        "ツナマヨ|鮭おにぎり|しらす丼|명란크림",
        "다시마 100g|감자|오이|Seaweed Salad Kelp|鶏めし|도라지",
    ),
    "allergen:sesame": (
        "깨강정|참깨스틱|통깨|깨찰빵|흑임자라떼|Sesame Bagel|Tahini|ごま豆腐|"
        "胡麻ドレッシング|볶음깨",
        "깨끗한 물티슈|들깨가루|들기름|えごま油|깻잎 30장|카놀라유",
    ),
    "allergen:peanut": (
        "땅콩버터|피넛버터쿠키|땅콩강정|Pad Thai|Peanut M&M|ピーナッツ最中|落花生|担々麺",
        "콩나물|Pine Nuts|Nutmeg|완두콩|밤",
    ),
    "allergen:tree_nut": (
        "호두과자|아몬드우유|피스타치오 아이스크림|믹스넛|잣죽|마카롱|Hazelnut Spread|Pecan Pie|"
        "アーモンドチョコ|くるみパン|헤이즐넛라떼",
        "Nutmeg|Coconut Water|Butternut Squash|땅콩|도넛초|ドーナツ型",
    ),
    "allergen:pork": (
        "통등심 돈까스|햄치즈토스트|족발|탕수육|왕만두|베이컨 크림|스팸|BLT Bacon|Pepperoni|Gyoza|"
        "とんかつ|餃子|豚汁|チャーシュー",
        "닭가슴살|두부|가츠오부시 30g|カツオたたき|한우 등심 구이|우삼겹",
    ),
    "allergen:beef": (
        "떡갈비|불고기피자|육개장|규동|사골곰탕|Beef Jerky|Hamburger|牛丼|ハンバーグ|すき焼き",
        "牛乳|채소|미소 200g|시소|닭안심|ローストアーモンド",
    ),
    "allergen:buckwheat": (
        "메밀국수|메밀차|평양냉면|Soba|ざるそば|そば茶",
        "焼きそば 豚なし|소면|밀면",
    ),
    "allergen:peach": ("복숭아 통조림|황도|Peach Tea|白桃ゼリー|もも缶", "鶏もも肉|とりもも|사과"),
    "mango": (
        "망고 2개|말린 망고 100g|애플망고|Mango Lassi|マンゴープリン",
        "망원동 커피|사과 3개",
    ),
    "chestnut": ("알밤|밤양갱|군밤|맛밤|Chestnuts|栗ご飯|몽블랑", "밤고구마|밤하늘 캔들|오늘밤"),
    "group:seaweed": (
        "김부각|김 10장|삼각김밥|미역국|Nori Snack|海苔巻き|昆布",
        "튀김|새우튀김 김빠진",
    ),
    "group:alcohol": (
        "캔맥주|막걸리|레드 와인|티라미수|Red Wine|梅酒|ハイボール",
        "무알코올 맥주|ブルーベリー",
    ),
    "group:honey": ("꿀호떡|허니버터칩|Honey Mustard|はちみつレモン", "메이플시럽"),
    "group:gelatin": ("곰돌이 젤리|마시멜로|Gummy Bears|グミ", "양갱"),
}


@pytest.mark.parametrize("term", NAMES)
def test_what_names_imply(term: str) -> None:
    has, has_not = (names.split("|") for names in NAMES[term])
    assert [name for name in has if term not in contents(name)] == []
    assert [name for name in has_not if term in contents(name)] == []


def test_one_name_in_any_language_suffices_and_the_section_counts() -> None:
    assert "allergen:milk" in contents("모닝 드링크", "Morning Latte", "")
    assert "allergen:wheat" in contents("오늘의 신제품", section="BK")
    assert contents("", "") == frozenset()


def test_what_a_name_denies_is_not_in_it() -> None:
    assert "allergen:wheat" not in contents("글루텐프리 파스타", "Gluten Free Pasta")
    assert {"allergen:milk", "allergen:soy"} & contents("비건 두부 크림") == {"allergen:soy"}
    assert "allergen:milk" in contents("락토프리우유")


def test_a_word_names_terms() -> None:
    assert "allergen:milk" in named("우유")
    assert "group:pork" in named("PORK")
    assert named("zzz") == frozenset()


def test_the_data_names_only_what_the_vocabulary_has() -> None:
    vocabulary = catalogue()
    known = {*vocabulary.ingredients, *vocabulary.groups, *vocabulary.allergens}
    for ingredient in vocabulary.ingredients.values():
        known |= ingredient.allergens | ingredient.groups
    data = yaml.safe_load((catalogue_module.DATA / "contents.yaml").read_text())
    rows = [row for kind in ("made", "only", "without") for row in data[kind]]
    assert all({"contains", "ko", "en", "ja"} >= row.keys() for row in rows)
    unknown = {name for row in rows for name in row["contains"]} - known
    for kind in ("implies", "opens", "sections"):
        for names in data[kind].values():
            unknown |= {*names} - known
    assert not unknown


@pytest.mark.parametrize("ingredient", ["milk", "wheat", "egg", "soy", "shrimp", "pork", "beef"])
def test_what_serves_an_ingredient_in_the_demo_store_has_its_allergens(ingredient: str) -> None:
    """The demo store's search terms say what a product is; its name must imply as much."""
    vocabulary = catalogue()
    by_word: dict[str, list[str]] = {}
    for key, entry in vocabulary.ingredients.items():
        by_word.setdefault(entry.name.ko, []).append(key)
    missed = []
    with DEMO.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            keys = [key for term in row["terms"].split("|") for key in by_word.get(term, ())]
            has = contents(row["name"], row["name_en"], row["name_ja"], section=row["section_code"])
            if f"allergen:{ingredient}" not in has and any(
                ingredient in vocabulary.ingredients[key].allergens for key in keys
            ):
                missed.append(row["name"])
    assert set(missed) <= {"고르곤졸라 피자 340g"}  # pizzas have pork; not this one
