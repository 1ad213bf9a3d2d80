"""`onegenie recommend`: a round from the terminal, live over the gRPC stream."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import grpc
import typer
from dotenv import dotenv_values
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from onegenie.recommend.v1 import recommend_pb2 as pb
from onegenie.recommend.v1 import recommend_pb2_grpc as pb_grpc
from rich.console import Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Column
from rich.text import Text

from core.cli.common import Table, fail, out, shown, visible

_STEPS = ("Meal", "Shopping list", "Suggestions", "Offers")
_TIMEOUT_SECONDS = 300


def recommend(
    prompt: Annotated[str, typer.Argument(help="What the shopper says, in any of ko, en, ja.")],
    follow: Annotated[
        list[str] | None,
        typer.Option("--follow", help="A follow-up in the same chat; may be given again."),
    ] = None,
    chat: Annotated[str | None, typer.Option(help="Go on with this chat.")] = None,
    data_dir: Annotated[
        Path,
        typer.Option(envvar="DATA_DIR", help="Where demo.env is; it fills what is not set."),
    ] = Path("var"),
    base_url: Annotated[str | None, typer.Option(envvar="BASE_URL")] = None,
    sdk_key: Annotated[str | None, typer.Option(envvar="SDK_KEY", show_envvar=True)] = None,
    profile_id: Annotated[str | None, typer.Option(envvar="PROFILE_ID")] = None,
) -> None:
    """Ask for a recommendation and watch its four steps."""
    demo = dotenv_values(data_dir / "demo.env")
    base_url = base_url or demo.get("BASE_URL")
    sdk_key = sdk_key or demo.get("SDK_KEY")
    profile_id = profile_id or demo.get("PROFILE_ID")
    if not (base_url and sdk_key and profile_id):
        fail(
            f"BASE_URL, SDK_KEY and PROFILE_ID are needed, and {data_dir / 'demo.env'} does not "
            "give them: start the service with `make run`, or set them."
        )
    try:
        with channel_to(base_url) as channel:
            shopper = _Shopper(pb_grpc.RecommendServiceStub(channel), sdk_key, profile_id)
            for sentence in [prompt, *(follow or [])]:
                chat = shopper.ask(sentence, chat)
    except grpc.RpcError as error:
        fail(explain(error, base_url))


class _Shopper:
    """Asks for rounds and shows them."""

    def __init__(self, stub: pb_grpc.RecommendServiceStub, sdk_key: str, profile_id: str) -> None:
        self._stub = stub
        self._metadata = (("authorization", f"Bearer {sdk_key}"),)
        self._profile_id = profile_id

    def ask(self, prompt: str, chat_id: str | None) -> str:
        """Run a round to its end and show it; the chat it was in."""
        started = self._stub.StartRound(
            pb.StartRoundRequest(profile_id=self._profile_id, chat_id=chat_id, prompt=prompt),
            metadata=self._metadata,
            timeout=30,
        )
        states = self._stub.WatchRound(
            pb.WatchRoundRequest(
                profile_id=self._profile_id, chat_id=started.chat_id, round_id=started.round_id
            ),
            metadata=self._metadata,
            timeout=_TIMEOUT_SECONDS,
        )
        chat = (f"chat {visible(started.chat_id)}", "dim")
        out.print(Text.assemble("\n", (f"“{visible(prompt)}”", "bold"), "  ", chat))
        last = self._show_progress(states)
        if last.status == pb.ROUND_STATUS_ERROR:
            fail(visible(last.last_error))
        if last.status != pb.ROUND_STATUS_COMPLETED:
            fail(f"the server ended the stream before the round; its chat is {started.chat_id}")
        for part in _result(last):
            out.print(part)
        return str(started.chat_id)

    def _show_progress(self, states: Iterable[pb.WatchRoundResponse]) -> pb.Round:
        latest = pb.Round()
        spinner = Spinner("dots")
        with Live(_progress(latest, spinner), console=out, refresh_per_second=12) as live:
            for state in states:
                latest = state.round
                live.update(_progress(latest, spinner), refresh=True)
        return latest


def _progress(round_: pb.Round, spinner: Spinner) -> RenderableType:
    progress = round_.pipeline_progress
    table = Table.grid(padding=(0, 1))
    for name, state in zip(
        _STEPS, (progress.step1, progress.step2, progress.step3, progress.step4), strict=True
    ):
        if state == pb.STEP_STATE_DONE:
            table.add_row(Text("✔", style="green"), name)
        elif state == pb.STEP_STATE_RUNNING:
            table.add_row(spinner, Text(name, style="bold"))
        elif round_.status == pb.ROUND_STATUS_ERROR:
            table.add_row(Text("✘", style="red"), Text(name, style="dim"))
        else:
            table.add_row(Text("·", style="dim"), Text(name, style="dim"))
    return table


def _result(round_: pb.Round) -> Iterable[RenderableType]:
    todos = round_.todos
    yield Padding(
        Group(
            shown(todos.recipe_title, "bold cyan"),
            shown(todos.intro_message),
            shown(todos.recommendation_message, "italic"),
        ),
        (1, 0),
    )
    yield _shopping_list(todos)
    if round_.recommended_items:
        copy_column = Column("", overflow="fold")
        table = Table(
            "", "product", "price", copy_column, title="Goes well with it", title_justify="left"
        )
        for item in round_.recommended_items:
            copy = getattr(item.reason_detail_marketing, _language(todos.recipe_title))
            table.add_row(item.reason, item.product.name, _price(item.product), copy)
        yield table
    yield from _offers(round_.notifications)


def _offers(notifications: pb.Notifications) -> Iterable[RenderableType]:
    table = Table("", "product", "off", "where", title="Offers", title_justify="left")
    signage = notifications.ad.signage
    for ad in notifications.ad.items:
        where = f"signage ({signage.x:g}, {signage.y:g})" if signage.ByteSize() else ""
        table.add_row("ad", ad.item_name, _percent_off(ad), where)
    for kind, coupons in (
        ("coupon", notifications.coupon),
        ("coupon spot", notifications.coupon_spot),
    ):
        for coupon in coupons:
            place = f"{coupon.zone_name} ({coupon.location.x:g}, {coupon.location.y:g})"
            table.add_row(kind, coupon.item_name, _percent_off(coupon), place.strip())
    if table.row_count:
        yield table


def _percent_off(item: pb.AdItem | pb.CouponItem) -> str:
    return f"{item.discount_pct:g} %" if item.HasField("discount_pct") else ""


def _shopping_list(todos: pb.Todos) -> Table:
    table = Table("", "product", "section", "price", title="Shopping list", title_justify="left")
    for item in todos.items:
        product = item.product
        table.add_row(f"{item.quantity} ×", product.name, product.section_name, _price(product))
    unit = todos.items[0].product.price_unit if todos.items else ""
    table.add_section()
    table.add_row("", "", "total", f"{unit}{todos.total:,.10g}")
    return table


def _language(text: str) -> str:
    """Return the language a text of the answer is in: the copy beside it is shown in the same."""
    if any("가" <= character <= "힣" for character in text):
        return "ko"
    return "en" if text.isascii() else "ja"


def _price(product: pb.Product) -> str:
    return f"{product.price_unit}{product.price:,.10g}" if product.HasField("price") else ""


def channel_to(base_url: str) -> grpc.Channel:
    """Return a channel to the one port."""
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        fail(f"BASE_URL: must be like http://127.0.0.1:8080, not {base_url!r}")
    if ":" in host:  # an IPv6 address
        host = f"[{host}]"
    if parts.scheme == "https":
        return grpc.secure_channel(f"{host}:{port or 443}", grpc.ssl_channel_credentials())
    return grpc.insecure_channel(f"{host}:{port or 80}")


def reason_of(error: grpc.RpcError) -> str:
    """Return the contract's reason of a failed call; empty when the error is not our service's."""
    try:
        status = rpc_status.from_call(error)
        for detail in status.details if status else ():
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info):
                return visible(info.reason)
    except (ValueError, DecodeError):  # details that are none, or another error's
        pass
    return ""


def explain(error: grpc.RpcError, base_url: str) -> str:
    """Return what went wrong, in one line, with the fields that a bad request names."""
    reason, code = reason_of(error), error.code()
    if not reason and code == grpc.StatusCode.UNAVAILABLE:
        return f"{base_url} does not answer: is it running? (`make run`)"
    if not reason and code == grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"{base_url} took too long to answer"
    details = visible(error.details() or "the call failed")
    return f"{details} [{reason or code.name}]"
