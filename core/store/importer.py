"""CSV import of a store: all or nothing, every error with its file, line and column.

docs/store.md describes the files. Each file replaces its whole table for the tenant.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.store import store
from core.store.models import (
    store_coupon_spots,
    store_products,
    store_sections,
    store_signage,
    store_signage_events,
    store_slides,
)
from core.tenant.store import replace_rows

MAX_REPORTED = 100

# Rows imported by table name, for example {"products": 620}.
Counts = Mapping[str, int]


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a file. `line` counts from 1 and includes the header."""

    file: str
    line: int | None
    column: str | None
    value: str | None
    message: str

    def __str__(self) -> str:
        place = [self.file]
        if self.line is not None:
            place.append(f"line {self.line}")
        if self.column is not None:
            place.append(self.column)
        shown = "" if self.value is None else f" (it is {self.value!r})"
        return f"{', '.join(place)}: {self.message}{shown}"


class ImportFailed(Exception):
    """Nothing was imported. `problems` holds the first 100 of `total`."""

    def __init__(self, problems: Sequence[Problem], total: int) -> None:
        self.problems = tuple(problems)
        self.total = total
        lines = [str(problem) for problem in self.problems]
        if total > len(lines):
            lines.append(f"… and {total - len(lines)} more")
        super().__init__("\n".join(lines))


async def import_folder(conn: AsyncConnection, tenant_id: UUID, path: Path) -> Counts:
    """Import those of the six files that the folder holds, in the caller's transaction.

    Raises ImportFailed when a file has errors or there is none; the transaction must then be
    left unused.
    """
    files = [file for name in _TABLES if (file := path / f"{name}.csv").is_file()]
    if not files:
        names = ", ".join(f"{name}.csv" for name in _TABLES)
        problem = Problem(str(path), None, None, None, f"the folder has none of {names}")
        raise ImportFailed([problem], 1)
    return await _import(conn, tenant_id, files)


async def import_file(conn: AsyncConnection, tenant_id: UUID, path: Path) -> Counts:
    """Import one file, named as in a folder. As import_folder."""
    if path.suffix.lower() != ".csv" or path.stem not in _TABLES:
        names = ", ".join(f"{name}.csv" for name in _TABLES)
        raise ImportFailed([Problem(path.name, None, None, None, f"is none of {names}")], 1)
    return await _import(conn, tenant_id, [path])


# ---- the columns ----


class _Bad(Exception):
    """What is wrong with a cell."""


def _text(text: str) -> str:
    if "\0" in text:
        raise _Bad("holds a NUL character")
    if len(text) > 1000:
        raise _Bad("is longer than 1,000 characters")
    return text


def _terms(text: str) -> list[str]:
    return [term for part in _text(text).split("|") if (term := part.strip())]


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            number = int(text) if text.isascii() and "_" not in text else None
        except ValueError:
            number = None
        if number is None:
            raise _Bad("is not a whole number")
        if number < least:
            raise _Bad(f"is less than {least}")
        if number > most:
            raise _Bad(f"is more than {most}")
        return number

    return parse


def _decimal(least: float = -math.inf, most: float = math.inf) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            number = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise _Bad("is not a number")
        if number < least:
            raise _Bad("is negative" if least == 0 else f"is less than {least:g}")
        if number > most:
            raise _Bad(f"is more than {most:g}")
        return number

    return parse


def _more_than_zero(text: str) -> float:
    number = _decimal(0)(text)
    if number == 0:
        raise _Bad("is zero")
    return number


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise _Bad(f"is none of {', '.join(words)}")
        return text

    return parse


def _yes_no(text: str) -> bool:
    try:
        return {"true": True, "false": False, "1": True, "0": False}[text.lower()]
    except KeyError:
        raise _Bad("is neither true nor false") from None


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _Bad("is not a UUID") from None


def _ean13(text: str) -> str:
    if len(text) != 13 or not (text.isascii() and text.isdigit()):
        raise _Bad("is not an EAN-13 barcode of 13 digits")
    check = ean13_check_digit(text[:12])
    if text[12] != check:
        raise _Bad(f"is not an EAN-13 barcode: its last digit should be {check}")
    return text


def ean13_check_digit(first12: str) -> str:
    """The 13th digit of an EAN-13."""
    weighted = sum(int(digit) * (3 if i % 2 else 1) for i, digit in enumerate(first12))
    return str(-weighted % 10)


