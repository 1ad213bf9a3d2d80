"""Whether two pictures are of one room: drawn rooms in all sizes, and photographs where there are.

The photographs are Debian's: `apt install opencv-doc`.
"""

from __future__ import annotations

import functools
import itertools
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from core.room.vision import pixels
from core.room.vision.embedded import _compare
from core.room.vision.pixels import Array, Flaw
from tests.rooms import Room, Shot, recoded

MISSION = "방 청소"
ANOTHER = "같은 방으로 보이지 않아요"

LATER = {
    "from the same place": Shot(),
    "turned by 3 degrees": Shot(turn=(0, 0, 3)),
    "turned the other way": Shot(turn=(0, 0, -3)),
    "a twentieth aside": Shot(turn=(3, 0, 0)),
    "brighter": Shot(light=1.22),
    "darker": Shot(light=0.6),
    "a poor JPEG": Shot(noise=4, quality=30),
    "another time": Shot.jittered(77, 0.5),
}
SIZES = [(800, 800), (320, 320), (200, 200), (800, 320), (200, 800)]


@pytest.mark.parametrize("later", LATER)
@pytest.mark.parametrize(("side", "other_side"), SIZES)
def test_a_tidied_room_is_known_again(later: str, side: int, other_side: int) -> None:
    room = Room(134)
    before = _sized(room.picture(room.clutter(14)), side)
    after = _sized(room.picture((), LATER[later]), other_side)
    verdict = _compare(before, after, MISSION)
    assert verdict.done, verdict.text


@pytest.mark.parametrize("side", [320, 200])
def test_upright_pictures_and_half_a_tidied_room(side: int) -> None:
    room = Room(135)
    things = room.clutter(16)
    before = _sized(_upright(room.picture(things)), side)
    tidied = _sized(_upright(room.picture((), Shot.jittered(5, 0.3))), side)
    half = _sized(_upright(room.picture(things[::2], Shot.jittered(6, 0.3))), side)
    assert _compare(before, tidied, MISSION).done
    verdict = _compare(before, half, MISSION)
    assert not verdict.done
    assert ANOTHER not in verdict.text


@pytest.mark.parametrize("side", [800, 320, 200])
# Furnished and laid out alike, but for bedding, curtains and rug.
@pytest.mark.parametrize(("one", "other"), [(103, 603), (102, 602), (107, 607), (133, 633)])
def test_a_room_that_is_laid_out_alike_is_never_done(one: int, other: int, side: int) -> None:
    room = Room(one)
    before = _sized(room.picture(room.clutter(12)), side)
    for part in (MISSION, "이불 정리"):
        assert not _compare(before, _sized(Room(other).picture(), side), part).done


@pytest.mark.parametrize("side", [320, 200])
def test_a_small_picture_is_as_untidy_as_a_large_one(side: int) -> None:
    room = Room(136)
    picture = room.picture(room.clutter(14))
    large, small = (
        pixels.amount(pixels.clutter(pixels.detail(pixels.enlarged(pixels.working_copy(each)))))
        for each in (picture, _sized(picture, side))
    )
    assert small == pytest.approx(large, rel=0.25)


PHOTOGRAPHS = Path("/usr/share/doc/opencv-doc/examples/data")
photographs = pytest.mark.skipif(
    not (PHOTOGRAPHS / "aloeL.jpg").exists(),
    reason="no photographs here: apt install opencv-doc",
)
# Two photographs of one thing each, and the least size they are known again at.
SAME = {
    ("aloeL.jpg", "aloeR.jpg"): 200,  # from half a step aside
    ("graf1.png", "graf3.png"): 200,  # from 30 degrees aside
    ("rubberwhale1.png", "rubberwhale2.png"): 200,
    ("basketball1.png", "basketball2.png"): 200,
    ("ela_original.jpg", "ela_modified.jpg"): 200,
    ("leuvenA.jpg", "leuvenB.jpg"): 320,  # in the evening
}
SINGLE = [
    "aero1.jpg", "aloeL.jpg", "blox.jpg", "board.jpg", "box_in_scene.png", "building.jpg",
    "fruits.jpg", "graf1.png", "home.jpg", "left.jpg", "left01.jpg", "leuvenA.jpg", "messi5.jpg",
    "squirrel_cls.jpg", "stuff.jpg",
]  # fmt: skip


