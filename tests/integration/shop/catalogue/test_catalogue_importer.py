"""CSV import: all or nothing, and every error where it is."""

from pathlib import Path
from typing import Any

import pytest

from core.platform.csv import ImportFailed, Problem
from core.platform.database import Database
from core.shop.catalogue.embedded import EmbeddedStore
from core.shop.catalogue.import_catalogue import ImportCatalogue, import_catalogue
from core.shop.tenants.sql import create_tenant

SECTIONS = "code,name,x,y,radius\nPA,식료품,4,1,2\n"
FULL = (
    "id,barcode,name,name_en,name_ja,brand,price,price_unit,src_url,quantity,section_code,"
    "x,y,radius,pack_size,pack_unit,discount_pct,terms\n"
)


@pytest.fixture
def store(database: Database, tenant: Any) -> EmbeddedStore:
    return EmbeddedStore(database, tenant.id)


@pytest.fixture
def load(database: Database, tenant: Any, tmp_path: Path) -> Any:
    """Write files (text or bytes by table name) and import their folder."""

    async def load_files(**files: str | bytes) -> dict[str, int]:
        for old in tmp_path.iterdir():
            old.unlink()
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (tmp_path / f"{name}.csv").write_bytes(data)
        async with database.begin() as conn:
            return dict(await import_catalogue(conn, ImportCatalogue(tenant.id, tmp_path)))

    return load_files


async def problems(load: Any, **files: str | bytes) -> list[Problem]:
    with pytest.raises(ImportFailed) as failed:
        await load(**files)
    assert failed.value.total == len(failed.value.problems)
    return list(failed.value.problems)


async def test_every_column_arrives(load: Any, store: EmbeddedStore) -> None:
    counts = await load(
        sections="code,name,name_en,zone_id,zone_name,x,y,radius\nPA,식료품,Pantry,12,Pantry,4,1,2\n",
        products=FULL
        + '196,4906028184943,"간장, 진한 1L",Soy Sauce 1L,醤油 1L,Higeta,860.5,₩,https://a.test/b.png,'
        "3,PA,28,22.794,0.5,1000,ml,5,진간장| soy sauce |\n"
        "197,,두부,,,,,,,,PA,,,,,,,\n",
        coupon_spots="spot_no,product_id,discount_value,x,y,radius\n2,197,10,1,2,3\n1,196,15,4,5,6\n",
        signage="id,number,name,x,y,radius,orientation\n,2,안,1,2,3,portrait\n"
        "7e6f1f5e-6f0b-4f7d-9a2e-0d6c6a1f7b11,1,입구,4,1,2,landscape\n",
        signage_events="id,title,text,image_url,enabled\n2,b,,,FALSE\n1,a,글,https://a.test/c.png,1\n",
    )
    assert counts == {
        "sections": 1,
        "products": 2,
        "coupon_spots": 2,
        "signage": 2,
        "signage_events": 2,
    }
    soy, tofu = await store.list_products()
    assert (soy.id, soy.barcode, soy.name, soy.name_en) == (
        196,
        "4906028184943",
        "간장, 진한 1L",
        "Soy Sauce 1L",
    )
    assert (soy.price, soy.price_unit, soy.quantity, soy.discount_pct) == (860.5, "₩", 3, 5)
    assert (soy.section_name, soy.zone_id, soy.zone_name) == ("식료품", 12, "Pantry")
    assert (soy.location.x, soy.location.y, soy.location.radius) == (28, 22.794, 0.5)
    assert (soy.pack_size, soy.pack_unit) == (1000, "ml")
    # Without a place of its own a product stands where its section is; what is empty is unset.
    assert (tofu.location.x, tofu.location.y, tofu.location.radius) == (4, 1, 2)
    for name in ("barcode", "brand", "price", "quantity", "pack_size", "pack_unit", "discount_pct"):
        assert not tofu.HasField(name)
    assert [(s.spot_no, s.product_id, s.item_name) for s in await store.list_coupon_spots()] == [
        (1, 196, "간장, 진한 1L"),
        (2, 197, "두부"),
    ]
    entrance, inside = await store.list_signage()
    assert (entrance.id, entrance.orientation) == (
        "7e6f1f5e-6f0b-4f7d-9a2e-0d6c6a1f7b11",
        "landscape",
    )
    assert [(e.id, e.enabled, e.text) for e in await store.list_promotions()] == [
        (1, True, "글"),
        (2, False, ""),
    ]
    # Signage without an id keeps its id at the next import.
    await load(signage="number,name,x,y,radius,orientation\n2,안쪽,1,2,3,portrait\n")
    (again,) = await store.list_signage()
    assert (again.id, again.name) == (inside.id, "안쪽")