@dataclass(frozen=True)
class _Column:
    name: str
    parse: Callable[[str], Any] = _text
    required: bool = False
    unique: bool = False
    empty: Any = None
    # Whether the table has it; if not, it only says what another column is.
    stored: bool = True


_INT32, _INT64 = 2**31 - 1, 2**63 - 1
_ID = _whole(1, _INT64)
_PERCENT = _decimal(0, 100)


def _place(required: bool) -> tuple[_Column, ...]:
    return (
        _Column("x", _decimal(), required),
        _Column("y", _decimal(), required),
        _Column("radius", _decimal(0), required),
    )


_TABLES: dict[str, tuple[Table, tuple[_Column, ...]]] = {
    "sections": (
        store_sections,
        (
            _Column("code", required=True, unique=True),
            _Column("name", required=True),
            _Column("name_en"),
            _Column("zone_id", _whole(0, _INT64)),
            _Column("zone_name"),
            *_place(True),
        ),
    ),
    "products": (
        store_products,
        (
            _Column("id", _ID, required=True, unique=True),
            _Column("barcode", _ean13, unique=True),
            _Column("name", required=True),
            _Column("name_en"),
            _Column("name_ja"),
            _Column("brand"),
            _Column("price", _decimal(0)),
            _Column("price_unit"),
            _Column("src_url"),
            _Column("quantity", _whole(0, _INT32)),
            _Column("section_code"),
            *_place(False),
            _Column("pack_size", _more_than_zero),
            _Column("pack_unit", _one_of("g", "ml", "ea")),
            _Column("discount_pct", _PERCENT),
            _Column("terms", _terms, empty=[]),
        ),
    ),
    "coupon_spots": (
        store_coupon_spots,
        (
            _Column("spot_no", _whole(1, _INT32), required=True, unique=True),
            _Column("product_id", _ID),
            _Column("item_name"),
            _Column("item_name_en"),
            _Column("discount_value", _PERCENT, required=True),
            *_place(True),
        ),
    ),
    "signage": (
        store_signage,
        (
            _Column("id", _uuid, unique=True),
            _Column("number", _whole(1, _INT32), required=True),
            _Column("name", required=True),
            *_place(True),
            _Column("orientation", _one_of("portrait", "landscape"), required=True),
        ),
    ),
    # After the signage they belong to.
    "slides": (
        store_slides,
        (
            _Column("signage_id", _uuid),
            _Column("signage_number", _whole(1, _INT32), stored=False),
            _Column("position", _whole(1, _INT32), required=True),
            _Column("image_url", empty=""),
            _Column("title", empty=""),
            _Column("text", empty=""),
        ),
    ),
    "signage_events": (
        store_signage_events,
        (
            _Column("id", _ID, required=True, unique=True),
            _Column("title", required=True),
            _Column("text"),
            _Column("image_url"),
            _Column("enabled", _yes_no, required=True),
        ),
    ),
}


# ---- the import ----


class _Problems:
    """Counts all, keeps the first hundred."""

    def __init__(self) -> None:
        self.kept: list[Problem] = []
        self.total = 0
        self.files: set[Path] = set()

    def add(
        self,
        file: Path,
        message: str,
        line: int | None = None,
        column: str | None = None,
        value: str | None = None,
    ) -> None:
        self.total += 1
        self.files.add(file)
        if len(self.kept) < MAX_REPORTED:
            shown = value if value is None or len(value) <= 80 else value[:80] + "…"
            self.kept.append(Problem(file.name, line, column, shown, message))


@dataclass(frozen=True)
class _Row:
    line: int
    values: dict[str, Any]


async def _import(conn: AsyncConnection, tenant_id: UUID, files: Sequence[Path]) -> Counts:
    problems = _Problems()
    paths = {file.stem: file for file in files}
    read = {name: _read(file, _TABLES[name][1], problems) for name, file in paths.items()}
    _check_products(paths, read, problems)
    _check_signage(tenant_id, paths, read, problems)
    # Changes of one store take turns from here on, so what is looked up now stays true.
    await store.bump_revision(conn, tenant_id)
    await _check_references(conn, tenant_id, paths, read, problems)
    await _check_slides(conn, tenant_id, paths, read, problems)
    if problems.total:
        raise ImportFailed(problems.kept, problems.total)
    written = {name: [row.values for row in rows] for name, rows in read.items()}
    if "signage" in read and "slides" not in read:
        # Slides go with their signage; those of signage that is there again stay.
        written["slides"] = await _slides_of(conn, tenant_id, written["signage"])
    for name, rows in written.items():
        table, columns = _TABLES[name]
        names = [column.name for column in columns if column.stored]
        values = (tuple(row[name] for name in names) for row in rows)
        await replace_rows(conn, tenant_id, table, names, values)
    return {name: len(rows) for name, rows in read.items()}


