"""The key set: which key signs, which tokens are recognised, and what is done with the file."""

from __future__ import annotations

import base64
import json
import os
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey
from typer.testing import CliRunner

from core.cli import app
from core.platform.signing import KEPT, Signer, add_key, check
from core.room.accounts.tokens import User, read_access_token
from tests.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "token-keys.json"


def _token(signer: Signer, clock: FakeClock, audience: str = "access", **life: float) -> str:
    return signer.sign(
        audience, {"sub": "someone"}, clock() + timedelta(**(life or {"minutes": 1}))
    )


def _kid(token: str) -> str:
    head = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


def _forged(path: Path, **changes: object) -> str:
    """A token of the set's first key with another header or other claims."""
    key = json.loads(path.read_text())["keys"][0]
    header = {"alg": "HS256", "kid": key["kid"]}
    claims = {"iss": "onegenie", "aud": "access", "exp": 2_000_000_000, "sub": "someone"}
    for name, value in changes.items():
        (header if name in ("alg", "kid") else claims)[name] = value
    claims = {name: value for name, value in claims.items() if value is not None}
    algorithms = [str(header["alg"])]
    signing_key = OctKey.import_key({"kty": "oct", "k": key["k"]})
    return jwt.encode(header, claims, signing_key, algorithms=algorithms)


def _list_of(path: Path) -> str:
    """A token of the set's first key that holds no object."""
    key = OctKey.import_key(json.loads(path.read_text())["keys"][0])
    return jws.serialize_compact({"alg": "HS256", "kid": key.kid}, b'["access"]', key)


def test_a_token_is_recognised_until_it_expires(path: Path, clock: FakeClock) -> None:
    signer = Signer(path, clock)
    token = _token(signer, clock, seconds=60)
    clock.advance(seconds=59)
    claims = signer.read("access", token)
    assert claims is not None
    assert claims["sub"] == "someone"
    clock.advance(seconds=1)
    assert signer.read("access", token) is None


def test_a_token_made_elsewhere_is_none(path: Path, clock: FakeClock) -> None:
    signer = Signer(path, clock)
    assert signer.read("access", _forged(path)) is not None  # the way it's forged is right
    unsigned = {"alg": "none", "kid": json.loads(path.read_text())["keys"][0]["kid"]}
    claims = {"iss": "onegenie", "aud": "access", "exp": 2_000_000_000}
    plain = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in (unsigned, claims)
    )
    good = _token(signer, clock)
    head, body, signature = good.split(".")
    other_body = _token(signer, clock, minutes=2).split(".")[1]
    stranger = Signer(path.with_name("others.json"), clock)
    for token in (
        f"{plain}.",
        f"{plain}.{signature}",
        f"{head}.{other_body}.{signature}",
        f"{head}.{body}.",
        good[:-10],
        _token(stranger, clock),
        _token(signer, clock, "link"),
        _forged(path, alg="HS512"),
        _forged(path, kid="unknown"),
        _forged(path, iss="somebody"),
        _forged(path, aud=["access", "link"]),
        _forged(path, exp=None),
        _forged(path, exp="2000000000"),
        _forged(path, exp=True),
        _forged(path, exp=float("nan")),
        _forged(path, nbf=1_999_999_999),
        _forged(path, nbf="0"),
        _forged(path, nbf=[0]),
        _forged(path, nbf=True),
        _forged(path, nbf=float("nan")),
        _list_of(path),
        "",
        "a.b.c",
        "ort_" + "x" * 43,
        "토큰",
    ):
        assert signer.read("access", token) is None, token


def test_a_token_is_not_recognised_before_its_time(path: Path, clock: FakeClock) -> None:
    signer = Signer(path, clock)
    token = _forged(path, nbf=clock().timestamp() + 0.5)
    assert signer.read("access", token) is None
    clock.advance(seconds=1)
    assert signer.read("access", token) is not None