async def test_a_file_replaces_its_table_and_no_other(load: Any, store: EmbeddedStore) -> None:
    await load(sections=SECTIONS, products="id,name,section_code\n1,두부,PA\n2,콩,PA\n")
    assert await load(products="id,name\n3,김\n") == {"products": 1}
    assert [p.id for p in await store.list_products()] == [3]
    assert [s.code for s in await store.list_sections()] == ["PA"]


async def test_all_or_nothing(load: Any, store: EmbeddedStore) -> None:
    await load(sections=SECTIONS, products="id,name\n1,두부\n")
    await problems(load, sections=SECTIONS.replace("PA", "XX"), products="id,name\n2,\n")
    assert [p.id for p in await store.list_products()] == [1]
    assert [s.code for s in await store.list_sections()] == ["PA"]


async def test_tenants_do_not_see_each_other(load: Any, database: Database, tmp_path: Path) -> None:
    await load(products="id,name\n1,두부\n")
    async with database.begin() as conn:
        other = await create_tenant(conn, "other", "ko")
        (tmp_path / "products.csv").write_text("id,name\n1,김\n")
        assert await import_catalogue(conn, ImportCatalogue(other, tmp_path / "products.csv")) == {
            "products": 1
        }
    store = EmbeddedStore(database, other)
    assert [p.name for p in await store.list_products()] == ["김"]
    await load(products="id,name\n1,콩\n")
    assert [p.name for p in await store.list_products()] == ["김"]


