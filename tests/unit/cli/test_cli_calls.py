"""The command line's gRPC calls against a server that is played here, call by call."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

import grpc
import grpc_testing
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2
from onegenie.recommend.v1 import recommend_pb2 as rounds
from onegenie.signage.v1 import signage_pb2 as signage
from onegenie.store.v1 import store_pb2
from onegenie.tenant.v1 import tenant_pb2
from typer.testing import CliRunner, Result

from core.cli import app
from core.cli.common import err, out

# The package has the commands under the names of their modules.
recommend_module = importlib.import_module("core.cli.recommend")
signage_module = importlib.import_module("core.cli.signage")

ROUNDS = rounds.DESCRIPTOR.services_by_name["RecommendService"].methods_by_name
SCREENS = signage.DESCRIPTOR.services_by_name["SignageService"].methods_by_name
STORE = store_pb2.DESCRIPTOR.services_by_name["StoreService"].methods_by_name
TENANT = tenant_pb2.DESCRIPTOR.services_by_name["TenantService"].methods_by_name
URL = "http://127.0.0.1:1"


class Server:
    """The other end of the channel that the commands are given."""

    def __init__(self) -> None:
        self.channel = grpc_testing.channel(
            [
                *_services(rounds),
                *_services(signage),
                *_services(store_pb2),
                *_services(tenant_pb2),
            ],
            grpc_testing.strict_real_time(),
        )
        self.result: Future[Result]

    def call(self, *arguments: str, **environment: str) -> None:
        """Start a command; `said` waits for its end."""
        given = {"BASE_URL": URL, "SDK_KEY": "osk_x", "PROFILE_ID": "p", "SIGNAGE_KEY": "osg_x"}
        env = given | {"ADMIN_TOKEN": "oat_x"} | environment
        self.result = aside(lambda: CliRunner().invoke(app, list(arguments), env=env))

    def said(self) -> tuple[int, str, str]:
        """Exit code, output and errors of the command, which must not end in a traceback."""
        result = self.result.result(timeout=30)
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            result.exception
        )
        return result.exit_code, result.stdout, " ".join(result.stderr.split())

    def answer(
        self, method: Any, reply: Any, code: grpc.StatusCode = grpc.StatusCode.OK, **more: Any
    ) -> tuple[Any, dict[str, str]]:
        """Answer the next call of a unary method; its request and metadata."""
        metadata, request, rpc = self._next_call(self.channel.take_unary_unary, method)
        rpc.send_initial_metadata(())
        rpc.terminate(reply, more.get("trailing", ()), code, more.get("details", ""))
        return request, dict(metadata)

    def stream(
        self, method: Any, *replies: Any, code: grpc.StatusCode = grpc.StatusCode.OK, **more: Any
    ) -> Any:
        """Answer the next call of a streaming method; its request."""
        _, request, rpc = self._next_call(self.channel.take_unary_stream, method)
        rpc.send_initial_metadata(())
        for reply in replies:
            rpc.send_response(reply)
        # An error passes over what has not been read yet.
        while rpc._rpc_state._responses and not self.result.done():
            time.sleep(0.001)
        rpc.terminate(more.get("trailing", ()), code, more.get("details", ""))
        return request

    def _next_call(self, take: Callable[[Any], Any], method: Any) -> Any:
        taken = aside(lambda: take(method))
        wait([taken, self.result], timeout=30, return_when=FIRST_COMPLETED)
        assert taken.done(), f"{method.name} was not called: {self.result}"
        return taken.result()


def aside(work: Callable[[], Any]) -> Future[Any]:
    """Do something in a thread that ends with the tests, whatever it waits for."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def _services(module: Any) -> list[Any]:
    return list(module.DESCRIPTOR.services_by_name.values())


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    for module in (recommend_module, signage_module):
        monkeypatch.setattr(module, "channel_to", lambda url: server.channel)
    monkeypatch.setattr(signage_module, "_LONGEST_PAUSE_SECONDS", 0.0)
    for console in (out, err):
        monkeypatch.setattr(console, "width", 300)
    return server


def details(code: grpc.StatusCode, message: str, reason: str) -> tuple[tuple[str, bytes], ...]:
    """Trailing metadata as our server sends it with an error."""
    packed = AnyMessage()
    packed.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="onegenie"))
    status = status_pb2.Status(code=code.value[0], message=message, details=[packed])
    return (("grpc-status-details-bin", status.SerializeToString()),)