@pytest.mark.parametrize("claims", [b"[" * 1000, b"[" * 3000 + b"]" * 3000])
def test_claims_nested_deeper_than_python_reads_are_none(
    path: Path, clock: FakeClock, claims: bytes
) -> None:
    signer = Signer(path, clock)
    kid = _kid(_token(signer, clock))
    (key,) = (k for k in json.loads(path.read_text())["keys"] if k["kid"] == kid)
    header = {"alg": "HS256", "kid": kid}
    token = jws.serialize_compact(header, claims, OctKey.import_key(key), algorithms=["HS256"])
    assert signer.read("access", token) is None


@pytest.mark.parametrize("claim", ["sub", "sid"])
@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "someone",
        5,
        1.5,
        True,
        [],
        [str(uuid4())],
        {},
        "0123456789abcdef" * 2,
        "\u0660" * 36,
    ],
)
def test_an_access_token_names_a_user_and_a_session(
    path: Path, clock: FakeClock, claim: str, value: object
) -> None:
    signer = Signer(path, clock)
    user = User(uuid4(), uuid4())
    claims: dict[str, object] = {"sub": str(user.id), "sid": str(user.session_id)}
    assert read_access_token(signer, _forged(path, **claims)) == user
    assert read_access_token(signer, _forged(path, **claims | {claim: value})) is None


def test_a_new_key_signs_and_the_old_ones_still_count(path: Path, clock: FakeClock) -> None:
    signer = Signer(path, clock)
    tokens = [_token(signer, clock)]
    for _ in range(KEPT):
        kid = add_key(path)
        tokens.append(_token(signer, clock))
        assert _kid(tokens[-1]) == kid
    assert [signer.read("access", token) is not None for token in tokens] == [False, *[True] * KEPT]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_key_waits_for_its_time(path: Path, clock: FakeClock) -> None:
    signer = Signer(path, clock)
    before = _kid(_token(signer, clock))
    kid = add_key(path, clock() + timedelta(minutes=10))
    assert _kid(_token(signer, clock)) == before
    clock.advance(minutes=10)
    assert _kid(_token(signer, clock)) == kid


def test_keys_go_on_working_while_their_file_is_broken(path: Path, clock: FakeClock) -> None:
    signer = Signer(path, clock)
    token, good = _token(signer, clock), path.read_text()
    path.write_text(good[:20])
    assert signer.read("access", token) is not None
    path.unlink()
    assert signer.read("access", _token(signer, clock)) is not None
    path.write_text(good)
    kid = add_key(path)
    assert _kid(_token(signer, clock)) == kid


def _set_of(**member: object) -> str:
    k = base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")
    return json.dumps({"keys": [{"kty": "oct", "k": k, "kid": "one"} | member]})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must be a JWK Set"),
        ("{}", "must be a JWK Set"),
        ('{"keys": [{"kty": "oct"}]}', "must be a JWK Set"),
        ('{"keys": []}', "must be a JWK Set"),
        (json.dumps({"keys": [ECKey.generate_key().as_dict()]}), "of the type oct"),
        (_set_of(k="c2hvcnQ"), "at least 256 bits"),
        (_set_of(nbf="tomorrow"), "whole number for nbf"),
        (_set_of(alg="HS512"), "may sign and verify"),
        (_set_of(use="enc"), "may sign and verify"),
        (_set_of(key_ops=["verify"]), "may sign and verify"),
    ],
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_bad_set_is_told_at_start(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(_set_of())
    check(path)
    path.write_text(text)
    with pytest.raises(ValueError, match=problem):
        check(path)


def test_the_command_rotates(path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(path.parent))
    missing = CliRunner().invoke(app, ["auth", "rotate-key"])
    assert missing.exit_code == 1
    old = _token(signer := Signer(path, clock), clock)
    os.utime(path, ns=(0, 0))
    assert CliRunner().invoke(app, ["auth", "rotate-key"]).exit_code == 0
    assert signer.read("access", old) is not None
    assert _kid(_token(signer, clock)) != _kid(old)
    later = CliRunner().invoke(app, ["auth", "rotate-key", "--in", "10"])
    assert later.exit_code == 0
    # The fake clock is behind the command's: this one does not sign yet.
    assert _kid(_token(signer, clock)) == json.loads(path.read_text())["keys"][1]["kid"]
