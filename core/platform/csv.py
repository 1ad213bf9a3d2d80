"""CSV files that people write: their rows, and every error with its file, line and column."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_REPORTED = 100


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


class Bad(Exception):
    """What is wrong with a cell."""


def parse_text(text: str) -> str:
    """A cell of any text, up to 1,000 characters."""
    if "\0" in text:
        raise Bad("holds a NUL character")
    if len(text) > 1000:
        raise Bad("is longer than 1,000 characters")
    return text


def parse_whole(least: int, most: int) -> Callable[[str], int]:
    """A parser of cells that hold a whole number within bounds."""

    def parse(text: str) -> int:
        try:
            number = int(text) if text.isascii() and "_" not in text else None
        except ValueError:
            number = None
        if number is None:
            raise Bad("is not a whole number")
        if number < least:
            raise Bad(f"is less than {least}")
        if number > most:
            raise Bad(f"is more than {most}")
        return number

    return parse


@dataclass(frozen=True)
class Column:
    """A column of a file. `parse` raises Bad; `empty` is the value of an empty cell."""

    name: str
    parse: Callable[[str], Any] = parse_text
    required: bool = False
    unique: bool = False
    empty: Any = None
    # Whether the table has it; if not, it only says what another column is.
    stored: bool = True


class Problems:
    """What is wrong with some files: counts all, keeps the first hundred."""

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
        """Report one thing. `line` counts from 1 and includes the header."""
        self.total += 1
        self.files.add(file)
        if len(self.kept) < MAX_REPORTED:
            shown = value if value is None or len(value) <= 80 else value[:80] + "…"
            self.kept.append(Problem(file.name, line, column, shown, message))

    def check(self) -> None:
        """Raise ImportFailed if anything was reported."""
        if self.total:
            files = list(dict.fromkeys(one.file for one in self.kept))
            ordered = sorted(self.kept, key=lambda one: (files.index(one.file), one.line or 0))
            raise ImportFailed(ordered, self.total)


@dataclass(frozen=True)
class Row:
    """A row of a file: the values of its columns by name, and the line where it begins."""

    line: int
    values: dict[str, Any]


def read_rows(file: Path, columns: Sequence[Column], problems: Problems) -> list[Row]:
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
    rows: list[Row] = []
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
                    rows.append(Row(line, values))
            line = reader.line_num + 1
    except csv.Error as error:
        problems.add(file, f"is not CSV: {error}", line)
    return rows


def _check_header(
    file: Path, header: list[str], columns: Sequence[Column], problems: Problems
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
    columns: Sequence[Column],
    seen: dict[str, dict[Any, int]],
    problems: Problems,
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
        except Bad as bad:
            problems.add(file, str(bad), line, column.name, cell)
            continue
        if column.unique:
            first = seen[column.name].setdefault(value, line)
            if first != line:
                problems.add(file, f"is already on line {first}", line, column.name, cell)
    return values if problems.total == before else None