async def test_bom_blank_lines_and_quoted_newlines(load: Any, store: EmbeddedStore) -> None:
    text = '\ufeffid,name,terms\r\n1,"두부\n한 모",\r\n\r\n,,\r\n2,콩,대두\r\n'
    assert await load(products=text) == {"products": 2}
    assert [p.name for p in await store.list_products()] == ["두부\n한 모", "콩"]
    # The line that is named counts the newline inside the quotes.
    (problem,) = await problems(load, products=text.replace("2,콩", "zwei,콩"))
    assert problem == Problem("products.csv", 6, "id", "zwei", "is not a whole number")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("id", "", "is empty"),
        ("id", "0", "is less than 1"),
        ("id", "1.5", "is not a whole number"),
        ("id", "1_0", "is not a whole number"),
        ("id", "9223372036854775808", "is more than 9223372036854775807"),
        ("name", " ", "is empty"),
        ("name", "a\0b", "holds a NUL character"),
        ("name", "x" * 1001, "is longer than 1,000 characters"),
        ("barcode", "880123456789", "is not an EAN-13 barcode of 13 digits"),
        ("barcode", "８801234567893", "is not an EAN-13 barcode of 13 digits"),
        ("barcode", "8801234567890", "is not an EAN-13 barcode: its last digit should be 3"),
        ("price", "-1", "is negative"),
        ("price", '"1,980"', "is not a number"),
        ("price", "nan", "is not a number"),
        ("price", "1e999", "is not a number"),
        ("price", "1e308", "is more than 1000000000"),
        ("price", "1000000000.01", "is more than 1000000000"),
        ("pack_size", "1e308", "is more than 1000000000"),
        ("pack_size", "1e-300", "is less than 0.001"),
        ("x", "-1e308", "is less than -1000000"),
        ("y", "1000001", "is more than 1000000"),
        ("radius", "1e300", "is more than 1000000"),
        ("radius", "-1", "is negative"),
        (
            "barcode",
            "8.80123E+12",
            "was shortened by a spreadsheet: format its column as text, save the file as CSV UTF-8",
        ),
        ("name", "#NAME?", "is what a spreadsheet shows in place of a value"),
        ("name", "a\x1b[2J", "holds a control character"),
        ("quantity", "-1", "is less than 0"),
        ("quantity", "2147483648", "is more than 2147483647"),
        ("section_code", "XX", "is not a known section"),
        ("discount_pct", "101", "is more than 100"),
    ],
)
async def test_a_bad_cell_is_named(load: Any, column: str, value: str, message: str) -> None:
    cells = {"id": "1", "name": "두부", column: value}
    text = f"{','.join(cells)}\n{','.join(cells.values())}\n"
    (problem,) = await problems(load, sections=SECTIONS, products=text)
    shown = value.strip().strip('"')
    assert (problem.file, problem.line, problem.column) == ("products.csv", 2, column)
    assert problem.message == message
    assert problem.value == (None if not shown else shown[:80] + "…" * (len(shown) > 80))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"products": "id,name\n1,두부\n2,콩\n1,김\n"},
            "products.csv, line 4, id: is already on line 2 (it is '1')",
        ),
        (
            {
                "products": "id,name,barcode\n1,두부,4906028184943\n2,콩,4906028184943\n",
            },
            "products.csv, line 3, barcode: is already on line 2 (it is '4906028184943')",
        ),
        ({"products": "id,price\n1,2\n"}, "products.csv, line 1, name: is missing from the header"),
        (
            {"products": "id,name,prise\n1,두부,5\n"},
            "products.csv, line 1: the header has a column that is not known (it is 'prise')",
        ),
        ({"products": "id,name,id\n1,a,1\n"}, "products.csv, line 1, id: is in the header twice"),
        (
            {"products": "id,name\n1,두부,3\n"},
            "products.csv, line 2: has 3 columns where the header has 2 (it is '1,두부,3')",
        ),
        (
            {"products": "id,name\n1,두부\n2,콩".encode() + "간장".encode("cp949")},
            "products.csv, line 3: is not UTF-8: save the file as CSV UTF-8 (it is 'b0')",
        ),
        (
            {"products": 'id,name\n1,"두부\n'},
            "products.csv, line 2: is not CSV: unexpected end of data",
        ),
        (
            {"products": "id,name,x,y\n1,두부,1,2\n"},
            "products.csv, line 2: x, y and radius go together",
        ),
        (
            {"products": "id,name,pack_size\n1,두부,1\n"},
            "products.csv, line 2: pack_size and pack_unit go together",
        ),
        (
            {"products": "id,name,pack_size,pack_unit\n1,두부,1,kg\n"},
            "products.csv, line 2, pack_unit: is none of g, ml, ea (it is 'kg')",
        ),
        (
            {"products": "id,name,pack_size,pack_unit\n1,두부,0,g\n"},
            "products.csv, line 2, pack_size: is zero (it is '0')",
        ),
        (
            {"coupon_spots": "spot_no,product_id,discount_value,x,y,radius\n1,5,10,0,0,1\n"},
            "coupon_spots.csv, line 2, product_id: is not a known product, and there is no "
            "item_name instead (it is '5')",
        ),
        (
            {"signage": "id,number,name,x,y,radius,orientation\nabc,1,입구,0,0,1,portrait\n"},
            "signage.csv, line 2, id: is not a UUID (it is 'abc')",
        ),
        (
            {"signage": "number,name,x,y,radius,orientation\n1,a,0,0,1,tilted\n"},
            "signage.csv, line 2, orientation: is none of portrait, landscape (it is 'tilted')",
        ),
        (
            {
                "signage": "number,name,x,y,radius,orientation\n1,a,0,0,1,portrait\n"
                "1,b,0,0,1,portrait\n"
            },
            "signage.csv, line 3, number: is already taken: signage that shares a number needs "
            "an id (it is '1')",
        ),
        (
            {"signage_events": "id,title,image_url,enabled\n1,a,javascript:alert(1),1\n"},
            "signage_events.csv, line 2, image_url: is not an http or https address "
            "(it is 'javascript:alert(1)')",
        ),
        (
            {"signage_events": "id,title,enabled\n1,a,maybe\n"},
            "signage_events.csv, line 2, enabled: is neither true nor false (it is 'maybe')",
        ),
    ],
)
async def test_a_bad_file_is_explained(
    load: Any, files: dict[str, str | bytes], expected: str
) -> None:
    (problem,) = await problems(load, **files)
    assert str(problem) == expected


async def test_all_errors_are_reported_at_once(load: Any) -> None:
    found = await problems(
        load,
        sections="code,name,x,y,radius\nPA,식료품,4,1,far\n",
        products="id,name,price,section_code\nx,두부,-1,PA\n2,,1,PA\n",
    )
    # The sections file is broken itself, so no product is blamed for its section.
    assert [(p.file, p.line, p.column) for p in found] == [
        ("sections.csv", 2, "radius"),
        ("products.csv", 2, "id"),
        ("products.csv", 2, "price"),
        ("products.csv", 3, "name"),
    ]


async def test_a_hundred_errors_are_shown_and_all_are_counted(load: Any) -> None:
    with pytest.raises(ImportFailed) as failed:
        await load(products="id,name\n" + "x,두부\n" * 250)
    assert (len(failed.value.problems), failed.value.total) == (100, 250)
    assert str(failed.value).endswith("… and 150 more")


