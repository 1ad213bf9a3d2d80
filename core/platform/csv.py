"""Read CSV files that people write, and report every error with its file, line and column."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

# Problems that are listed; any more are only counted.
MAX_REPORTED = 100
ADVICE = "save the file as CSV UTF-8"
NO_ROWS = "has no rows: use --allow-empty to empty what it replaces"
# Control characters that no readable text has. Tabs and line breaks occur in spreadsheets' cells.
_CONTROLS = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a file. `line` counts from 1, the header included."""

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
    """Raised when nothing was imported. `problems` holds the first 100 of `total`."""

    def __init__(self, problems: Sequence[Problem], total: int) -> None:
        self.problems = tuple(problems)
        self.total = total
        lines = [str(problem) for problem in self.problems]
        if total > len(lines):
            lines.append(f"… and {total - len(lines)} more")
        super().__init__("\n".join(lines))


class Bad(Exception):
    """Raised by a cell's parser. The message says what is wrong, without naming the cell."""


# Spreadsheets leave these in place of a text: a formula, an error, or the exponent of a long
# number, whose last digits are gone.
_FORMULA = re.compile(r'="[^"]*"')
_ERROR = re.compile(r"#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!)|#{2,}")
_EXPONENT = re.compile(r"-?\d([.,]\d+)?[Ee]\+\d+")


def _check_intact(text: str) -> None:
    if _FORMULA.fullmatch(text):
        raise Bad(f"is a spreadsheet's formula: keep what is in its quotes alone, {ADVICE}")
    if _ERROR.fullmatch(text):
        raise Bad("is what a spreadsheet shows in place of a value")
    if _EXPONENT.fullmatch(text):
        raise Bad(f"was shortened by a spreadsheet: format its column as text, {ADVICE}")


def parse_text(text: str) -> str:
    """Return a cell's text: up to 1,000 characters, tabs and line breaks included. Raises Bad."""
    if "\0" in text:
        raise Bad("holds a NUL character")
    if _CONTROLS.search(text):
        raise Bad("holds a control character")
    if len(text) > 1000:
        raise Bad("is longer than 1,000 characters")
    _check_intact(text)
    return text


def parse_whole(least: int, most: int) -> Callable[[str], int]:
    """Return a parser of cells that hold a whole number from `least` to `most`."""

    def parse(text: str) -> int:
        try:
            number = int(text) if text.isascii() and "_" not in text else None
        except ValueError:
            number = None
        if number is None:
            _check_intact(text)
            raise Bad("is not a whole number")
        if number < least:
            raise Bad(f"is less than {least}")
        if number > most:
            raise Bad(f"is more than {most}")
        return number

    return parse


def parse_decimal(least: float, most: float) -> Callable[[str], float]:
    """Return a parser of cells that hold a number from `least` to `most`."""

    def parse(text: str) -> float:
        try:
            number = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise Bad("is not a number")
        if number < least:
            raise Bad("is negative" if least == 0 else f"is less than {least:.10g}")
        if number > most:
            raise Bad(f"is more than {most:.10g}")
        return number

    return parse


@dataclass(frozen=True)
class Column:
    """A column of a file. `parse` raises Bad. `empty` is the value of an empty cell."""

    name: str
    parse: Callable[[str], Any] = parse_text
    required: bool = False
    # For a required column: it must be in the header, but its cells may be empty.
    may_be_empty: bool = False
    unique: bool = False
    empty: Any = None
    # Whether the table has this column; one that is not stored only describes another column.
    stored: bool = True


class Problems:
    """Collects what is wrong with some files: counts every problem, keeps the first hundred."""

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
        """Report one problem. `line` counts from 1, the header included."""
        self.total += 1
        self.files.add(file)
        if len(self.kept) < MAX_REPORTED:
            shown = value if value is None or len(value) <= 80 else value[:80] + "…"
            self.kept.append(Problem(file.name, line, column, shown, message=message))

    def check(self) -> None:
        """Raise ImportFailed if anything was reported."""
        if self.total:
            files = list(dict.fromkeys(one.file for one in self.kept))
            ordered = sorted(self.kept, key=lambda one: (files.index(one.file), one.line or 0))
            raise ImportFailed(ordered, self.total)


@dataclass(frozen=True)
class Row:
    """A row of a file: the values of its columns by name, and the line on which it begins."""

    line: int
    values: dict[str, Any]


def read_rows(
    file: Path, columns: Sequence[Column], problems: Problems, *, allow_empty: bool = False
) -> list[Row]:
    """Return all rows of a file, read as `each_row` reads them."""
    return list(each_row(file, columns, problems, allow_empty=allow_empty))


