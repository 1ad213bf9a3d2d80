"""`onegenie signage`: a signage in the terminal, fed like a real one over the gRPC stream."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import grpc
import typer
from dotenv import dotenv_values
from onegenie.signage.v1 import signage_pb2 as pb
from onegenie.signage.v1 import signage_pb2_grpc as pb_grpc
from onegenie.store.v1 import store_pb2, store_pb2_grpc
from onegenie.tenant.v1 import tenant_pb2, tenant_pb2_grpc
from rich.align import Align
from rich.console import Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from core.cli.common import fail, out, shown
from core.cli.recommend import channel_to, explain, reason_of

_SLIDE_SECONDS = 4
_LONGEST_PAUSE_SECONDS = 5.0
_TIMEOUT_SECONDS = 20
_ORIENTATIONS = {
    pb.ORIENTATION_PORTRAIT: "portrait",
    pb.ORIENTATION_LANDSCAPE: "landscape",
}
# What a device can't mend by coming back.
_FINAL = {
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.INVALID_ARGUMENT,
}


def signage(
    number: Annotated[
        int | None,
        typer.Option(
            help="Be the store's signage of this number, with a key made by ADMIN_TOKEN and "
            "revoked at the end; without it the one that SIGNAGE_KEY is for."
        ),
    ] = None,
    frames: Annotated[
        int | None, typer.Option(min=1, help="End after so many frames; without it at Ctrl-C.")
    ] = None,
    data_dir: Annotated[
        Path,
        typer.Option(envvar="DATA_DIR", help="Where demo.env is; it fills what is not set."),
    ] = Path("var"),
    base_url: Annotated[str | None, typer.Option(envvar="BASE_URL")] = None,
    signage_key: Annotated[str | None, typer.Option(envvar="SIGNAGE_KEY", show_envvar=True)] = None,
    admin_token: Annotated[str | None, typer.Option(envvar="ADMIN_TOKEN", show_envvar=True)] = None,
) -> None:
    """Be a signage: show what it is told, and come back after a drop."""
    demo = dotenv_values(data_dir / "demo.env")
    base_url = base_url or demo.get("BASE_URL")
    secret = signage_key or demo.get("SIGNAGE_KEY")
    admin = admin_token or demo.get("ADMIN_TOKEN")
    needed = "SIGNAGE_KEY" if number is None else "ADMIN_TOKEN"
    if not base_url or not (secret if number is None else admin):
        fail(
            f"BASE_URL and {needed} are needed, and {data_dir / 'demo.env'} does not give them: "
            "start the service with `make run`, or set them."
        )
    try:
        with channel_to(base_url) as channel:
            key = nullcontext(secret) if number is None else _own_key(channel, admin, number)
            with key as bearer:
                device = _Device(pb_grpc.SignageServiceStub(channel), str(bearer))
                _show(device.frames(), frames)
    except KeyboardInterrupt:
        out.print("bye")
    except grpc.RpcError as error:
        fail(explain(error, base_url))


@contextmanager
def _own_key(channel: grpc.Channel, admin: str | None, number: int) -> Iterator[str]:
    """Yield the secret of a key that lives as long as the block."""
    metadata = (("authorization", f"Bearer {admin}"),)
    floor = store_pb2_grpc.StoreServiceStub(channel).ListSignage(
        store_pb2.ListSignageRequest(), metadata=metadata, timeout=_TIMEOUT_SECONDS
    )
    ids = [one.id for one in floor.signage if one.number == number]
    if not ids:
        numbers = ", ".join(str(one.number) for one in floor.signage) or "none at all"
        fail(f"--number: the store has no signage {number}; it has {numbers}")
    keys = tenant_pb2_grpc.TenantServiceStub(channel)
    made = keys.CreateKey(
        tenant_pb2.CreateKeyRequest(kind="signage", name="terminal", signage_id=ids[0]),
        metadata=metadata,
        timeout=_TIMEOUT_SECONDS,
    )
    try:
        yield made.secret
    finally:
        keys.RevokeKey(
            tenant_pb2.RevokeKeyRequest(key_id=made.key.key_id),
            metadata=metadata,
            timeout=_TIMEOUT_SECONDS,
        )


class _Device:
    """Subscribes, and subscribes again after the last frame when the stream ends."""

    def __init__(self, stub: pb_grpc.SignageServiceStub, secret: str) -> None:
        self._stub = stub
        self._metadata = (("authorization", f"Bearer {secret}"),)

    def frames(self) -> Iterator[pb.Frame]:
        """Every new frame. Ends with the error that coming back would not mend."""
        seen, pause = 0, 0.0
        while True:
            stream = self._stub.Subscribe(
                pb.SubscribeRequest(after_sequence=seen), metadata=self._metadata
            )
            try:
                for reply in stream:
                    pause = 0.0
                    if reply.frame.kind != pb.FRAME_KIND_KEEP_ALIVE:
                        seen = reply.frame.sequence
                        yield reply.frame
            except grpc.RpcError as error:
                if error.code() in _FINAL or not seen:
                    raise
                why = reason_of(error) or error.code().name
                out.print(Text(f"the line dropped ({why}), after frame {seen}", style="dim"))
            finally:
                stream.cancel()
            time.sleep(pause)
            pause = min(pause * 2 or 0.5, _LONGEST_PAUSE_SECONDS)


def _show(frames: Iterable[pb.Frame], most: int | None) -> None:
    """Draw frames until there are no more, or `most` were shown."""
    if not out.is_terminal:
        for count, frame in enumerate(frames, 1):
            out.print(_drawn(frame, None))
            if count == most:
                return
        return
    present = pb.Frame()
    with Live(
        get_renderable=lambda: _drawn(present, time.monotonic()),
        console=out,
        refresh_per_second=4,
        screen=most is None,
    ):
        for count, frame in enumerate(frames, 1):
            present = frame
            if count == most:
                return


def _drawn(frame: pb.Frame, now: float | None) -> RenderableType:
    """Return a frame; an idle one's slides in turn, or all of them when `now` is None."""
    if frame.kind == pb.FRAME_KIND_RECOGNIZED:
        kind, body = "recognized", _recognized(frame)
    else:
        kind, body = "idle", _slides(frame, now)
    title = f"signage {frame.number}, {kind}"
    if frame.screen.orientation:
        title += f", {_ORIENTATIONS.get(frame.screen.orientation, 'unknown')}"
    until = (
        f" until {frame.expires_at.ToDatetime():%H:%M:%S} UTC" if frame.expires_at.seconds else ""
    )
    colour = "green" if kind == "recognized" else "blue"
    return Panel(
        Align.center(body),
        title=title,
        subtitle=f"frame {frame.sequence}{until}",
        border_style=colour,
        padding=(1, 2),
    )