UNAVAILABLE, DEADLINE = grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED
UNAUTHENTICATED, UNKNOWN = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNKNOWN
FAILED = grpc.StatusCode.FAILED_PRECONDITION
# code, details, trailing metadata: what the command says.
ERRORS: dict[str, tuple[grpc.StatusCode, str, tuple[tuple[str, bytes], ...], str]] = {
    "not there": (UNAVAILABLE, "connect: refused", (), f"{URL} does not answer: is it running?"),
    "too late": (DEADLINE, "Deadline Exceeded", (), f"{URL} took too long to answer"),
    "a wrong key": (
        UNAUTHENTICATED,
        "A valid key is needed.",
        details(UNAUTHENTICATED, "A valid key is needed.", "UNAUTHORIZED"),
        "A valid key is needed. [UNAUTHORIZED]",
    ),
    "the store is away": (
        UNAVAILABLE,
        "store: upstream timeout",
        details(UNAVAILABLE, "store: upstream timeout", "UNAVAILABLE"),
        "store: upstream timeout [UNAVAILABLE]",
    ),
    "a reason of tomorrow": (
        FAILED,
        "Not on Sundays.",
        details(FAILED, "Not on Sundays.", "CLOSED_ON_SUNDAYS"),
        "Not on Sundays. [CLOSED_ON_SUNDAYS]",
    ),
    "no details": (UNKNOWN, "", (), "the call failed [UNKNOWN]"),
    "details of another error": (
        UNKNOWN,
        "boom",
        details(FAILED, "something else", "X"),
        "boom [UNKNOWN]",
    ),
    "garbage for details": (
        UNKNOWN,
        "boom",
        (("grpc-status-details-bin", b"\xff\xff\xff"),),
        "boom [UNKNOWN]",
    ),
    "an order to the terminal": (
        UNKNOWN,
        "[/x]\x1b[2J\nonegenie: all is well",
        (),
        r"[/x]\x1b[2J\nonegenie: all is well [UNKNOWN]",
    ),
}

RUNNING = rounds.WatchRoundResponse(round=rounds.Round(status=rounds.ROUND_STATUS_IN_PROGRESS))
DONE = rounds.WatchRoundResponse(
    round=rounds.Round(
        status=rounds.ROUND_STATUS_COMPLETED,
        todos=rounds.Todos(recipe_title="두부 [/x]\x1b[2J", intro_message="[conceal]x"),
    )
)
STARTED = rounds.StartRoundResponse(chat_id="c", round_id="r")


def test_a_round_and_a_follow_up(server: Server) -> None:
    server.call("recommend", "[/x]두부", "--follow", "더")
    request, metadata = server.answer(ROUNDS["StartRound"], STARTED)
    assert (request.profile_id, request.prompt, request.chat_id) == ("p", "[/x]두부", "")
    assert metadata["authorization"] == "Bearer osk_x"
    watched = server.stream(ROUNDS["WatchRound"], RUNNING, DONE)
    assert (watched.chat_id, watched.round_id) == ("c", "r")
    request, _ = server.answer(ROUNDS["StartRound"], STARTED)
    assert (request.prompt, request.chat_id) == ("더", "c")
    server.stream(ROUNDS["WatchRound"], DONE)
    code, output, errors = server.said()
    assert (code, errors) == (0, "")
    for text in ("“[/x]두부”", r"두부 [/x]\x1b[2J", "[conceal]x"):
        assert text in output


@pytest.mark.parametrize("error", ERRORS)
def test_a_round_that_cannot_be_started(server: Server, error: str) -> None:
    code, text, trailing, expected = ERRORS[error]
    server.call("recommend", "두부")
    server.answer(ROUNDS["StartRound"], None, code, details=text, trailing=trailing)
    exit_code, _, said = server.said()
    assert (exit_code, said[: 10 + len(expected)]) == (1, f"onegenie: {expected}")


@pytest.mark.parametrize("error", ERRORS)
def test_a_round_whose_stream_breaks(server: Server, error: str) -> None:
    code, text, trailing, expected = ERRORS[error]
    server.call("recommend", "두부")
    server.answer(ROUNDS["StartRound"], STARTED)
    server.stream(ROUNDS["WatchRound"], RUNNING, code=code, details=text, trailing=trailing)
    exit_code, _, said = server.said()
    assert (exit_code, said[: 10 + len(expected)]) == (1, f"onegenie: {expected}")


@pytest.mark.parametrize("states", [(), (RUNNING,), (RUNNING, RUNNING)])
def test_a_stream_that_ends_before_its_round(server: Server, states: tuple[Any, ...]) -> None:
    server.call("recommend", "두부")
    server.answer(ROUNDS["StartRound"], STARTED)
    server.stream(ROUNDS["WatchRound"], *states)
    exit_code, _, said = server.said()
    assert exit_code == 1
    assert said == "onegenie: the server ended the stream before the round; its chat is c"


def test_a_round_that_ends_in_error(server: Server) -> None:
    server.call("recommend", "두부")
    server.answer(ROUNDS["StartRound"], STARTED)
    failed = rounds.Round(status=rounds.ROUND_STATUS_ERROR, last_error="todos failed: [/x]\x1b[2J")
    server.stream(ROUNDS["WatchRound"], RUNNING, rounds.WatchRoundResponse(round=failed))
    exit_code, _, said = server.said()
    assert (exit_code, said) == (1, r"onegenie: todos failed: [/x]\x1b[2J")


def frame(sequence: int, kind: int = signage.FRAME_KIND_IDLE, **more: Any) -> Any:
    return signage.SubscribeResponse(
        frame=signage.Frame(sequence=sequence, number=1, kind=kind, **more)  # type: ignore[arg-type]
    )


