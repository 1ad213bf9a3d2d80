"""The embedded engine over drawn rooms whose truth is known."""

from __future__ import annotations

import io
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageStat

from core.platform.pool import WorkPool
from core.room.vision.embedded import EmbeddedVision
from core.room.vision.port import COMPLETED, VisionUnavailable
from tests.rooms import PAIRS, Room, Shot, Thing, pairs
from tests.vision_conformance import RoomVisionConformance

# Rooms that nothing was tuned on.
SEED = 905

# Of the pairs, at least this many must be judged right.
FLOOR = 34

ESTIMATE = "(사진으로 추정한 결과예요.)"


@pytest.fixture(scope="module")
def engine() -> Iterator[EmbeddedVision]:
    pool = WorkPool(threads=2, waiting=8)
    yield EmbeddedVision(pool)
    pool.close()


class TestConformance(RoomVisionConformance):
    """The promises of the port."""


async def test_before_and_after_with_known_truth(
    engine: EmbeddedVision, record_property: Callable[[str, object], None]
) -> None:
    done: Counter[str] = Counter()
    right = 0
    for pair in pairs(SEED):
        verdict = await engine.compare(pair.before, pair.after, "방 청소")
        assert verdict.estimated
        # Clients compare the one, and are told in words of the other.
        assert verdict.text == COMPLETED if verdict.done else verdict.text.endswith(ESTIMATE)
        done[pair.kind] += verdict.done
        right += verdict.done == pair.done
    total = sum(PAIRS.values())
    for kind, count in PAIRS.items():
        print(f"{kind:12} {done[kind]:2} of {count:2} done")
    record_property("measured", f"embedded room vision: {right} of {total} pairs judged right")
    assert total >= 30
    assert right >= FLOOR
    for kind in ("hardly", "untouched", "same photo", "other room", "reversed", "unclear"):
        assert not done[kind], kind


@pytest.mark.parametrize("mission", ["방 청소", "옷 정리"])
@pytest.mark.parametrize("seed", [51, 52, 53])
async def test_a_paler_copy_of_the_same_photo_is_no_tidied_room(
    engine: EmbeddedVision, seed: int, mission: str
) -> None:
    room = Room(seed)
    photo = room.picture(room.clutter(12))
    for copy in (
        ImageEnhance.Contrast(photo).enhance(0.5),
        ImageEnhance.Contrast(photo).enhance(0.3),
        ImageEnhance.Color(photo).enhance(0),
        ImageEnhance.Contrast(photo.filter(ImageFilter.MedianFilter(5))).enhance(0.5),
        photo.point([round(255 * (value / 255) ** 0.4) for value in range(256)] * 3),
    ):
        assert not (await engine.compare(photo, copy, mission)).done


@pytest.mark.parametrize(
    ("shot", "why"),
    [(Shot(blur=6), "흐려서"), (Shot(light=0.12), "어두워서"), (Shot(light=6.0), "밝아서")],
)
async def test_an_unclear_picture_is_no_untidy_room(
    engine: EmbeddedVision, shot: Shot, why: str
) -> None:
    room = Room(31)
    clear, unclear = room.picture(room.clutter(12)), room.picture(room.clutter(12), shot)
    said = await engine.analyze(unclear)
    assert why in said
    assert "어질러져" not in said
    for which, before, after in (("전", unclear, clear), ("후", clear, unclear)):
        verdict = await engine.compare(before, after, "방 청소")
        assert not verdict.done
        assert f"청소 {which} 사진이" in verdict.text
        assert why in verdict.text
    tidied = await engine.tidy(unclear, lambda share, stage: None)
    assert why in tidied.text
    assert "그대로" in tidied.text
    assert _decoded(tidied.picture).size == unclear.size


async def test_a_tidy_room_is_called_one(engine: EmbeddedVision) -> None:
    picture = Room(32).picture()
    assert await engine.analyze(picture) == f"방이 깨끗합니다. {ESTIMATE}"