def _slides(frame: pb.Frame, now: float | None) -> RenderableType:
    if not frame.slides:
        return Text("no slides", style="dim")
    # Number 1 shows one slide at a time, the others three products.
    size = 1 if frame.number == 1 else 3
    parts = [frame.slides[first : first + size] for first in range(0, len(frame.slides), size)]
    if now is not None:
        parts = [parts[int(now / _SLIDE_SECONDS) % len(parts)]]
    return Group(
        *(
            Text.assemble(shown(f"{s.position}  {s.title}", "bold"), "\n   ", shown(s.text, "dim"))
            for part in parts
            for s in part
        )
    )


def _recognized(frame: pb.Frame) -> RenderableType:
    screen = frame.screen
    if screen.WhichOneof("layout") == "card":
        if not screen.card.HasField("item"):
            return Text("nothing on offer", style="dim")
        return Group(*_item(screen.card.item), shown(screen.card.copy, "italic"))
    sections: list[RenderableType] = []
    if screen.sections.HasField("forgotten"):
        sections.append(Text("Not in the basket yet", style="dim"))
        sections.append(shown(_name(screen.sections.forgotten), "bold"))
    if screen.sections.HasField("ad"):
        sections.extend(_item(screen.sections.ad))
        sections.append(shown(screen.sections.ad.reason_detail_marketing, "italic"))
    if screen.sections.HasField("event"):
        sections.append(shown(screen.sections.event.title, "bold magenta"))
        sections.append(shown(screen.sections.event.text))
    return Group(*sections) if sections else Text("nothing on offer", style="dim")


def _item(item: pb.Item) -> list[RenderableType]:
    price = f"{item.price_unit}{item.price:,.10g}" if item.HasField("price") else ""
    off = f"{item.discount_pct:g} % off" if item.discount_pct else ""
    name = f"{item.brand} {item.item_name or item.rec_id}".strip()
    return [shown(name, "bold"), shown(f"{price}  {off}".strip(), "green")]


def _name(forgotten: str) -> str:
    """Return a forgotten thing as people say it: its name when it has one, else as it was sent."""
    try:
        value = json.loads(forgotten)
    except ValueError:
        return forgotten
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        return str(value["name"])
    return value if isinstance(value, str) else forgotten
