"""CSV import of the registered missions. docs/room/mission.md describes the file."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.platform.csv import Bad, Column, Problems, parse_text, parse_whole, read_rows
from core.platform.database import Connection
from core.room.mission import sql
from core.room.mission.choose import same


@dataclass(frozen=True, slots=True)
class Counts:
    """What an import did to the registered missions. One that was retired before is added."""

    added: int
    changed: int
    unchanged: int
    retired: int


async def import_missions(
    conn: Connection, file: Path, now: datetime, *, allow_empty: bool = False
) -> Counts:
    """Make the file's missions the registered ones, in the caller's transaction.

    A mission whose content differs in case and spaces only is the same one. Those that the file
    hasn't are retired: no longer suggested, but kept, since people have done them. Raises
    ImportFailed when the file has errors, or no rows (unless `allow_empty`); the transaction must
    then be left unused.
    """
    problems = Problems()
    rows = read_rows(file, _COLUMNS, problems, allow_empty=allow_empty)
    lines: dict[str, int] = {}
    for row in rows:
        content = row.values["content"]
        first = lines.setdefault(same(content), row.line)
        if first != row.line:
            problems.add(
                file, f"is already on line {first}", row.line, column="content", value=content
            )
    problems.check()

    known = {same(old.content): old for old in await sql.lock_missions(conn)}
    added = changed = 0
    for row in rows:
        values = row.values
        old = known.pop(same(values["content"]), None)
        if old is None:
            added += 1
            await sql.add_mission(conn, now, **values)
        elif old.retired_at is not None or any(getattr(old, key) != values[key] for key in values):
            added += old.retired_at is not None
            changed += old.retired_at is None
            await sql.change_mission(conn, old.id, **values)
    gone = [old.id for old in known.values() if old.retired_at is None]
    await sql.retire_missions(conn, gone, now)
    return Counts(added, changed, len(rows) - added - changed, len(gone))


def _line(most: int) -> Callable[[str], str]:
    """Return a parser of one line of text: composed characters, single spaces."""

    def parse(cell: str) -> str:
        line = " ".join(unicodedata.normalize("NFC", parse_text(cell)).split())
        if len(line) > most:
            raise Bad(f"is longer than {most} characters")
        return line

    return parse


_COLUMNS = (
    # As long as a mission of one's own may be.
    Column("content", _line(200), required=True),
    Column("category", _line(50), required=True),
    Column("minutes", parse_whole(1, 24 * 60)),
)