@pytest.mark.parametrize(("u", "side"), [(0.05, "왼쪽"), (0.95, "오른쪽")])
async def test_it_says_where_things_lie(engine: EmbeddedVision, u: float, side: str) -> None:
    room = next(r for r in map(Room, range(40, 60)) if not r.mirrored)
    # A row of things on one side of the floor, which is at the middle and right of these rooms.
    heap = tuple(
        Thing(kind, seed, "floor", u, 0.15 + seed / 8, seed, 1.2)
        for seed, kind in enumerate(("cloth", "box", "book", "toy", "cloth"))
    )
    said = await engine.analyze(room.picture(heap))
    assert "어질러져" in said
    assert "바닥" in said
    other = {"왼쪽": "오른쪽", "오른쪽": "왼쪽"}[side]
    assert other not in said


async def test_half_a_tidied_room_is_told_what_is_left(engine: EmbeddedVision) -> None:
    room = Room(33)
    things = room.clutter(16, floor=1.0)
    verdict = await engine.compare(
        room.picture(things), room.picture(things[::2], Shot.jittered(5)), "방 청소"
    )
    assert not verdict.done
    assert verdict.text.startswith("아직 '방 청소' 미션이 완료되지 않았어요.")
    assert "%가 정리되었어요." in verdict.text
    assert "아직 남은 곳: 바닥" in verdict.text


async def test_a_mission_about_a_part_is_judged_by_that_part(engine: EmbeddedVision) -> None:
    room = Room(34)
    things = room.clutter(12, floor=0.5)
    on_floor = tuple(t for t in things if t.place == "floor")
    before, after = room.picture(things), room.picture(on_floor, Shot.jittered(6))
    assert not (await engine.compare(before, after, "방 청소")).done
    assert (await engine.compare(before, after, "침대 정리")).done


async def test_the_second_room_messier_is_said(engine: EmbeddedVision) -> None:
    room = Room(35)
    verdict = await engine.compare(room.picture(), room.picture(room.clutter(10)), "방 청소")
    assert not verdict.done
    assert "더 어질러진" in verdict.text


async def test_what_lies_about_is_taken_out_of_the_picture(engine: EmbeddedVision) -> None:
    room = Room(36)
    untidy = room.picture(room.clutter(9, floor=1.0))
    tidied = await engine.tidy(untidy, lambda share, stage: None)
    picture = _decoded(tidied.picture)
    assert picture.size == untidy.size
    assert tidied.text.startswith("방이 깔끔하게 정리되었습니다. 바닥")
    assert tidied.text.endswith(ESTIMATE)
    # Nearer to the room without the things than it was.
    clean = room.picture()
    assert _distance(picture, clean) < 0.85 * _distance(untidy, clean)


async def test_a_tidy_room_is_given_back(engine: EmbeddedVision) -> None:
    tidied = await engine.tidy(Room(32).picture(), lambda share, stage: None)
    assert "이미 깔끔" in tidied.text


async def test_opencv_does_without_patchmatch(
    engine: EmbeddedVision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "patchmatch", None)
    room = Room(36)
    tidied = await engine.tidy(room.picture(room.clutter(9, floor=1.0)), lambda share, stage: None)
    assert tidied.text.startswith("방이 깔끔하게 정리되었습니다.")


async def test_the_extra_is_named_when_it_is_missing(
    engine: EmbeddedVision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    for module in ("core.room.vision.pixels", "core.room.vision.cleanup"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    for name in ("pixels", "cleanup"):
        monkeypatch.delattr(f"core.room.vision.{name}", raising=False)
    with pytest.raises(VisionUnavailable, match=r"onegenie\[rooms\]"):
        await engine.analyze(Room(32).picture())


def test_nothing_heavy_is_imported_before_a_picture_comes() -> None:
    program = (
        "import sys, core.room.vision.embedded\n"
        "assert not {'cv2', 'numpy', 'patchmatch', 'PIL'} & set(sys.modules)"
    )
    path = [*sys.path, "gen/python"]
    subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {path}\n{program}"], check=True
    )


def _decoded(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def _distance(one: Image.Image, other: Image.Image) -> float:
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean)
