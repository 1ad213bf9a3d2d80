"""Files as people send them: what is CSV, and what a spreadsheet or another program made of it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from core.platform.csv import (
    Bad,
    Column,
    ImportFailed,
    Problem,
    Problems,
    each_row,
    parse_decimal,
    parse_text,
    parse_whole,
    read_rows,
)

COLUMNS = (
    Column("id", parse_whole(1, 99), required=True, unique=True),
    Column("name", required=True),
    Column("price", parse_decimal(0, 1000)),
)
HEADER = "id,name,price\n"
GOOD = HEADER + "1,두부,3\n2,豆腐,\n"


def read(tmp_path: Path, content: str | bytes, **options: bool) -> list[tuple[int, str]]:
    file = tmp_path / "file.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    problems = Problems()
    rows = read_rows(file, COLUMNS, problems, **options)
    problems.check()
    return [(row.values["id"], row.values["name"]) for row in rows]


def refused(tmp_path: Path, content: str | bytes) -> Problem:
    with pytest.raises(ImportFailed) as failed:
        read(tmp_path, content)
    (problem,) = failed.value.problems
    return problem


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        GOOD.replace("id,name,price", '"id", name ,"price"'),
        GOOD + ",,\n\n",
    ],
    ids=["plain", "BOM", "Windows", "old Mac", "quotes and spaces", "blank lines"],
)
def test_what_is_csv(tmp_path: Path, content: str) -> None:
    assert read(tmp_path, content) == [(1, "두부"), (2, "豆腐")]


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return file.getvalue()


ADVICE = "save the file as CSV UTF-8"
OTHERS: dict[str, tuple[str | bytes, int | None, str]] = {
    "sep=": ("sep=;\n" + GOOD.replace(",", ";"), 1, "is a spreadsheet's own line"),
    "sep= and commas": ("SEP=,\n" + GOOD, 1, "is a spreadsheet's own line"),
    "sep= quoted": ('"sep=\t"\n' + GOOD, 1, "is a spreadsheet's own line"),
    "semicolons": (GOOD.replace(",", ";"), 1, "separated by semicolons"),
    "quoted, semicolons": ('"id";"name"\n"1";"두부"\n', 1, "separated by semicolons"),
    "tabs": (GOOD.replace(",", "\t"), 1, "separated by tabs"),
    "bars": (GOOD.replace(",", "|"), 1, "separated by bars"),
    "CP949": (GOOD.encode("cp949", "replace"), 2, "is not UTF-8"),
    "Shift-JIS": ((HEADER + "1,豆腐,\n").encode("shift_jis"), 2, "is not UTF-8"),
    "far down": (GOOD.encode() + "3,두부,\n".encode("cp949"), 4, "is not UTF-8"),
    "UTF-16": (GOOD.encode("utf-16"), 1, "is not UTF-8"),
    "UTF-16 of ASCII, no mark": ((HEADER + "1,tofu,\n").encode("utf-16-le"), 1, "is not UTF-8"),
    "UTF-16, big end first": ((HEADER + "1,tofu,\n").encode("utf-16-be"), 1, "is not UTF-8"),
    "UTF-32": (GOOD.encode("utf-32"), 1, "is not UTF-8"),
    "Latin-1": ((HEADER + "1,café,\n").encode("latin-1"), 2, "is not UTF-8"),
    "xlsx": (zipped(), None, "is a spreadsheet"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, None, "is an old spreadsheet"),
    "parquet": (b"PAR1" + b"\0" * 64, None, "is a Parquet file"),
    "gzip": (b"\x1f\x8b\x08" + b"\0" * 64, None, "is a gzip file"),
    "HTML": ("<html><table><tr><td>id</td>", 1, "is HTML or XML"),
    "XML": ("<?xml version='1.0'?><Workbook/>", 1, "is HTML or XML"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_is_none_is_named_with_what_to_do(tmp_path: Path, case: str) -> None:
    content, line, message = OTHERS[case]
    problem = refused(tmp_path, content)
    assert (problem.file, problem.line, problem.column) == ("file.csv", line, None)
    assert message in problem.message
    assert ADVICE in problem.message


@pytest.mark.parametrize(
    ("cells", "column", "message"),
    [
        ('1,"=""0001""",', "name", "is a spreadsheet's formula"),
        ('1,="0001",', "name", "is a spreadsheet's formula"),
        ('="1",a,', "id", "is a spreadsheet's formula"),
        ("1,8.80123E+12,", "name", "was shortened by a spreadsheet"),
        ('1,"8,80123E+12",', "name", "was shortened by a spreadsheet"),
        ("1,9e+015,", "name", "was shortened by a spreadsheet"),
        ("8.80123E+12,a,", "id", "was shortened by a spreadsheet"),
        ("1,#N/A,", "name", "is what a spreadsheet shows"),
        ("#REF!,a,", "id", "is what a spreadsheet shows"),
        ("1,########,", "name", "is what a spreadsheet shows"),
        ("1,a\x1b[2J,", "name", "holds a control character"),
        ("1,a\x9b2J,", "name", "holds a control character"),
        ("1,a\x0bb,", "name", "holds a control character"),
        ("1,a,1e308", "price", "is more than 1000"),
        ("1,a,-0.5", "price", "is negative"),
        ('1,a,"3,5"', "price", "is not a number"),
        ("1,a,inf", "price", "is not a number"),
        ("1,a,٣", "price", "is not a number"),
    ],
)
def test_cells_that_were_spoilt(tmp_path: Path, cells: str, column: str, message: str) -> None:
    problem = refused(tmp_path, f"{HEADER}2,b,\n{cells}\n")
    assert (problem.line, problem.column) == (3, column)
    assert message in problem.message