async def test_references_are_checked_against_what_is_there(load: Any) -> None:
    await load(sections=SECTIONS, products="id,name,section_code\n1,두부,PA\n")
    await load(products="id,name,section_code\n1,두부,PA\n2,콩,PA\n")
    spots = "spot_no,product_id,discount_value,x,y,radius,item_name\n1,2,10,0,0,1,\n"
    await load(coupon_spots=spots)
    (problem,) = await problems(load, sections="code,name,x,y,radius\nFR,냉동,1,1,1\n")
    assert (
        str(problem)
        == "sections.csv, code: products stand in a section that is missing here (it is 'PA')"
    )


async def test_a_spot_outlives_its_product(load: Any, store: EmbeddedStore) -> None:
    await load(
        products="id,name\n1,두부\n2,콩\n",
        coupon_spots="spot_no,product_id,discount_value,x,y,radius,item_name,item_name_en\n"
        "1,2,10,0,0,1,,\n2,,5,0,0,1,전 품목,Everything\n",
    )
    await load(products="id,name\n1,두부\n")
    first, second = await store.list_coupon_spots()
    assert (first.product_id, first.HasField("product"), first.HasField("item_name")) == (
        2,
        False,
        False,
    )
    assert (second.HasField("product_id"), second.item_name) == (False, "전 품목")
    assert second.item_name_en == "Everything"


async def test_a_folder_without_files_and_a_file_of_another_name(
    load: Any, database: Database, tenant: Any, tmp_path: Path
) -> None:
    (problem,) = await problems(load)
    assert problem.message.startswith("the folder has none of sections.csv, products.csv")
    stray = tmp_path / "stock.csv"
    stray.write_text("id,name\n1,두부\n")
    async with database.begin() as conn:
        with pytest.raises(ImportFailed, match=r"stock.csv: is none of sections.csv"):
            await import_catalogue(conn, ImportCatalogue(tenant.id, stray))


async def test_upper_and_lower_case_of_file_names(
    database: Database, tenant: Any, tmp_path: Path, store: EmbeddedStore
) -> None:
    (tmp_path / "PRODUCTS.CSV").write_text("id,name,section_code\n1,두부,PA\n")
    (tmp_path / "Sections.Csv").write_text(SECTIONS)
    (tmp_path / "readme.txt").write_text("")
    async with database.begin() as conn:
        counts = await import_catalogue(conn, ImportCatalogue(tenant.id, tmp_path))
        assert dict(counts) == {"sections": 1, "products": 1}
        counts = await import_catalogue(conn, ImportCatalogue(tenant.id, tmp_path / "PRODUCTS.CSV"))
        assert dict(counts) == {"products": 1}
    (tmp_path / "products.csv").write_text("id,name\n2,콩\n")
    async with database.begin() as conn:
        with pytest.raises(ImportFailed) as failed:
            await import_catalogue(conn, ImportCatalogue(tenant.id, tmp_path))
    assert str(failed.value) == (
        "products.csv: is there a second time, as PRODUCTS.CSV: which of the two counts?"
    )
    assert [product.id for product in await store.list_products()] == [1]


@pytest.mark.parametrize("name", ["products", "products.tsv", "Products.XLSX", "PRODUCTS.txt"])
async def test_a_file_that_is_no_csv_is_not_passed_over(
    database: Database, tenant: Any, tmp_path: Path, name: str
) -> None:
    (tmp_path / "sections.csv").write_text(SECTIONS)
    (tmp_path / name).write_text("id,name\n1,두부\n")
    async with database.begin() as conn:
        for work in (
            import_catalogue(conn, ImportCatalogue(tenant.id, tmp_path)),
            import_catalogue(conn, ImportCatalogue(tenant.id, tmp_path / name)),
        ):
            with pytest.raises(ImportFailed) as failed:
                await work
            assert failed.value.problems[0].file == name
            assert "save the file as CSV UTF-8" in str(failed.value)
    # What the CSV file was made from may lie beside it.
    (tmp_path / "products.csv").write_text("id,name\n1,두부\n")
    async with database.begin() as conn:
        assert await import_catalogue(conn, ImportCatalogue(tenant.id, tmp_path)) == {
            "sections": 1,
            "products": 1,
        }


