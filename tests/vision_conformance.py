"""What the port of room vision promises, of every engine: a class of tests to derive from."""

from __future__ import annotations

import asyncio
import io

import pytest
from PIL import Image

from core.room.vision.generate_tidy_room import NobodyWaits
from core.room.vision.port import RoomVision, TidyRoom
from tests.rooms import Room, Shot

# Pictures that no camera takes on purpose, and that people send all the same.
ODD = {
    "one pixel": Image.new("RGB", (1, 1), (120, 90, 60)),
    "a sliver": Image.linear_gradient("L").resize((1600, 20)).convert("RGB"),
    "an upright sliver": Image.linear_gradient("L").resize((20, 1600)).convert("RGB"),
    "black": Image.new("RGB", (320, 240)),
    "white": Image.new("RGB", (320, 240), (255, 255, 255)),
    "noise": Image.effect_noise((320, 240), 80).convert("RGB"),
    "grey": Room(71).picture().resize((320, 240)).convert("L").convert("RGB"),
}


def korean(text: str) -> bool:
    """Whether it is a text for a person: Korean, not empty, without stray blanks."""
    return text == text.strip() and any("가" <= letter <= "힣" for letter in text)


class RoomVisionConformance:
    """Derive, and give a fixture `engine`.

    An engine whose answers are scripted also overrides `expect`.
    """

    def expect(self, done: bool) -> None:
        """Told, before two rooms are compared, what a good engine finds."""

    @pytest.fixture
    def room(self) -> Room:
        return Room(70)

    @pytest.fixture
    def untidy(self, room: Room) -> Image.Image:
        return room.picture(room.clutter(14))

    @pytest.fixture
    def small(self, untidy: Image.Image) -> Image.Image:
        """For what takes long."""
        return untidy.resize((400, 300))

    async def test_it_says_how_tidy_a_room_is(
        self, engine: RoomVision, untidy: Image.Image
    ) -> None:
        assert korean(await engine.analyze(untidy))

    async def test_a_room_that_was_tidied_is_done(
        self, engine: RoomVision, room: Room, untidy: Image.Image
    ) -> None:
        self.expect(done=True)
        verdict = await engine.compare(untidy, room.picture((), Shot.jittered(7)), "방 청소")
        assert verdict.done is True
        assert korean(verdict.text)
        assert verdict.text == "미션 완료! 방이 깨끗하게 정리되었습니다."

    async def test_a_room_as_it_was_is_not_done(
        self, engine: RoomVision, room: Room, untidy: Image.Image
    ) -> None:
        self.expect(done=False)
        after = room.picture(room.clutter(14), Shot.jittered(8))
        verdict = await engine.compare(untidy, after, "방 청소")
        assert verdict.done is False
        assert korean(verdict.text)
        assert "미션 완료" not in verdict.text

    @pytest.mark.parametrize("mission", ["", " ", "이불\n정리", "a" * 2000, "{}%s<b>\x00🧹"])
    async def test_a_mission_is_any_text(
        self, engine: RoomVision, untidy: Image.Image, mission: str
    ) -> None:
        self.expect(done=False)
        verdict = await engine.compare(untidy, untidy, mission)
        assert verdict.done is False
        assert korean(verdict.text)

    async def test_a_room_is_tidied_step_by_step(
        self, engine: RoomVision, small: Image.Image
    ) -> None:
        heard: list[tuple[float, str]] = []
        tidied = await engine.tidy(small, lambda share, stage: heard.append((share, stage)))
        assert _picture(tidied).format in ("JPEG", "PNG")
        assert korean(tidied.text)
        shares = [share for share, _ in heard]
        assert len(shares) >= 2
        assert shares == sorted(shares)
        assert shares[0] >= 0
        assert shares[-1] == 1
        assert all(korean(stage) for _, stage in heard)

    async def test_work_that_nobody_waits_for_ends(
        self, engine: RoomVision, small: Image.Image
    ) -> None:
        def refuse(share: float, stage: str) -> None:
            raise NobodyWaits

        with pytest.raises(NobodyWaits):
            await engine.tidy(small, refuse)

    @pytest.mark.parametrize("name", ODD)
    async def test_any_picture_is_answered(self, engine: RoomVision, name: str) -> None:
        self.expect(done=False)
        picture = ODD[name]
        assert korean(await engine.analyze(picture))
        assert (await engine.compare(picture, picture, "방 청소")).done is False
        assert min(_picture(await engine.tidy(picture, lambda share, stage: None)).size) > 0

    async def test_pictures_are_left_as_they_are(
        self, engine: RoomVision, small: Image.Image
    ) -> None:
        self.expect(done=False)
        copy = small.copy()
        await engine.analyze(small)
        await engine.compare(small, small, "방 청소")
        await engine.tidy(small, lambda share, stage: None)
        assert small.mode == copy.mode
        assert small.tobytes() == copy.tobytes()

    async def test_several_people_at_once(self, engine: RoomVision, untidy: Image.Image) -> None:
        self.expect(done=False)
        *said, verdict = await asyncio.gather(
            engine.analyze(untidy), engine.analyze(untidy), engine.compare(untidy, untidy, "청소")
        )
        assert all(korean(text) for text in said if isinstance(text, str))
        assert not isinstance(verdict, str)
        assert korean(verdict.text)

    async def test_it_can_be_closed_twice(self, engine: RoomVision) -> None:
        await engine.close()
        await engine.close()


def _picture(room: TidyRoom) -> Image.Image:
    picture = Image.open(io.BytesIO(room.picture))
    picture.load()
    return picture