@functools.cache
def _photograph(name: str) -> Image.Image:
    return Image.open(PHOTOGRAPHS / name).convert("RGB")


@photographs
@pytest.mark.parametrize("side", [640, 320, 200])
@pytest.mark.parametrize("pair", SAME, ids=lambda pair: pair[0].split(".")[0])
def test_photographs_of_one_thing(pair: tuple[str, str], side: int) -> None:
    before, after = (_sized(_photograph(name), side) for name in pair)
    matrix = pixels.same_view(_measured(before), _measured(after))
    assert matrix is not None or side < SAME[pair]
    # Nothing was tidied up in any of them, though night fell.
    assert not _compare(before, after, MISSION).done


@photographs
@pytest.mark.parametrize("side", [640, 200])
def test_photographs_of_different_things(side: int) -> None:
    views = [_measured(_sized(_photograph(name), side)) for name in SINGLE]
    for one, other in itertools.combinations(range(len(SINGLE)), 2):
        assert pixels.same_view(views[one], views[other]) is None, (SINGLE[one], SINGLE[other])


@photographs
@pytest.mark.parametrize("side", [640, 320, 200])
@pytest.mark.parametrize("name", ["stuff.jpg", "home.jpg", "aloeL.jpg", "building.jpg"])
def test_a_photograph_sent_again_is_the_same_view_and_nothing_done(name: str, side: int) -> None:
    photo = _sized(_photograph(name), side)
    width, height = photo.size
    inner = (width // 20, height // 20, width - width // 20, height - height // 20)
    for again in (
        recoded(photo, 30),
        photo.point([int(value * 0.6) for value in range(256)] * 3),
        photo.point([min(int(value * 1.25), 255) for value in range(256)] * 3),
        photo.rotate(3, Image.Resampling.BICUBIC).crop(inner),
        photo.rotate(-3, Image.Resampling.BICUBIC).crop(inner),
        photo.crop((inner[0], inner[1], width, height)),
    ):
        assert pixels.same_view(_measured(photo), _measured(again)) is not None
        assert not _compare(photo, again, MISSION).done


@photographs
@pytest.mark.parametrize("name", SINGLE)
def test_focus_of_photographs(name: str) -> None:
    photo = _sized(_photograph(name), 640)
    assert pixels.flaw(pixels.working_copy(photo)) is None
    blurred = photo.filter(ImageFilter.GaussianBlur(4))
    assert pixels.flaw(pixels.working_copy(blurred)) is Flaw.BLURRED


@photographs
def test_change_between_photographs() -> None:
    """Frames of a film: almost nothing moved. A retouched one: one place only."""
    for pair, least, most in (
        (("rubberwhale1.png", "rubberwhale2.png"), 0.0, 0.006),
        (("ela_original.jpg", "ela_modified.jpg"), 0.02, 0.2),
    ):
        before, after = (_measured(_photograph(name)) for name in pair)
        matrix = pixels.same_view(before, after)
        assert matrix is not None
        assert least <= pixels.change(before, after, matrix).changed <= most


def _sized(picture: Image.Image, side: int) -> Image.Image:
    ratio = side / max(picture.size)
    size = (round(picture.width * ratio), round(picture.height * ratio))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _upright(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    return picture.crop((width // 2 - height * 3 // 8, 0, width // 2 + height * 3 // 8, height))


def _measured(picture: Image.Image) -> Array:
    return pixels.enlarged(pixels.working_copy(picture))