@pytest.mark.parametrize("name", ["sections", "products", "coupon_spots", "signage", "slides"])
async def test_a_header_alone_empties_no_table(
    load: Any, database: Database, tenant: Any, tmp_path: Path, store: EmbeddedStore, name: str
) -> None:
    header = {
        "sections": SECTIONS.splitlines()[0],
        "products": "id,name",
        "coupon_spots": "spot_no,discount_value,x,y,radius,item_name",
        "signage": "number,name,x,y,radius,orientation",
        "slides": "signage_number,position",
    }[name]
    rows = {
        "sections": SECTIONS,
        "products": "id,name\n1,두부\n",
        "coupon_spots": "spot_no,discount_value,x,y,radius,item_name\n1,5,0,0,1,a\n",
        "signage": "number,name,x,y,radius,orientation\n1,a,0,0,1,portrait\n",
        "slides": "signage_number,position\n1,1\n",
    }
    await load(**rows)
    (problem,) = await problems(load, **(rows | {name: header + "\n"}))
    assert (problem.file, "--allow-empty" in problem.message) == (f"{name}.csv", True)
    assert await store.list_products()
    (tmp_path / f"{name}.csv").write_text(header)
    async with database.begin() as conn:
        counts = await import_catalogue(
            conn, ImportCatalogue(tenant.id, tmp_path / f"{name}.csv", allow_empty=True)
        )
    assert counts[name] == 0


SIGNAGE = "id,number,name,x,y,radius,orientation\n"
ENTRANCE = "7e6f1f5e-6f0b-4f7d-9a2e-0d6c6a1f7b11"
INSIDE = "7e6f1f5e-6f0b-4f7d-9a2e-0d6c6a1f7b12"
TWO = (
    SIGNAGE + f"{ENTRANCE},1,입구,4,1,2,landscape\n{INSIDE},2,안,1,2,3,portrait\n"
    "7e6f1f5e-6f0b-4f7d-9a2e-0d6c6a1f7b13,3,a,1,2,3,portrait\n"
    "7e6f1f5e-6f0b-4f7d-9a2e-0d6c6a1f7b14,3,b,1,2,3,portrait\n"
)


async def test_slides_belong_to_a_signage_by_number_or_id(load: Any, store: EmbeddedStore) -> None:
    slides = (
        "signage_id,signage_number,position,image_url,title,text\n"
        f",1,2,,나,\n,1,1,https://a.test/1.png,가,글\n{INSIDE},,1,,다,\n"
    )
    assert await load(signage=TWO, slides=slides) == {"signage": 4, "slides": 3}
    first, second = await store.list_slides(ENTRANCE)
    assert (first.position, first.image_url, first.title, first.text) == (
        1,
        "https://a.test/1.png",
        "가",
        "글",
    )
    assert (second.position, second.title, second.text) == (2, "나", "")
    # Signage that is there again keeps its slides; the others go.
    await load(signage=SIGNAGE + f"{INSIDE},5,안,1,2,3,portrait\n")
    assert [slide.title for slide in await store.list_slides(INSIDE)] == ["다"]
    assert await store.list_slides(ENTRANCE) == []
    # Slides alone look for the signage that is there.
    await load(slides="signage_number,position,title\n5,1,라\n")
    assert [slide.title for slide in await store.list_slides(INSIDE)] == ["라"]


async def test_slides_come_from_the_web(load: Any) -> None:
    slides = (
        "signage_number,position,image_url\n1,1,/a.png\n1,2,HTTP://a.test/가.png\n1,3,file:///a\n"
    )
    assert [str(problem) for problem in await problems(load, signage=TWO, slides=slides)] == [
        "slides.csv, line 2, image_url: is not an http or https address (it is '/a.png')",
        "slides.csv, line 4, image_url: is not an http or https address (it is 'file:///a')",
    ]


async def test_what_is_wrong_with_slides(load: Any) -> None:
    slides = (
        "signage_id,signage_number,position\n"
        f",,1\n{INSIDE},2,1\n,3,1\n,9,1\n7e6f1f5e-6f0b-4f7d-9a2e-0d6c6a1f7b19,,1\n"
        f",1,1\n{ENTRANCE},,1\n,1,0\n"
    )
    assert [str(problem) for problem in await problems(load, signage=TWO, slides=slides)] == [
        "slides.csv, line 2: needs either a signage_id or a signage_number",
        "slides.csv, line 3: needs either a signage_id or a signage_number",
        "slides.csv, line 4, signage_number: is the number of several signage: name it by "
        "signage_id (it is '3')",
        "slides.csv, line 5, signage_number: is not a known signage (it is '9')",
        "slides.csv, line 6, signage_id: is not a known signage (it is "
        "'7e6f1f5e-6f0b-4f7d-9a2e-0d6c6a1f7b19')",
        "slides.csv, line 8, position: is already on line 7 (it is '1')",
        "slides.csv, line 9, position: is less than 1 (it is '0')",
    ]