def _read(file: Path, columns: Sequence[_Column], problems: _Problems) -> list[_Row]:
    """The rows of a file; a row with a bad cell is reported and left out."""
    data = file.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        value = data[error.start : error.end].hex(" ")
        problems.add(file, "is not UTF-8: save the file as CSV UTF-8", line, None, value)
        return []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[_Row] = []
    seen: dict[str, dict[Any, int]] = {column.name: {} for column in columns if column.unique}
    line = 1
    try:
        header = [name.strip() for name in next(reader, [])]
        if not _check_header(file, header, columns, problems):
            return []
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                values = _parse(file, line, header, cells, columns, seen, problems)
                if values is not None:
                    rows.append(_Row(line, values))
            line = reader.line_num + 1
    except csv.Error as error:
        problems.add(file, f"is not CSV: {error}", line)
    return rows


def _check_header(
    file: Path, header: list[str], columns: Sequence[_Column], problems: _Problems
) -> bool:
    before = problems.total
    known = {column.name for column in columns}
    for column in columns:
        if column.required and column.name not in header:
            problems.add(file, "is missing from the header", 1, column.name)
    for place, name in enumerate(header):
        if name not in known:
            problems.add(file, "the header has a column that is not known", 1, value=name)
        elif name in header[:place]:
            problems.add(file, "is in the header twice", 1, name)
    return problems.total == before


def _parse(
    file: Path,
    line: int,
    header: Sequence[str],
    cells: Sequence[str],
    columns: Sequence[_Column],
    seen: dict[str, dict[Any, int]],
    problems: _Problems,
) -> dict[str, Any] | None:
    if len(cells) != len(header):
        message = f"has {len(cells)} columns where the header has {len(header)}"
        problems.add(file, message, line, value=",".join(cells))
        return None
    before = problems.total
    given = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    values: dict[str, Any] = {}
    for column in columns:
        cell = given.get(column.name, "")
        values[column.name] = column.empty
        if not cell:
            if column.required:
                problems.add(file, "is empty", line, column.name)
            continue
        try:
            value = values[column.name] = column.parse(cell)
        except _Bad as bad:
            problems.add(file, str(bad), line, column.name, cell)
            continue
        if column.unique:
            first = seen[column.name].setdefault(value, line)
            if first != line:
                problems.add(file, f"is already on line {first}", line, column.name, cell)
    return values if problems.total == before else None


def _check_products(
    paths: Mapping[str, Path], read: Mapping[str, list[_Row]], problems: _Problems
) -> None:
    for row in read.get("products", ()):
        place = [row.values[name] for name in ("x", "y", "radius")]
        if None in place and place != [None] * 3:
            problems.add(paths["products"], "x, y and radius go together", row.line)
        if (row.values["pack_size"] is None) != (row.values["pack_unit"] is None):
            problems.add(paths["products"], "pack_size and pack_unit go together", row.line)


def _check_signage(
    tenant_id: UUID,
    paths: Mapping[str, Path],
    read: Mapping[str, list[_Row]],
    problems: _Problems,
) -> None:
    """Give signage without an id one that stays the same at the next import."""
    seen: set[UUID | None] = {row.values["id"] for row in read.get("signage", ())}
    for row in read.get("signage", ()):
        if row.values["id"] is None:
            row.values["id"] = uuid5(tenant_id, f"signage/{row.values['number']}")
            if row.values["id"] in seen:
                message = "is already taken: signage that shares a number needs an id"
                number = str(row.values["number"])
                problems.add(paths["signage"], message, row.line, "number", number)
            seen.add(row.values["id"])


