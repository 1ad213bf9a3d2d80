"""Word what the embedded engine says, in Korean. Each text says that it is an estimate.

But for the documented sentence of a mission that is done (`port.COMPLETED`), which stands alone.
"""

from __future__ import annotations

from collections.abc import Sequence

ESTIMATE = "(사진으로 추정한 결과예요.)"

UNTOUCHED = "사진은 그대로 돌려드려요."

STAGES = (
    "사진을 살펴보는 중",
    "어질러진 곳을 찾는 중",
    "물건을 치우는 중",
    "사진을 다듬는 중",
    "완료",
)

# Where clutter is, by thirds of the picture: rows from the top, columns from the left.
ROWS = ("위쪽", "침대나 책상 높이", "바닥")
COLUMNS = ("왼쪽", "가운데", "오른쪽")
_TODO = (
    "선반이나 벽 쪽에 올려둔 물건부터 제자리에 넣어 주세요.",
    "침대와 책상 위의 물건부터 제자리에 넣고, 이불을 펴 주세요.",
    "바닥에 놓인 옷과 물건부터 주워 제자리에 넣어 주세요.",
)

Place = tuple[int, int]
"""Row and column of a ninth of the picture."""


def place(where: Place) -> str:
    """Name a place: "바닥 왼쪽", "침대나 책상 높이 가운데"."""
    row, column = where
    return f"{ROWS[row]} {COLUMNS[column]}"


def places(where: Sequence[Place]) -> str:
    """Name places in one breath: those of one height are said together."""
    said = []
    for row in sorted({row for row, _ in where}, reverse=True):
        columns = sorted({column for each, column in where if each == row})
        whole = len(columns) == len(COLUMNS)
        said.append(f"{ROWS[row]} {'전체' if whole else '·'.join(COLUMNS[c] for c in columns)}")
    return ", ".join(said)


def todo(where: Sequence[Place]) -> str:
    """Say what to do first, for the worst place."""
    return _TODO[where[0][0]] if where else "눈에 띄는 물건부터 제자리에 넣어 주세요."


def estimate(*sentences: str) -> str:
    """Join the sentences, and say that they are an estimate."""
    return " ".join([*(s for s in sentences if s), ESTIMATE])


def unclear(which: str, why: str) -> str:
    """Say that a picture is unclear: `which` is "청소 전 사진이" or the like, `why` of `FLAWS`."""
    again = "밝은 곳에서 방 전체가 보이게 다시 찍어 주세요."
    return f"{which} {why} 방의 상태를 알아보기 어려워요. {again}"


FLAWS = {
    "SMALL": "너무 작거나 한쪽으로 길어서",
    "DARK": "너무 어두워서",
    "BRIGHT": "너무 밝아서",
    "EMPTY": "거의 한 가지 색이라",
    "BLURRED": "흐려서",
    "NOISY": "노이즈가 많아서",
}


def unfinished(mission: str) -> str:
    """Say that a mission isn't done: "아직 '방 청소' 미션이 완료되지 않았어요."."""
    name = " ".join(mission.split())
    if len(name) > 40:
        name = name[:39].rstrip() + "…"
    return f"아직 '{name}' 미션이 완료되지 않았어요." if name else "아직 미션이 완료되지 않았어요."