@pytest.mark.parametrize(
    "text", ["3E8", "1E10", "=^.^=", "#1 두부", "#", "E+5", "7", "두부\n한 모"]
)
def test_texts_that_only_look_so(text: str) -> None:
    assert parse_text(text) == text


def test_exponents_are_numbers_where_numbers_are_wanted() -> None:
    assert parse_decimal(0, 1e6)("1.2E+03") == 1200
    with pytest.raises(Bad):
        parse_whole(0, 10**18)("1.2E+03")


@pytest.mark.parametrize("content", [HEADER, HEADER.strip(), HEADER + "\n,,\n\n"])
def test_a_header_alone_empties_nothing_unless_told(tmp_path: Path, content: str) -> None:
    assert "--allow-empty" in refused(tmp_path, content).message
    assert read(tmp_path, content, allow_empty=True) == []


@pytest.mark.parametrize("content", ["", "\ufeff", "\n\n", ",,\n1,a,\n", "  \n"])
def test_no_header_is_no_file_to_import(tmp_path: Path, content: str) -> None:
    for allow_empty in (False, True):
        with pytest.raises(ImportFailed, match="has no header"):
            read(tmp_path, content, allow_empty=allow_empty)


def test_rows_that_are_wrong_are_no_empty_file(tmp_path: Path) -> None:
    assert refused(tmp_path, HEADER + "x,a,\n").message == "is not a whole number"


def test_other_columns_where_they_may_be(tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    file.write_text("name,till,id,till\n두부,3,1,4\n")
    problems = Problems()
    (row,) = each_row(file, COLUMNS, problems, allow_others=True)
    assert row.values == {"id": 1, "name": "두부", "price": None}
    file.write_text("name,id,id\n두부,1,2\n")
    assert not list(each_row(file, COLUMNS, problems, allow_others=True))
    assert problems.kept == [Problem("file.csv", 1, "id", None, "is in the header twice")]


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    problems = Problems()
    for file in (tmp_path, tmp_path / "nowhere.csv"):
        assert not read_rows(file, COLUMNS, problems)
    assert [problem.message.split(":")[0] for problem in problems.kept] == ["cannot be read"] * 2
