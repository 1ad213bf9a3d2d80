"""Started by root: what strangers talk to runs as another user, where that can be."""

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.room import example_pair, sign_up
from tests.e2e.up_process import ROOT, Up

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

# The whole service, by a Python that everybody may run.
WHOLE = "import sys; sys.argv = ['onegenie', 'up']; from core.cli import main; main()"


@pytest.fixture
def python(monkeypatch: pytest.MonkeyPatch) -> str:
    """This one may be in a directory of root's; the machine's, if it is of the same version."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = shutil.which(name, path="/usr/bin:/usr/local/bin:/opt/python/bin")
    for needed in (found, ROOT, sys.prefix):
        if needed is None or any(not p.stat().st_mode & 1 for p in Path(needed).resolve().parents):
            pytest.skip(f"no {name} that everybody may run")
    packages = [sysconfig.get_path("purelib"), str(ROOT), str(ROOT / "gen" / "python")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(packages))
    assert found
    return found


def users(up: Up, kind: str) -> set[str]:
    return {process.username() for process in up.processes()[kind]}


def capabilities(process: psutil.Process) -> int:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("CapEff")), 16)


async def test_they_run_as_another_user(tmp_path: Path, python: str) -> None:
    with Up(tmp_path, program=[python, "-c", WHOLE]) as up:
        up.ready()
        assert users(up, "core") == users(up, "envoy") == {"pgserver"}
        processes = up.processes()
        for process in processes["core"] + processes["envoy"]:
            assert capabilities(process) == 0
        async with httpx.AsyncClient(base_url=up.url) as http:
            await sign_up(http, tmp_path / "outbox" / "sms.jsonl")
        # Others of this machine see nothing, and they can't write where root does.
        for path in (tmp_path, *tmp_path.iterdir(), *(tmp_path / "logs").iterdir()):
            if path.name != "data":
                assert not path.stat().st_mode & 0o006, path
        for path in (tmp_path, tmp_path / "logs", tmp_path / "run"):
            assert path.stat().st_uid == 0
        assert (tmp_path / "logs" / "access.jsonl").read_text()
        assert up.stop() == 0
    assert up.left() == []


async def test_data_that_root_has_written_is_theirs(tmp_path: Path, python: str) -> None:
    """As an earlier release, or KEEP_ROOT, has left it; and the other way round."""
    for keep, user in (("true", "root"), ("false", "pgserver"), ("true", "root"), ("", "pgserver")):
        with Up(tmp_path, program=[python, "-c", WHOLE], KEEP_ROOT=keep) as up:
            up.ready()
            assert users(up, "core") == users(up, "envoy") == {user}
            async with httpx.AsyncClient(base_url=up.url) as http:
                person = await sign_up(http, tmp_path / "outbox" / "sms.jsonl")
                files = {"files": ("a.jpg", example_pair()[0], "image/jpeg")}
                posted = await http.post("/api/post", files=files, headers=person.bearer)
                assert posted.status_code == 201, posted.text
                posts = await http.get("/api/post", headers=person.bearer)
                url = posts.json()["data"]["posts"][0]["postDetails"][0]["url"]
                assert (await http.get(url)).status_code == 200
            assert up.stop() == 0


def test_a_low_port_is_all_that_envoy_may(tmp_path: Path, python: str) -> None:
    port = next(p for p in range(1023, 900, -1) if is_free(p))
    with Up(tmp_path, program=[python, "-c", WHOLE], PORT=str(port)) as up:
        up.ready()
        (envoy,) = up.processes()["envoy"]
        assert envoy.username() == "pgserver"
        assert capabilities(envoy) == 1 << 10  # CAP_NET_BIND_SERVICE
        assert httpx.get(up.url + "/healthz").status_code == 200


def test_files_that_are_roots(tmp_path: Path, python: str) -> None:
    """A key for TLS may stay root's; signing keys that a core could not read keep it root."""
    for name in ("certificate", "key"):
        shutil.copy(Path(__file__).parent / "tls" / f"{name}.pem", tmp_path)
        (tmp_path / f"{name}.pem").chmod(0o600)
    tls = {f"TLS_{n.upper()}": str(tmp_path / f"{n}.pem") for n in ("certificate", "key")}
    data = tmp_path / "data"
    with Up(data, program=[python, "-c", WHOLE], **tls) as up:  # type: ignore[arg-type]
        up.ready()
        assert users(up, "envoy") == {"pgserver"}
        assert httpx.get(up.url + "/healthz", verify=False).status_code == 200
        assert up.stop() == 0
    keys = tmp_path / "keys.json"
    shutil.copy(data / "token-keys.json", keys)
    keys.chmod(0o600)
    with Up(data, program=[python, "-c", WHOLE], TOKEN_KEYS=str(keys)) as up:
        up.until(f"run as root: the user pgserver may not read {keys}")
        up.ready()
        assert users(up, "core") == {"root"}


def test_a_new_key_of_root_is_read(tmp_path: Path, python: str) -> None:
    with Up(tmp_path, program=[python, "-c", WHOLE]) as up:
        up.ready()
        owner = (tmp_path / "token-keys.json").stat().st_uid
        rotate = (
            "from core.cli import main; import sys; sys.argv = ['onegenie', 'auth', 'rotate-key'];"
        )
        subprocess.run(
            [python, "-c", rotate + "main()"],
            env=os.environ | {"DATA_DIR": str(tmp_path)},
            check=True,
        )
        assert (tmp_path / "token-keys.json").stat().st_uid == owner != 0


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
