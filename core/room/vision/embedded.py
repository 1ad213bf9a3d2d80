"""The engine without a network: OpenCV and PatchMatch on this machine. See docs/room/vision.md."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from core.platform.pool import WorkPool
from core.room.vision import wording
from core.room.vision.port import COMPLETED, Progress, TidyRoom, Verdict, VisionUnavailable

if TYPE_CHECKING:
    from PIL.Image import Image

    from core.room.vision.pixels import Array

# Of the earlier clutter, the share that must be gone: between what half a tidied room reaches and
# what a whole one does (docs/room/vision.md).
DONE = 0.75
# A mission that names a part of the room ("이불 정리") is judged where something changed, if that
# is enough of the whole for it to be more than one thing put aside.
DONE_PART = 0.25
PARTS = (
    "이불", "침대", "침구", "베개", "빨래", "옷", "양말", "책상", "책장", "책 ", "선반", "서랍",
    "바닥", "쓰레기", "재활용", "분리수거", "설거지", "화장대", "신발", "가방", "장난감", "식탁",
)  # fmt: skip

# Share of the cells that must look different for anything to have happened, and at most may: no
# tidying changes half of what is seen, but another room does.
NOTHING, EVERYTHING = 0.006, 0.5
# Average clutter (`pixels.amount`) up to which a room is tidy, and from which there is a lot to do.
TIDY, MESSY = 0.01, 0.075

TIDY_SIDE = 640
"""Pixels of the longer side of the copy that is painted on."""


class _Tools(NamedTuple):
    pixels: ModuleType
    cleanup: ModuleType


class EmbeddedVision:
    """`RoomVision` by measuring pixels. Its work runs in `pool`, one picture to a thread.

    OpenCV is imported with the first picture, not before; where it isn't installed every method
    raises VisionUnavailable.
    """

    def __init__(self, pool: WorkPool) -> None:
        self._pool = pool

    async def analyze(self, room: Image) -> str:
        """Say how tidy the room looks, and where to begin."""
        return await self._pool.run(_analyze, room)

    async def compare(self, before: Image, after: Image, mission: str) -> Verdict:
        """Judge whether enough of the clutter of `before` is gone in `after`."""
        return await self._pool.run(_compare, before, after, mission)

    async def tidy(self, room: Image, progress: Progress) -> TidyRoom:
        """Paint over the room's clutter; leave a room as it is that is tidy or unclear."""
        return await self._pool.run(_tidy, room, progress)

    async def close(self) -> None:
        """Do nothing: the pool is its owner's."""


def _tools() -> _Tools:
    try:
        from core.room.vision import cleanup, pixels
    except ImportError as error:
        if (error.name or "").startswith("core"):
            raise
        raise VisionUnavailable(
            f"{error.name} is missing: pip install 'onegenie[rooms]'"
        ) from error
    return _Tools(pixels, cleanup)


def _analyze(room: Image) -> str:
    pixels = _tools().pixels
    view = pixels.working_copy(room)
    if flaw := pixels.flaw(view):
        return wording.estimate(wording.unclear("사진이", wording.FLAWS[flaw.name]))
    clutter = pixels.clutter(pixels.detail(pixels.enlarged(view)))
    amount = pixels.amount(clutter)
    where = _worst(clutter)
    if amount < TIDY or not where:
        return wording.estimate("방이 깨끗합니다.")
    degree = "많이 어질러져 있어요." if amount >= MESSY else "조금 어질러져 있어요."
    return wording.estimate(
        f"방이 {degree}", f"물건이 널려 있는 곳: {wording.places(where)}.", wording.todo(where)
    )


