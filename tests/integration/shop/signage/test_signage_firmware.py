"""The C stubs for firmware: compiled, and given the largest frames the core makes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from onegenie.signage.v1 import signage_pb2 as pb
from onegenie.store.v1 import store_pb2

from core.shop.signage.screen import TEXT_BYTES, Recognition, idle, recognized

ROOT = Path(__file__).parents[4]
STUBS, RUNTIME = ROOT / "gen" / "nanopb", ROOT / "third_party" / "nanopb"
COMPILER = shutil.which(os.environ.get("CC", "cc"))
OPTIONS = ROOT / "proto" / "onegenie" / "signage" / "v1" / "signage.options"

RoundTrip = Callable[[pb.Frame], pb.Frame]


@pytest.fixture(scope="module")
def round_trip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoundTrip]:
    """Sends a frame through the C program and returns what it made of it."""
    if COMPILER is None:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("firmware")
    sources = [*sorted(STUBS.rglob("*.c")), *sorted(RUNTIME.glob("*.c"))]
    assert len(sources) == 5
    for source in (*sources, Path(__file__).parent / "firmware.c"):
        warnings = [] if RUNTIME in source.parents else ["-Wall", "-Wextra", "-Werror"]
        command = [COMPILER, "-std=c99", *warnings, "-c", f"-I{RUNTIME}", f"-I{STUBS}", source]
        subprocess.run([*command, "-o", folder / f"{source.stem}.o"], check=True)  # type: ignore[list-item]
    program = folder / "firmware"
    objects = sorted(folder.glob("*.o"))
    subprocess.run([COMPILER, *objects, "-o", program], check=True)

    def run(frame: pb.Frame) -> pb.Frame:
        data = pb.SubscribeResponse(frame=frame).SerializeToString()
        result = subprocess.run([program], input=data, capture_output=True, check=False)
        assert result.returncode == 0, result.stderr.decode()
        print(result.stderr.decode().strip())
        return pb.SubscribeResponse.FromString(result.stdout).frame

    yield run
    shutil.rmtree(folder)


def numbered(frame: pb.Frame) -> pb.Frame:
    frame.sequence = 2**40
    frame.created_at.GetCurrentTime()
    return frame


def test_an_idle_frame(round_trip: RoundTrip) -> None:
    slides = [
        store_pb2.Slide(
            position=i, image_url=f"https://x/{i}", title="수박" * 200, text="장" * 2000
        )
        for i in range(1, 10)
    ]
    frame = numbered(idle(store_pb2.Signage(number=2), slides))
    assert round_trip(frame) == frame


@pytest.mark.parametrize("number", [1, 2, 7])
def test_a_recognised_frame_of_the_longest_texts(round_trip: RoundTrip, number: int) -> None:
    names = ("rec_id", "item_name", "item_name_en", "brand", "price_unit", "image_url")
    item = dict.fromkeys((*names, "reason_detail", "reason_detail_marketing"), "가" * 3000)
    event = store_pb2.SignageEvent(id=1, title="a" * 500, text="b" * 2000, enabled=True)
    frame = numbered(
        recognized(
            store_pb2.Signage(number=number, orientation="landscape"),
            Recognition(
                [item | {"item_id": 1, "price": 3.5, "discount_pct": 5}, item],
                ["x" * 1000, {"item_id": 882}],
                [event],
            ),
            "ko",
        )
    )
    frame.expires_at.GetCurrentTime()
    assert round_trip(frame) == frame


def test_a_frame_with_nothing(round_trip: RoundTrip) -> None:
    for number in (1, 2):
        signage = store_pb2.Signage(number=number)
        assert round_trip(frame := recognized(signage, Recognition(), "en")) == frame
    assert round_trip(pb.Frame()) == pb.Frame()


def test_the_core_cuts_texts_to_the_sizes_of_firmware() -> None:
    sizes: dict[str, Any] = {}
    for line in OPTIONS.read_text().splitlines():
        if " max_size:" in line:
            field, size = line.split(" max_size:")
            assert sizes.setdefault(field.rsplit(".", 1)[1], int(size)) == int(size)
    assert {name: size - 1 for name, size in sizes.items()} == TEXT_BYTES
