"""What others wrote, as the command line shows it."""

from __future__ import annotations

import importlib
import io

import pytest
import typer
from onegenie.recommend.v1 import recommend_pb2
from onegenie.signage.v1 import signage_pb2
from rich.console import Console

from core.cli import common
from core.cli.common import Table, fail, one_line, show_problems, shown, visible
from core.platform.csv import ImportFailed, Problem

# The package has the commands under the names of their modules.
recommend = importlib.import_module("core.cli.recommend")
signage = importlib.import_module("core.cli.signage")

HOSTILE = {
    "[/x]": "[/x]",
    "[conceal]x": "[conceal]x",
    ":skull:": ":skull:",
    "a\x1b[2Jb": r"a\x1b[2Jb",
    "\x1b]0;title\x07": r"\x1b]0;title\x07",
    "\x9b2J": r"\x9b2J",
    "a\nb\tc\rd": r"a\nb\tc\rd",
    "admin\u202egnp": r"admin\u202egnp",
    "a\u2066b\u2069\u200f\u061c": r"a\u2066b\u2069\u200f\u061c",
    "ad\u200bmin\u00ad": r"ad\u200bmin\xad",
    "a\u2028b\u2029c": r"a\u2028b\u2029c",
    "\u3164\u2800": r"\u3164\u2800",
    "\ud800": r"\ud800",
    "\U000e0041": r"\U000e0041",
    "\x7f\0": r"\x7f\x00",
}
PLAIN = ["매장 안", "入口　１", "crème brûlée", "🍜 국수", "\\x1b as text"]


def printed(thing: object) -> str:
    """What the terminal gets, our own colours aside."""
    console = Console(file=io.StringIO(), width=120, markup=False, emoji=False, highlight=False)
    console.print(thing)
    return console.file.getvalue()  # type: ignore[attr-defined]


def is_harmless(text: str) -> bool:
    return visible(text, keep="\n") == text


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_terminal_would_obey_is_shown(text: str) -> None:
    assert visible(text) == HOSTILE[text]
    assert printed(shown(text)) == HOSTILE[text] + "\n"
    table = Table("name", "note")
    table.add_row(text, text)
    rows = printed(table)
    assert rows.count(HOSTILE[text]) == 2
    assert is_harmless(rows)


@pytest.mark.parametrize("text", PLAIN)
def test_what_people_write_stays(text: str) -> None:
    assert visible(text) == text


def consoles(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    file = io.StringIO()
    for name in ("out", "err"):
        console = Console(file=file, width=200, markup=False, emoji=False, highlight=False)
        for module in (common, recommend, signage):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, console)
    return file


@pytest.mark.parametrize("text", HOSTILE)
def test_errors_are_shown_so_too(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = consoles(monkeypatch)
    with pytest.raises(typer.Exit):
        fail(f"first line\n{text}")
    show_problems(ImportFailed([Problem(text, 2, "name", text, text)], 1))
    assert is_harmless(file.getvalue())


@pytest.mark.parametrize("text", HOSTILE)
def test_rounds_and_screens_are_shown_so_too(text: str) -> None:
    round_ = recommend_pb2.Round()
    clean = text.encode("utf-8", "replace").decode()  # protobuf takes no halves of pairs
    for field in ("recipe_title", "intro_message", "recommendation_message"):
        setattr(round_.todos, field, clean)
    item = round_.todos.items.add(quantity=1)
    suggested = round_.recommended_items.add(reason=clean)
    for product in (item.product, suggested.product):
        product.name = product.section_name = product.price_unit = clean
        product.price = 1
    for language in ("ko", "en", "ja"):
        setattr(suggested.reason_detail_marketing, language, clean)
    round_.notifications.ad.items.add(item_name=clean)
    round_.notifications.coupon.add(item_name=clean, zone_name=clean)
    for part in recommend._result(round_):
        assert is_harmless(printed(part))

    frame = signage_pb2.Frame(number=1)
    frame.slides.add(title=clean, text=clean)
    assert is_harmless(printed(signage._drawn(frame, None)))
    frame.kind = signage_pb2.FRAME_KIND_RECOGNIZED
    card = frame.screen.card
    card.copy = card.item.item_name = card.item.brand = card.item.price_unit = clean
    card.item.price = 1
    assert is_harmless(printed(signage._drawn(frame, None)))
    sections = frame.screen.sections
    sections.forgotten = clean  # no JSON at all
    sections.event.title = sections.event.text = clean
    sections.ad.reason_detail_marketing = sections.ad.rec_id = clean
    assert is_harmless(printed(signage._drawn(frame, None)))


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "\x1b[2J", "\x9b", "\x7f", "\ud800", "x" * 6])
def test_a_name_is_one_line(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = consoles(monkeypatch)
    with pytest.raises(typer.Exit):
        one_line("--name", text, 5)
    assert "--name: must " in file.getvalue()
    assert one_line("--name", "[/x]", 5) == "[/x]"
