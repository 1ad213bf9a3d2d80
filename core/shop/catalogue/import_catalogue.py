"""Import a store from CSV files: all or nothing, every error with its file, line and column.

docs/shop/catalogue.md describes the files. Each file replaces its whole table for the tenant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from core.platform.csv import (
    ADVICE,
    Bad,
    Column,
    ImportFailed,
    Problem,
    Problems,
    Row,
    parse_decimal,
    parse_text,
    parse_whole,
    read_rows,
)
from core.platform.database import Connection
from core.shop.catalogue import sql
from core.shop.catalogue.picture_address import is_picture_address

# Rows imported by table name, for example {"products": 620}.
Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ImportCatalogue:
    """A folder with some of the six files, or one of them.

    allow_empty: whether a file without rows is taken, and empties its table.
    """

    tenant_id: UUID
    path: Path
    allow_empty: bool = False


async def import_catalogue(conn: Connection, command: ImportCatalogue) -> Counts:
    """Import the files in the caller's transaction; return the rows imported by table.

    Upper and lower case in their names don't count. Raises ImportFailed when a file has errors,
    has no rows (unless `allow_empty`), or there is none; the transaction must then be left unused.
    """
    path = command.path
    files = _files_of(path) if path.is_dir() else {_table_of(path): path}
    problems = Problems()
    read = {
        name: read_rows(file, _FILES[name], problems, allow_empty=command.allow_empty)
        for name, file in files.items()
    }
    await _check(conn, _Import(command.tenant_id, files, read, problems))
    problems.check()
    await _replace(conn, command.tenant_id, read)
    return {name: len(rows) for name, rows in read.items()}


def _table_of(path: Path) -> str:
    """Name the table of a file that was given by itself."""
    name = path.stem.lower()
    if path.suffix.lower() == ".csv" and name in _FILES:
        return name
    names = ", ".join(f"{name}.csv" for name in _FILES)
    advice = f": {ADVICE}" if name in _FILES else ""
    message = f"is none of {names}{advice}"
    problem = Problem(path.name, line=None, column=None, value=None, message=message)
    raise ImportFailed([problem], 1)


def _files_of(path: Path) -> dict[str, Path]:
    """Find a folder's files, by table, in the tables' order."""
    problems = Problems()
    files: dict[str, Path] = {}
    others: list[Path] = []
    for file in sorted(one for one in path.iterdir() if one.is_file()):
        name = file.stem.lower()
        if name in _FILES and file.suffix.lower() != ".csv":
            others.append(file)
        elif name in _FILES and (first := files.setdefault(name, file)) is not file:
            problems.add(file, f"is there a second time, as {first.name}: which of the two counts?")
    for file in others:
        if file.suffix.lower() in _MISTAKEN and file.stem.lower() not in files:
            problems.add(file, f"is no .csv file: {ADVICE}")
    problems.check()
    if not files:
        names = ", ".join(f"{name}.csv" for name in _FILES)
        message = f"the folder has none of {names}"
        problem = Problem(str(path), line=None, column=None, value=None, message=message)
        raise ImportFailed([problem], 1)
    return {name: files[name] for name in _FILES if name in files}


# In place of .csv, what the file of a table may come as by mistake.
_MISTAKEN = {
    "", ".gz", ".numbers", ".ods", ".parquet", ".tab", ".tsv", ".txt", ".xls", ".xlsm", ".xlsx",
    ".zip",
}  # fmt: skip


# ---- the columns ----


def _terms(text: str) -> list[str]:
    return [term for part in parse_text(text).split("|") if (term := part.strip())]


def _pack_size(text: str) -> float:
    if (number := parse_decimal(0, _MOST)(text)) == 0:
        raise Bad("is zero")
    if number < _LEAST_PACK:
        raise Bad(f"is less than {_LEAST_PACK}")
    return number


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise Bad(f"is none of {', '.join(words)}")
        return text

    return parse


def _yes_no(text: str) -> bool:
    try:
        return {"true": True, "false": False, "1": True, "0": False}[text.lower()]
    except KeyError:
        raise Bad("is neither true nor false") from None


def _picture_address(text: str) -> str:
    if not is_picture_address(text):
        raise Bad("is not an http or https address")
    return parse_text(text)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Bad("is not a UUID") from None


def _ean13(text: str) -> str:
    parse_text(text)
    if len(text) != 13 or not (text.isascii() and text.isdigit()):
        raise Bad("is not an EAN-13 barcode of 13 digits")
    check = ean13_check_digit(text[:12])
    if text[12] != check:
        raise Bad(f"is not an EAN-13 barcode: its last digit should be {check}")
    return text


def ean13_check_digit(first12: str) -> str:
    """Return the 13th digit of an EAN-13."""
    weighted = sum(int(digit) * (3 if i % 2 else 1) for i, digit in enumerate(first12))
    return str(-weighted % 10)


_INT32, _INT64 = 2**31 - 1, 2**63 - 1
_ID = parse_whole(1, _INT64)
_PERCENT = parse_decimal(0, 100)
# Money, grams, millilitres: sums of these stay exact. Metres: the size of a city.
_MOST, _FARTHEST, _LEAST_PACK = 1e9, 1e6, 0.001


def _place(required: bool) -> tuple[Column, ...]:
    return (
        Column("x", parse_decimal(-_FARTHEST, _FARTHEST), required),
        Column("y", parse_decimal(-_FARTHEST, _FARTHEST), required),
        Column("radius", parse_decimal(0, _FARTHEST), required),
    )


_FILES: dict[str, tuple[Column, ...]] = {
    "sections": (
        Column("code", required=True, unique=True),
        Column("name", required=True),
        Column("name_en"),
        Column("zone_id", parse_whole(0, _INT64)),
        Column("zone_name"),
        *_place(True),
    ),
    "products": (
        Column("id", _ID, required=True, unique=True),
        Column("barcode", _ean13, unique=True),
        Column("name", required=True),
        Column("name_en"),
        Column("name_ja"),
        Column("brand"),
        Column("price", parse_decimal(0, _MOST)),
        Column("price_unit"),
        Column("src_url"),
        Column("quantity", parse_whole(0, _INT32)),
        Column("section_code"),
        *_place(False),
        Column("pack_size", _pack_size),
        Column("pack_unit", _one_of("g", "ml", "ea")),
        Column("discount_pct", _PERCENT),
        Column("terms", _terms, empty=[]),
    ),
    "coupon_spots": (
        Column("spot_no", parse_whole(1, _INT32), required=True, unique=True),
        Column("product_id", _ID),
        Column("item_name"),
        Column("item_name_en"),
        Column("discount_value", _PERCENT, required=True),
        *_place(True),
    ),
    "signage": (
        Column("id", _uuid, unique=True),
        Column("number", parse_whole(1, _INT32), required=True),
        Column("name", required=True),
        *_place(True),
        Column("orientation", _one_of("portrait", "landscape"), required=True),
    ),
    # After the signage they belong to.
    "slides": (
        Column("signage_id", _uuid),
        Column("signage_number", parse_whole(1, _INT32), stored=False),
        Column("position", parse_whole(1, _INT32), required=True),
        Column("image_url", _picture_address, empty=""),
        Column("title", empty=""),
        Column("text", empty=""),
    ),
    "signage_events": (
        Column("id", _ID, required=True, unique=True),
        Column("title", required=True),
        Column("text"),
        Column("image_url", _picture_address),
        Column("enabled", _yes_no, required=True),
    ),
}


# ---- the import ----


@dataclass(frozen=True, slots=True)
class _Import:
    """What is to be imported: files and rows by table, and the problems found in them."""

    tenant_id: UUID
    files: Mapping[str, Path]
    read: Mapping[str, list[Row]]
    problems: Problems

    def broken(self, name: str) -> bool:
        """Return whether a file has errors, so that its rows are incomplete."""
        return self.files.get(name) in self.problems.files


async def _check(conn: Connection, new: _Import) -> None:
    """Note what is wrong with the rows, and fill in what they leave to us."""
    _check_products(new)
    _check_signage(new)
    # Changes of one store take turns from here on, so what is looked up now stays true.
    await sql.bump_revision(conn, new.tenant_id)
    await _check_references(conn, new)
    await _check_slides(conn, new)


async def _replace(conn: Connection, tenant_id: UUID, read: Mapping[str, list[Row]]) -> None:
    """Put the rows in place of what there is."""
    written = {name: [row.values for row in rows] for name, rows in read.items()}
    if "signage" in read and "slides" not in read:
        # Slides go with their signage; those of signage that is there again stay.
        written["slides"] = await _slides_of(conn, tenant_id, written["signage"])
    for name, rows in written.items():
        columns = [column.name for column in _FILES[name] if column.stored]
        values = (tuple(row[column] for column in columns) for row in rows)
        await sql.replace(conn, tenant_id, name, columns=columns, rows=values)


def _check_products(new: _Import) -> None:
    for row in new.read.get("products", ()):
        file = new.files["products"]
        place = [row.values[name] for name in ("x", "y", "radius")]
        if None in place and place != [None] * 3:
            new.problems.add(file, "x, y and radius go together", row.line)
        if (row.values["pack_size"] is None) != (row.values["pack_unit"] is None):
            new.problems.add(file, "pack_size and pack_unit go together", row.line)


def _check_signage(new: _Import) -> None:
    """Give signage without an id one that stays the same at the next import."""
    rows = new.read.get("signage", ())
    seen: set[UUID | None] = {row.values["id"] for row in rows}
    for row in rows:
        if row.values["id"] is None:
            row.values["id"] = uuid5(new.tenant_id, f"signage/{row.values['number']}")
            if row.values["id"] in seen:
                message = "is already taken: signage that shares a number needs an id"
                _refuse(
                    new,
                    "signage",
                    row,
                    column="number",
                    value=row.values["number"],
                    message=message,
                )
            seen.add(row.values["id"])


async def _check_references(conn: Connection, new: _Import) -> None:
    """Check section codes and the products of coupon spots, against the files or what is there.

    Not against a file that has errors itself: its rows are incomplete.
    """
    if ("products" in new.read or "sections" in new.read) and not new.broken("sections"):
        await _check_sections(conn, new)
    if "coupon_spots" in new.read and not new.broken("products"):
        ids = _values(new, "products", "id")
        if ids is None:
            ids = await sql.product_ids(conn, new.tenant_id)
        for row in new.read["coupon_spots"]:
            product_id = row.values["product_id"]
            if row.values["item_name"] is None and product_id not in ids:
                message = "is not a known product, and there is no item_name instead"
                value = "" if product_id is None else product_id
                _refuse(new, "coupon_spots", row, column="product_id", value=value, message=message)


async def _check_sections(conn: Connection, new: _Import) -> None:
    codes = _values(new, "sections", "code")
    if codes is None:
        codes = await sql.section_codes(conn, new.tenant_id)
    for row in new.read.get("products", ()):
        code = row.values["section_code"]
        if code is not None and code not in codes:
            _refuse(
                new,
                "products",
                row,
                column="section_code",
                value=code,
                message="is not a known section",
            )
    if "products" not in new.read:
        for code in sorted(await sql.used_sections(conn, new.tenant_id) - codes):
            message = "products stand in a section that is missing here"
            _refuse(new, "sections", None, column="code", value=code, message=message)


async def _check_slides(conn: Connection, new: _Import) -> None:
    """Find the signage of each slide, by id or by number, and no two slides in one place.

    Not against a signage file that has errors itself: its rows are incomplete.
    """
    if "slides" not in new.read or new.broken("signage"):
        return
    ids, by_number = await _signage(conn, new.tenant_id, new.read.get("signage"))
    taken: dict[tuple[UUID, int], int] = {}
    unknown = "is not a known signage"
    for row in new.read["slides"]:
        signage_id, number = row.values["signage_id"], row.values["signage_number"]
        if (signage_id is None) == (number is None):
            message = "needs either a signage_id or a signage_number"
            new.problems.add(new.files["slides"], message, row.line)
        elif number is not None and len(by_number.get(number, ())) > 1:
            message = "is the number of several signage: name it by signage_id"
            _refuse(new, "slides", row, column="signage_number", value=number, message=message)
        elif number is not None and number not in by_number:
            _refuse(new, "slides", row, column="signage_number", value=number, message=unknown)
        elif number is None and signage_id not in ids:
            _refuse(new, "slides", row, column="signage_id", value=signage_id, message=unknown)
        else:
            row.values["signage_id"] = signage_id or by_number[number][0]
            place = (row.values["signage_id"], row.values["position"])
            first = taken.setdefault(place, row.line)
            if first != row.line:
                _refuse(
                    new,
                    "slides",
                    row,
                    column="position",
                    value=place[1],
                    message=f"is already on line {first}",
                )


def _refuse(
    new: _Import, name: str, row: Row | None, *, column: str, value: Any, message: str
) -> None:
    """Note a problem with a value of a row, or of the whole file."""
    line = None if row is None else row.line
    new.problems.add(new.files[name], message, line=line, column=column, value=str(value))


async def _signage(
    conn: Connection, tenant_id: UUID, rows: Sequence[Row] | None
) -> tuple[set[UUID], dict[int, list[UUID]]]:
    """Return ids, and ids by number, of the rows about to be written, else of what is there."""
    if rows is not None:
        pairs = [(row.values["number"], row.values["id"]) for row in rows]
    else:
        found = await sql.signage_numbers(conn, tenant_id)
        pairs = [(one.number, one.id) for one in found]
    by_number: dict[int, list[UUID]] = {}
    for number, signage_id in pairs:
        by_number.setdefault(number, []).append(signage_id)
    return {signage_id for _, signage_id in pairs}, by_number


async def _slides_of(
    conn: Connection, tenant_id: UUID, signage: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    ids = {row["id"] for row in signage}
    found = await sql.slide_values(conn, tenant_id)
    return [slide for slide in found if slide["signage_id"] in ids]


def _values(new: _Import, name: str, column: str) -> set[Any] | None:
    """Return a column's values in the rows about to be written; None without such a file."""
    return {row.values[column] for row in new.read[name]} if name in new.read else None