def each_row(
    file: Path,
    columns: Sequence[Column],
    problems: Problems,
    *,
    allow_empty: bool = False,
    allow_others: bool = False,
) -> Iterator[Row]:
    """Yield a file's rows. A row with a bad cell is reported to `problems` and left out.

    A file with nothing but a header is reported too, because it would empty what it replaces;
    `allow_empty` permits it. `allow_others` ignores unknown columns instead of reporting them.
    """
    before, count = problems.total, 0
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            if what := _magic(file):
                problems.add(file, f"is {what}, not CSV: {ADVICE}")
                return
            for row in _rows(file, text, columns, problems, allow_others=allow_others):
                count += 1
                yield row
    except UnicodeDecodeError:
        _report_encoding(file, problems)
    except OSError as error:
        problems.add(file, f"cannot be read: {error.strerror}")
    if not count and problems.total == before and not allow_empty:
        problems.add(file, NO_ROWS)


def _rows(
    file: Path, text: TextIO, columns: Sequence[Column], problems: Problems, allow_others: bool
) -> Iterator[Row]:
    first_line = text.readline()
    text.seek(0)
    reader = csv.reader(text, strict=True)
    seen: dict[str, dict[Any, int]] = {column.name: {} for column in columns if column.unique}
    line = 1
    try:
        if not _check_first_line(file, first_line.strip(), columns, problems):
            return
        header = [name.strip() for name in next(reader)]
        if not _check_header(file, header, columns, problems, allow_others=allow_others):
            return
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) != len(header):
                    message = f"has {len(cells)} columns where the header has {len(header)}"
                    problems.add(file, message, line, value=",".join(cells))
                elif values := _parse(
                    file, line, header, cells, columns=columns, seen=seen, problems=problems
                ):
                    yield Row(line, values)
            line = reader.line_num + 1
    except csv.Error as error:
        problems.add(file, f"is not CSV: {error}", line)


_MAGIC = {
    b"PK\3\4": "a spreadsheet or another ZIP file",
    b"PK\5\6": "a ZIP file",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzip file",
    b"%PDF": "a PDF file",
    b"SQLite format": "a database",
}


def _magic(file: Path) -> str:
    """Return what a file is, if it is not text at all; else an empty text."""
    with file.open("rb") as data:
        head = data.read(16)
    return next((what for magic, what in _MAGIC.items() if head.startswith(magic)), "")


def _report_encoding(file: Path, problems: Problems) -> None:
    data = file.read_bytes()
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        value = data[error.start : error.end].hex(" ")
        problems.add(file, f"is not UTF-8: {ADVICE}", line, None, value=value)


_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def _check_first_line(file: Path, text: str, columns: Sequence[Column], problems: Problems) -> bool:
    """Return whether the first line can be a header of CSV in UTF-8; report what it is if not."""
    known = {column.name for column in columns}

    def parts(sign: str) -> set[str]:
        return {part.strip(' "') for part in text.split(sign)}

    separators = [name for sign, name in _SEPARATORS.items() if len(known & parts(sign)) > 1]
    if not text.strip(", "):
        message = "has no header: its first line is empty"
    elif "\0" in text:
        message = f"is not UTF-8: {ADVICE}"
    elif text.startswith("<"):
        message = f"is HTML or XML, not CSV: {ADVICE}"
    elif re.match('"?sep=', text, re.IGNORECASE):
        message = f"is a spreadsheet's own line, not a header: {ADVICE}"
    elif separators and not known & parts(","):
        message = f"the columns are separated by {separators[0]}, not by commas: {ADVICE}"
    else:
        return True
    problems.add(file, message, 1, value=text or None)
    return False


def _check_header(
    file: Path,
    header: list[str],
    columns: Sequence[Column],
    problems: Problems,
    allow_others: bool,
) -> bool:
    before = problems.total
    known = {column.name for column in columns}
    for column in columns:
        if column.required and column.name not in header:
            problems.add(file, "is missing from the header", 1, column.name)
    for place, name in enumerate(header):
        if name not in known:
            if not allow_others:
                problems.add(file, "the header has a column that is not known", 1, value=name)
        elif name in header[:place]:
            problems.add(file, "is in the header twice", 1, name)
    return problems.total == before


def _parse(
    file: Path,
    line: int,
    header: Sequence[str],
    cells: Sequence[str],
    columns: Sequence[Column],
    seen: dict[str, dict[Any, int]],
    problems: Problems,
) -> dict[str, Any] | None:
    before = problems.total
    given = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    values: dict[str, Any] = {}
    for column in columns:
        cell = given.get(column.name, "")
        values[column.name] = column.empty
        if not cell:
            if column.required and not column.may_be_empty:
                problems.add(file, "is empty", line, column.name)
            continue
        try:
            value = values[column.name] = column.parse(cell)
        except Bad as bad:
            problems.add(file, str(bad), line, column.name, value=cell)
            continue
        if column.unique:
            first = seen[column.name].setdefault(value, line)
            if first != line:
                problems.add(file, f"is already on line {first}", line, column.name, value=cell)
    return values if problems.total == before else None