def test_a_screen_comes_back_after_the_last_frame(server: Server) -> None:
    server.call("signage", "--frames", "3")
    subscribed = server.stream(SCREENS["Subscribe"], frame(4), code=UNAVAILABLE, details="gone")
    assert subscribed.after_sequence == 0
    subscribed = server.stream(SCREENS["Subscribe"], code=UNAVAILABLE, details="still gone")
    assert subscribed.after_sequence == 4
    subscribed = server.stream(SCREENS["Subscribe"], frame(0, signage.FRAME_KIND_KEEP_ALIVE))
    assert subscribed.after_sequence == 4
    trailing = details(FAILED, "x", "STREAM_[/x]\x1b")
    subscribed = server.stream(
        SCREENS["Subscribe"], frame(5), code=UNKNOWN, details="x", trailing=trailing
    )
    odd = signage.Screen(orientation=99)  # type: ignore[arg-type]
    server.stream(
        SCREENS["Subscribe"], frame(6, signage.FRAME_KIND_RECOGNIZED, screen=odd), code=UNAVAILABLE
    )
    code, output, errors = server.said()
    assert (code, errors) == (0, "")
    assert output.count("the line dropped (UNAVAILABLE), after frame 4") == 2
    assert "the line dropped (UNKNOWN), after frame 5" in output
    assert "signage 1, recognized, unknown" in output


@pytest.mark.parametrize("error", ERRORS)
def test_a_screen_that_is_refused_at_once(server: Server, error: str) -> None:
    code, text, trailing, expected = ERRORS[error]
    server.call("signage", "--frames", "1")
    server.stream(SCREENS["Subscribe"], code=code, details=text, trailing=trailing)
    exit_code, _, said = server.said()
    assert (exit_code, said[: 10 + len(expected)]) == (1, f"onegenie: {expected}")


def test_a_screen_whose_key_is_revoked_meanwhile(server: Server) -> None:
    server.call("signage", "--frames", "2")
    _, text, trailing, expected = ERRORS["a wrong key"]
    server.stream(
        SCREENS["Subscribe"], frame(1), code=UNAUTHENTICATED, details=text, trailing=trailing
    )
    exit_code, output, said = server.said()
    assert (exit_code, said) == (1, f"onegenie: {expected}")
    assert "frame 1" in output


FLOOR = store_pb2.ListSignageResponse(signage=[store_pb2.Signage(id="s-1", number=1)])
MADE = tenant_pb2.CreateKeyResponse(key=tenant_pb2.Key(key_id="k-1"), secret="osg_made")


def test_a_screens_own_key_is_revoked_at_the_end(server: Server) -> None:
    server.call("signage", "--number", "1", "--frames", "1")
    server.answer(STORE["ListSignage"], FLOOR)
    asked, metadata = server.answer(TENANT["CreateKey"], MADE)
    assert (asked.kind, asked.signage_id) == ("signage", "s-1")
    assert metadata["authorization"] == "Bearer oat_x"
    server.stream(SCREENS["Subscribe"], frame(1))
    revoked, _ = server.answer(TENANT["RevokeKey"], tenant_pb2.RevokeKeyResponse())
    assert revoked.key_id == "k-1"
    assert server.said()[0] == 0


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("failing", ["ListSignage", "CreateKey", "Subscribe", "RevokeKey"])
def test_what_can_fail_on_the_way(server: Server, error: str, failing: str) -> None:
    code, text, trailing, expected = ERRORS[error]
    fault = {"code": code, "details": text, "trailing": trailing}
    steps: list[tuple[str, Callable[..., object]]] = [
        ("ListSignage", lambda **more: server.answer(STORE["ListSignage"], FLOOR, **more)),
        ("CreateKey", lambda **more: server.answer(TENANT["CreateKey"], MADE, **more)),
        ("Subscribe", lambda **more: server.stream(SCREENS["Subscribe"], **more)),
    ]
    server.call("signage", "--number", "1", "--frames", "1")
    for name, step in steps:
        if name == failing:
            step(**fault)
            break
        if name == "Subscribe":
            server.stream(SCREENS["Subscribe"], frame(1))
        else:
            step()
    if failing == "RevokeKey":
        server.answer(TENANT["RevokeKey"], tenant_pb2.RevokeKeyResponse(), **fault)
    elif failing == "Subscribe":
        server.answer(TENANT["RevokeKey"], tenant_pb2.RevokeKeyResponse())
    exit_code, _, said = server.said()
    assert (exit_code, said[: 10 + len(expected)]) == (1, f"onegenie: {expected}")


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://", "http://x:y", "x"])
@pytest.mark.parametrize("command", [("recommend", "두부"), ("signage",)])
def test_an_address_that_is_none(url: str, command: tuple[str, ...]) -> None:
    env = {"BASE_URL": url, "SDK_KEY": "osk_x", "PROFILE_ID": "p", "SIGNAGE_KEY": "osg_x"}
    result = CliRunner().invoke(app, list(command), env=env)
    assert result.exit_code == 1
    assert "BASE_URL: must be like http://" in result.stderr