async def _check_references(
    conn: AsyncConnection,
    tenant_id: UUID,
    paths: Mapping[str, Path],
    read: Mapping[str, list[_Row]],
    problems: _Problems,
) -> None:
    """Section codes and the products of coupon spots, against the files or what is there.

    Not against a file that has errors itself: its rows are incomplete.
    """
    broken = {name for name, file in paths.items() if file in problems.files}
    if ("products" in read or "sections" in read) and "sections" not in broken:
        codes = await _known(conn, tenant_id, store_sections, "code", read.get("sections"))
        for row in read.get("products", ()):
            code = row.values["section_code"]
            if code is not None and code not in codes:
                problems.add(
                    paths["products"], "is not a known section", row.line, "section_code", code
                )
        if "products" not in read:
            used = await _known(conn, tenant_id, store_products, "section_code", None)
            for code in sorted(used - codes - {None}):
                message = "products stand in a section that is missing here"
                problems.add(paths["sections"], message, None, "code", code)
    if "coupon_spots" in read and "products" not in broken:
        ids = await _known(conn, tenant_id, store_products, "id", read.get("products"))
        for row in read["coupon_spots"]:
            product_id = row.values["product_id"]
            if row.values["item_name"] is None and product_id not in ids:
                value = "" if product_id is None else str(product_id)
                message = "is not a known product, and there is no item_name instead"
                problems.add(paths["coupon_spots"], message, row.line, "product_id", value)


async def _check_slides(
    conn: AsyncConnection,
    tenant_id: UUID,
    paths: Mapping[str, Path],
    read: Mapping[str, list[_Row]],
    problems: _Problems,
) -> None:
    """Find the signage of each slide, by id or by number, and no two slides in one place.

    Not against a signage file that has errors itself: its rows are incomplete.
    """
    if "slides" not in read or paths.get("signage") in problems.files:
        return
    file = paths["slides"]
    ids, by_number = await _signage(conn, tenant_id, read.get("signage"))
    taken: dict[tuple[UUID, int], int] = {}
    for row in read["slides"]:
        signage_id, number = row.values["signage_id"], row.values["signage_number"]
        if (signage_id is None) == (number is None):
            problems.add(file, "needs either a signage_id or a signage_number", row.line)
        elif number is not None and len(by_number.get(number, ())) > 1:
            message = "is the number of several signage: name it by signage_id"
            problems.add(file, message, row.line, "signage_number", str(number))
        elif number is not None and number not in by_number:
            problems.add(file, "is not a known signage", row.line, "signage_number", str(number))
        elif number is None and signage_id not in ids:
            problems.add(file, "is not a known signage", row.line, "signage_id", str(signage_id))
        else:
            row.values["signage_id"] = signage_id or by_number[number][0]
            place = (row.values["signage_id"], row.values["position"])
            first = taken.setdefault(place, row.line)
            if first != row.line:
                message = f"is already on line {first}"
                problems.add(file, message, row.line, "position", str(place[1]))


async def _signage(
    conn: AsyncConnection, tenant_id: UUID, rows: Sequence[_Row] | None
) -> tuple[set[UUID], dict[int, list[UUID]]]:
    """Ids, and ids by number: of the rows about to be written, else of those that are there."""
    if rows is not None:
        pairs = [(row.values["number"], row.values["id"]) for row in rows]
    else:
        found = await conn.execute(
            select(store_signage.c.number, store_signage.c.id).filter_by(tenant_id=tenant_id)
        )
        pairs = [(row.number, row.id) for row in found]
    by_number: dict[int, list[UUID]] = {}
    for number, signage_id in pairs:
        by_number.setdefault(number, []).append(signage_id)
    return {signage_id for _, signage_id in pairs}, by_number


async def _slides_of(
    conn: AsyncConnection, tenant_id: UUID, signage: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    ids = {row["id"] for row in signage}
    found = await conn.execute(select(store_slides).filter_by(tenant_id=tenant_id))
    return [dict(row) for row in found.mappings() if row["signage_id"] in ids]


async def _known(
    conn: AsyncConnection,
    tenant_id: UUID,
    table: Table,
    column: str,
    rows: Sequence[_Row] | None,
) -> set[Any]:
    """Values of a column: of the rows about to be written, else of those that are there."""
    if rows is not None:
        return {row.values[column] for row in rows}
    found = await conn.execute(
        select(table.c[column]).where(table.c.tenant_id == tenant_id).distinct()
    )
    return set(found.scalars())