def _compare(before: Image, after: Image, mission: str) -> Verdict:
    pixels = _tools().pixels
    earlier, later = pixels.working_copy(before), pixels.working_copy(after)
    unfinished = wording.unfinished(mission)

    def not_done(*sentences: str) -> Verdict:
        return Verdict(False, wording.estimate(unfinished, *sentences), estimated=True)

    for which, view in (("청소 전 사진이", earlier), ("청소 후 사진이", later)):
        if flaw := pixels.flaw(view):
            return not_done(wording.unclear(which, wording.FLAWS[flaw.name]))
    # As coarse as the coarser one: what a smaller picture doesn't show is not tidied up.
    side = min(max(before.size), max(after.size), pixels.SIDE)
    earlier, later = (pixels.enlarged(pixels.working_copy(each, side)) for each in (before, after))
    other_room = not_done(
        "두 사진이 같은 방으로 보이지 않아요.", "같은 방을 같은 자리에서 다시 찍어 주세요."
    )
    matrix = pixels.same_view(earlier, later)
    if matrix is None:
        return other_room
    change = pixels.change(earlier, later, matrix)
    kept = pixels.structure_kept(earlier, later, matrix) >= pixels.SAME_STRUCTURE
    if change.changed > EVERYTHING and not kept:
        return other_room
    where = _worst(change.left)
    if change.changed < NOTHING:
        return not_done(
            "두 사진 사이에 달라진 것이 없어 보여요.", "정리한 뒤의 방을 새로 찍어 주세요."
        )
    if change.tidied < -0.1:
        return not_done(
            "청소 전보다 더 어질러진 것처럼 보여요.",
            "두 사진의 순서가 맞는지도 확인해 주세요.",
            f"물건이 널려 있는 곳: {wording.places(where)}." if where else "",
        )
    part = any(word in mission + " " for word in PARTS)
    if change.tidied >= DONE or (part and change.tidied >= DONE_PART and change.thorough >= DONE):
        # Rooms of one layout match, too: nothing is done that what stayed doesn't prove.
        return Verdict(True, COMPLETED, estimated=True) if kept else other_room
    return not_done(
        f"어질러진 것의 약 {round(max(change.tidied, 0) * 100)}%가 정리되었어요.",
        f"아직 남은 곳: {wording.places(where)}." if where else "",
        wording.todo(where),
    )


def _tidy(room: Image, progress: Progress) -> TidyRoom:
    pixels, cleanup = _tools()
    progress(0.05, wording.STAGES[0])
    view = pixels.working_copy(room)

    def unchanged(*sentences: str) -> TidyRoom:
        picture = cleanup.as_jpeg(room)
        progress(1.0, wording.STAGES[4])
        return TidyRoom(picture, wording.estimate(*sentences, wording.UNTOUCHED))

    if flaw := pixels.flaw(view):
        return unchanged(wording.unclear("사진이", wording.FLAWS[flaw.name]))
    progress(0.15, wording.STAGES[1])
    view = pixels.working_copy(room, TIDY_SIDE)
    mask = cleanup.clutter_mask(view)
    where = _worst(pixels.cells(mask.astype("float32")))
    if not where:
        return unchanged("방이 이미 깔끔하게 정리되어 있습니다.")
    progress(0.25, wording.STAGES[2])
    painted = cleanup.painted_over(view, mask)
    progress(0.9, wording.STAGES[3])
    picture = cleanup.blended(room, painted, mask)
    progress(1.0, wording.STAGES[4])
    return TidyRoom(
        picture,
        wording.estimate(
            "방이 깔끔하게 정리되었습니다.",
            f"{wording.places(where)}에 널려 있던 물건을 치웠어요.",
        ),
    )


def _worst(clutter: Array) -> list[tuple[int, int]]:
    """Return the ninths (row, column) that hold most of the clutter, worst first."""
    total = float(clutter.sum())
    if total <= 0:
        return []
    height, width = clutter.shape
    parts = []
    for row in range(3):
        for column in range(3):
            part = clutter[
                height * row // 3 : height * (row + 1) // 3,
                width * column // 3 : width * (column + 1) // 3,
            ]
            parts.append((float(part.sum()) / total, (row, column)))
    parts.sort(key=lambda each: -each[0])
    return [where for share, where in parts[:3] if share >= 0.15] or [parts[0][1]]
